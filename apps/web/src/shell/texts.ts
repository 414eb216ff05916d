/** The words of the frame around every page. */
export const texts = {
  skip: { en: 'Skip to the page', zh: '跳到正文' },
  pages: { en: 'Pages', zh: '页面' },
  theme: { en: 'Light or dark', zh: '浅色或深色' },
  notLoaded: { en: 'This page could not be loaded: ', zh: '无法加载此页面：' },
  loading: { en: 'Loading…', zh: '加载中…' },
  next: { en: 'Next: ', zh: '下一页：' },
  backend: { en: 'Compute with', zh: '计算后端' },
  retry: { en: 'Try again', zh: '重试' },
};
