/**
 * `npm run generate`: renews every generated file (scripts/generated.mjs). With `--check` nothing is written; files that
 * are not as their code would make them are named, and the exit code is 1.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generated } from './generated.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const check = process.argv.includes('--check');
const stale = Object.entries(generated).filter(([path, content]) => {
  const file = join(root, path);
  return !existsSync(file) || readFileSync(file, 'utf8') !== content;
});
for (const [path, content] of stale) {
  console.log(`${check ? 'stale: ' : 'wrote '}${path}`);
  if (check) continue;
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
}
if (check && stale.length > 0) {
  console.log('Renew them: npm run generate');
  process.exitCode = 1;
} else console.log(`${Object.keys(generated).length - stale.length} files are up to date`);
