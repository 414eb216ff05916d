/** VitePress's own theme, with a system's fonts (nothing is fetched) and tables in two columns. */
import Theme from 'vitepress/theme-without-fonts';
import './style.css';

export default Theme;
