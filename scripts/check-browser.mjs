/**
 * Runs the README example of every package in headless Chromium. They are bundled as an application would, and
 * served with the headers that allow shared memory. Prints one line per package and a closing line with their
 * number; without a browser it says so and ends well.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const seconds = 60;
const scratch = mkdtempSync(join(tmpdir(), 'ag-browser-'));
const page = `<!doctype html><meta charset="utf-8"><title>example</title><link rel="icon" href="data:,">
<script type="module">
  const report = (text) => fetch('/report', { method: 'POST', body: text });
  import('/example.js').then(() => report(''), (error) => report(String(error.stack ?? error)));
</script>`;

const browser = findBrowser();
if (browser === undefined) {
  console.log('skip  browser: no Chromium found (set CHROMIUM to its path)');
  console.log('0 passed, 0 failed');
} else {
  let passed = 0;
  let failed = 0;
  for (const name of readdirSync(join(root, 'packages'))) {
    try {
      await inBrowser(await bundle(join(root, 'packages', name)));
      passed++;
      console.log(`ok    @ag/${name}: its README example runs in the browser`);
    } catch (error) {
      failed++;
      console.log(`FAIL  @ag/${name}: its README example runs in the browser`);
      console.log(String(error.message).replace(/^/gm, '      '));
    }
  }
  rmSync(scratch, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed ? 1 : 0;
}

function findBrowser() {
  const names = [process.env.CHROMIUM, 'chromium', 'chromium-browser', 'google-chrome'];
  return names.find((name) => name && spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0);
}

async function bundle(folder) {
  const readme = existsSync(join(folder, 'README.md')) ? readFileSync(join(folder, 'README.md'), 'utf8') : '';
  const example = /^```ts\b[^\n]*\n([\s\S]*?)^```/m.exec(readme)?.[1];
  if (example === undefined) throw new Error('README.md has no ```ts block to run.');
  const { outputFiles } = await build({
    stdin: { contents: example, loader: 'ts', resolveDir: root },
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    platform: 'browser',
    logLevel: 'silent',
  });
  return outputFiles[0].text;
}

/** Serves a page that runs the script, opens it, and rejects with what the page reports. */
async function inBrowser(script) {
  let told;
  const answer = new Promise((resolve) => {
    told = resolve;
  });
  const server = createServer((request, response) => {
    response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
    response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp');
    if (request.url === '/report') {
      let text = '';
      request.setEncoding('utf8').on('data', (part) => {
        text += part;
      });
      request.on('end', () => {
        response.end();
        told(text);
      });
    } else if (request.url === '/example.js')
      response.setHeader('Content-Type', 'text/javascript').end(script);
    else response.setHeader('Content-Type', 'text/html').end(page);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const profile = mkdtempSync(join(scratch, 'profile-'));
  const address = `http://127.0.0.1:${server.address().port}/`;
  const options = [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--no-first-run',
    `--user-data-dir=${profile}`,
  ];
  const child = spawn(browser, [...options, address], { stdio: 'ignore', detached: true });
  const ended = new Promise((resolve) => child.on('close', resolve));
  const timer = setTimeout(() => told(`no answer within ${seconds} s`), seconds * 1000);
  ended.then((status) => told(`the browser ended with ${status} before the page answered`));
  const trouble = await answer;
  clearTimeout(timer);
  if (child.exitCode === null) process.kill(-child.pid, 'SIGKILL'); // the browser and the processes it started
  await ended;
  server.closeAllConnections();
  server.close();
  if (trouble) throw new Error(trouble);
}
