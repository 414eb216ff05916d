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
  const { serviceWorker } = navigator;
  // Without it the application works, but not offline, and on one thread where the host sends no headers.
  serviceWorker.register('./sw.js').catch(() => undefined);
  // It can make the page isolated only when it is opened again: at once where nobody has begun to use it, and only once.
  serviceWorker.addEventListener('controllerchange', () => {
    if (crossOriginIsolated || navigator.userActivation?.hasBeenActive) return;
    if (sessionStorage.getItem('ag.opened') !== null) return;
    sessionStorage.setItem('ag.opened', 'again');
    location.reload();
  });
}
