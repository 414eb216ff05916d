/**
 * Runs the README example of every package in headless Chromium. They are bundled as an application would, and
 * served with the headers that allow shared memory. Prints one line per package and a closing line with their
 * number; without a browser it says so and ends well.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { findBrowser, openPage } from './environments/browser.mjs';
import { Skip } from './environments/tools.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const page = `<!doctype html><html><head><meta charset="utf-8"><title>example</title></head><body>
<script type="module">
  import('/example.js').then(() => console.log('@done'));
</script></body></html>`;

let passed = 0;
let failed = 0;
if (isThere()) {
  // MPI is for Node alone.
  for (const name of readdirSync(join(root, 'packages')).filter((name) => name !== 'mpi')) {
    const folder = mkdtempSync(join(tmpdir(), 'ag-browser-'));
    try {
      writeFileSync(join(folder, 'index.html'), page);
      writeFileSync(join(folder, 'example.js'), await bundle(join(root, 'packages', name)));
      await openPage(folder);
      passed++;
      console.log(`ok    @ag/${name}: its README example runs in the browser`);
    } catch (error) {
      failed++;
      console.log(`FAIL  @ag/${name}: its README example runs in the browser`);
      console.log(String(error.message).replace(/^/gm, '      '));
    }
    rmSync(folder, { recursive: true, force: true });
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed ? 1 : 0;

/** Whether there is a browser; says so where there is none. */
function isThere() {
  try {
    return findBrowser('chromium') !== undefined;
  } catch (error) {
    if (!(error instanceof Skip)) throw error;
    console.log(`skip  browser: ${error.message}`);
    return false;
  }
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
