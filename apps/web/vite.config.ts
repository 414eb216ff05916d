/**
 * The application is a static folder: relative paths, no server logic. Development and preview servers send the
 * headers that allow shared memory and a strict content security policy. Where a host does not send them the service
 * worker adds those for shared memory, from the second time on that the page is opened.
 */
import { createHash } from 'node:crypto';
import { defaultClientConditions, defineConfig, type Plugin } from 'vite';
import { codeLab } from './scripts/codeLab.ts';

/** What makes a page isolated, which may then share memory between threads. */
const isolation = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

export const headers = {
  ...isolation,
  'Content-Security-Policy':
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; worker-src 'self'; connect-src 'self'; object-src 'none'; base-uri 'none'",
};

/** Writes `headers.json`, for whoever serves the folder and can send headers: `agrad web` does. */
function writtenHeaders(): Plugin {
  return {
    name: 'headers',
    apply: 'build',
    generateBundle() {
      const source = `${JSON.stringify(headers, null, 2)}\n`;
      this.emitFile({ type: 'asset', fileName: 'headers.json', source });
    },
  };
}

/** Vite's development client uses inline scripts and a web socket, which the policy above forbids. */
const { 'Content-Security-Policy': _, ...developmentHeaders } = headers;

/**
 * Where the folder will be served, such as `https://example.org/ag`, if that is known when it is built: whoever shows a
 * link with its picture asks for a whole address.
 */
const origin = process.env.AG_WEB_ORIGIN?.replace(/\/$/, '');

function socialPicture(): Plugin {
  return {
    name: 'social-picture',
    transformIndexHtml: (html) =>
      origin ? html.replace('content="./social.png"', `content="${origin}/social.png"`) : html,
  };
}

/** Files of `public/` that the application needs without a network too. */
const publicFiles = ['icon.svg', 'icon-192.png', 'icon-512.png', 'manifest.webmanifest'];

/**
 * Writes `sw.js`, a service worker that keeps every built file for use without a network, and hands all out with the
 * headers of isolation: page and workers need them, and hosts of static files often cannot send any.
 */
function offline(): Plugin {
  return {
    name: 'offline',
    apply: 'build',
    generateBundle: {
      order: 'post',
      handler(_options, bundle) {
        const ofServers = ['headers.json', 'fileHeaders.json'];
        const files = Object.keys(bundle).filter(
          (file) => !file.endsWith('.map') && !ofServers.includes(file),
        );
        const version = createHash('sha256').update(files.sort().join('\n')).digest('hex').slice(0, 12);
        const list = JSON.stringify(['./', ...[...publicFiles, ...files].map((file) => `./${file}`)]);
        this.emitFile({
          type: 'asset',
          fileName: 'sw.js',
          source: `const cacheName = 'ag-${version}';
const files = ${list};
const isolation = Object.entries(${JSON.stringify(isolation)});
const isolated = (response) => {
  if (response.status === 0 || isolation.every(([name, value]) => response.headers.get(name) === value)) return response;
  const headers = new Headers(response.headers);
  for (const [name, value] of isolation) headers.set(name, value);
  const { body, status, statusText } = response;
  return new Response([204, 304].includes(status) ? null : body, { status, statusText, headers });
};
self.addEventListener('install', (event) => {
  event.waitUntil(caches.open(cacheName).then((cache) => cache.addAll(files)).then(() => self.skipWaiting()));
});
self.addEventListener('activate', (event) => {
  const old = (names) => names.filter((name) => name.startsWith('ag-') && name !== cacheName);
  event.waitUntil(caches.keys().then((names) => Promise.all(old(names).map((name) => caches.delete(name)))).then(() => self.clients.claim()));
});
self.addEventListener('fetch', (event) => {
  if (event.request.method !== 'GET' || new URL(event.request.url).origin !== self.location.origin) return;
  const hit = () => caches.open(cacheName).then((cache) => cache.match(event.request, { ignoreSearch: true, ignoreVary: true }));
  event.respondWith(hit().then((response) => response ?? fetch(event.request)).then(isolated));
});
`,
        });
      },
    },
  };
}

const conditions = ['@ag/source', ...defaultClientConditions];

export default defineConfig({
  base: './',
  resolve: { conditions },
  worker: { format: 'es' },
  build: { target: 'es2022', chunkSizeWarningLimit: 400, modulePreload: { polyfill: false } },
  server: { headers: developmentHeaders },
  preview: { headers },
  // The service worker lists what the others have written.
  plugins: [codeLab('fileHeaders.json'), offline(), writtenHeaders(), socialPicture()],
});
