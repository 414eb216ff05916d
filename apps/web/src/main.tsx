/**
 * Start of the application.
 */
import { render } from 'preact';
import { App } from './shell/app.tsx';
import './shell/style.css';

const root = document.getElementById('app')!;
root.replaceChildren();
render(<App />, root);

if ('serviceWorker' in navigator && import.meta.env.PROD) {
  // Without it the application works, but not offline.
  navigator.serviceWorker.register('./sw.js').catch(() => undefined);
}
