/**
 * A folder opened as a page in a browser: served with the headers that allow shared memory, and with a few lines that
 * send what the page prints, warns of and throws to this process. Any browser does that, without a driver.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { end, Skip } from './tools.mjs';

/** Sends one line after the other, in order. */
const reporter = `<script>
  (() => {
    let last = Promise.resolve();
    const send = (kind, text) => {
      last = last.then(() => fetch('/report', { method: 'POST', body: JSON.stringify({ kind, text }) })).catch(() => {});
    };
    for (const kind of ['log', 'warn', 'error']) {
      const own = console[kind].bind(console);
      console[kind] = (...given) => { own(...given); send(kind, given.join(' ')); };
    }
    addEventListener('error', (event) => send('error', String(event.error?.stack ?? event.message ?? 'a file could not be loaded')), true);
    addEventListener('unhandledrejection', (event) => send('error', String(event.reason?.stack ?? event.reason)));
  })();
</script>`;

const types = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
};

/** Browsers by name: how each is found, and started on an address with a profile that is thrown away. */
const browsers = {
  chromium: {
    programs: [process.env.CHROMIUM, 'chromium', 'chromium-browser', 'google-chrome'],
    start: (program, profile, address) =>
      spawn(
        program,
        [
          ...[
            '--headless',
            '--no-sandbox',
            '--disable-gpu',
            '--no-first-run',
            '--disable-background-networking',
          ],
          ...[`--user-data-dir=${profile}`, address],
        ],
        { stdio: 'ignore', detached: true },
      ),
  },
  firefox: {
    programs: [process.env.FIREFOX, 'firefox-esr', 'firefox'],
    start: (program, profile, address) =>
      spawn(program, ['--headless', '--no-remote', '--profile', profile, address], {
        stdio: 'ignore',
        detached: true,
      }),
  },
  webkit: {
    programs: [process.env.WEBKIT, '/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser'],
    needs: ['Xvfb'],
    // The browser itself opens a window even to say its version.
    // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg's own form
    version: ['dpkg-query', '-W', '-f', '${Version}', 'libwebkit2gtk-4.1-0'],
    start: (program, profile, address) =>
      spawn('sh', ['-c', 'Xvfb :77 -nolisten tcp & sleep 1; exec "$0" "$1"', program, address], {
        stdio: 'ignore',
        detached: true,
        env: {
          ...process.env,
          HOME: profile,
          DISPLAY: ':77',
          GDK_BACKEND: 'x11',
          LIBGL_ALWAYS_SOFTWARE: '1',
          // Off unless asked for, though the page is isolated.
          JSC_useSharedArrayBuffer: '1',
        },
      }),
  },
};

/** The program of a browser and what it says that it is. @throws Skip where there is none */
export function findBrowser(name) {
  const { programs, needs = [], version } = browsers[name];
  for (const missing of needs.filter((program) => spawnSync('which', [program]).status !== 0))
    throw new Skip(`${missing} is not installed`);
  for (const program of programs.filter(Boolean)) {
    if (!existsSync(program) && spawnSync('which', [program]).status !== 0) continue;
    const [command, ...options] = version ?? [program, '--version'];
    const { status, stdout } = spawnSync(command, options, { encoding: 'utf8' });
    if (status === 0) return { program, version: /\d+(\.\d+)?/.exec(stdout.trim())?.[0] ?? '' };
  }
  throw new Skip(`${name} is not installed (${name.toUpperCase()} names its program)`);
}

/**
 * Opens `index.html` of a folder and resolves with what the page printed up to the line `done`.
 * @throws Error when it warns, throws, or does not get there
 */
export async function openPage(folder, name = 'chromium', { seconds = 90, done = '@done' } = {}) {
  const { program } = findBrowser(name);
  const lines = [];
  let settle;
  const answer = new Promise((resolve) => {
    settle = resolve;
  });
  const server = createServer((request, response) => {
    response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
    response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp');
    response.setHeader('Cross-Origin-Resource-Policy', 'same-origin');
    if (request.url === '/report') {
      let text = '';
      request.setEncoding('utf8').on('data', (part) => {
        text += part;
      });
      request.on('end', () => {
        response.end();
        const { kind, text: line } = JSON.parse(text);
        if (kind !== 'log') settle(`the page has a ${kind}: ${line}`);
        else if (line === done) settle('');
        else lines.push(line);
      });
      return;
    }
    const path = decodeURIComponent(new URL(request.url, 'http://x').pathname);
    const file = join(folder, path.endsWith('/') ? `${path}index.html` : path);
    if (path === '/favicon.ico') response.writeHead(204).end();
    else if (!file.startsWith(folder) || !existsSync(file) || !statSync(file).isFile()) {
      response.writeHead(404).end();
      settle(`the page asks for ${path}, which is not there`);
    } else {
      const type = types[extname(file)] ?? 'application/octet-stream';
      const content = readFileSync(file);
      response.setHeader('Content-Type', type);
      response.end(
        type === 'text/html' ? String(content).replace(/<head[^>]*>|^/, `$&${reporter}`) : content,
      );
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const profile = mkdtempSync(join(tmpdir(), 'ag-profile-'));
  const child = browsers[name].start(program, profile, `http://127.0.0.1:${server.address().port}/`);
  const closed = new Promise((resolve) => child.on('close', resolve).on('error', resolve));
  const timer = setTimeout(() => settle(`no answer within ${seconds} s`), seconds * 1000);
  closed.then((status) => settle(`the browser ended with ${status} before the page answered`));
  const trouble = await answer;
  clearTimeout(timer);
  end(child);
  await closed;
  server.closeAllConnections();
  server.close();
  rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  if (trouble) throw new Error([trouble, ...lines].join('\n'));
  return lines;
}
