/**
 * The application is a static folder: relative paths, no server logic. Development and preview servers send the
 * headers that allow shared memory and a strict content security policy; a host that does not send them still works,
 * on one thread.
 */
import { createHash } from 'node:crypto';
import { defaultClientConditions, defineConfig, type Plugin } from 'vite';
import { codeLab } from './scripts/codeLab.ts';

export const headers = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
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

/** Writes `sw.js`, a service worker that keeps every built file for use without a network. */
function offline(): Plugin {
  return {
    name: 'offline',
    apply: 'build',
    generateBundle: {
      order: 'post',
      handler(_options, bundle) {
        const ofServers = ['headers.json', 'fileHeaders.json'];
        const files = Object.keys(bundle).filter((file) => !file.endsWith('.map') && !ofServers.includes(file));
        const version = createHash('sha256').update(files.sort().join('\n')).digest('hex').slice(0, 12);
        const list = JSON.stringify(['./', './icon.svg', ...files.map((file) => `./${file}`)]);
        this.emitFile({
          type: 'asset',
          fileName: 'sw.js',
          source: `const cacheName = 'ag-${version}';
const files = ${list};
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
  event.respondWith(hit().then((response) => response ?? fetch(event.request)));
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
  plugins: [codeLab('fileHeaders.json'), offline(), writtenHeaders()],
});
