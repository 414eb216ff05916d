/**
 * The other library's column of the guides `coming-from-*`: each program runs with that library, where it can be fetched, and prints what
 * ours beside it prints. Ours run in the tests.
 *
 *   node scripts/check-guides.mjs               JavaScript libraries, fetched by npm (scripts/peers)
 *   AG_BENCH_PYTHON=~/torch/bin/python node scripts/check-guides.mjs    and PyTorch
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { peer } from './peers.mjs';

const guides = fileURLToPath(new URL('../docs/guide', import.meta.url));
/** What a block is marked as, and the peer that it runs with. */
const libraries = { tfjs: 'tfjs', brain: 'brain.js', 'jax-js': 'jax-js' };
/** jax-js asks for it; Node has it from 21 on. */
const browserLike = 'data:text/javascript,globalThis.navigator = globalThis.navigator || {}';
const env = { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined };
let passed = 0;
let failed = 0;
const skipped = new Set();

/** Blocks of others, each with what the block of ours that follows says it prints. */
function programsOf(text) {
  const blocks = [...text.matchAll(/^```(\w+)(?: (\S+))?\n([\s\S]*?)^```/gm)].map(
    ([, language, mark, code]) => ({ language, mark, code }),
  );
  return blocks.flatMap((block, i) => {
    const isTheirs = block.language === 'python' || block.mark in libraries;
    if (!isTheirs) return [];
    const said = [...(blocks[i + 1]?.code ?? '').matchAll(/console\.log\(.*\);.*\/\/ (.*)$/gm)].map(
      ([, line]) => line,
    );
    return [{ ...block, said }];
  });
}

async function runTheirs({ language, mark, code }) {
  if (language === 'python') {
    const python = process.env.AG_BENCH_PYTHON;
    if (!python) return { reason: 'PyTorch: AG_BENCH_PYTHON names no Python' };
    const folder = mkdtempSync(join(tmpdir(), 'ag-guides-'));
    const { status, stdout, stderr } = spawnSync(python, ['-c', code], {
      cwd: folder,
      encoding: 'utf8',
      env,
    });
    rmSync(folder, { recursive: true, force: true });
    return status === 0 ? { printed: stdout } : { printed: `${stdout}${stderr}` };
  }
  const library = await peer(libraries[mark]);
  if (library.reason) return { reason: library.reason };
  const file = join(library.folder, 'guide.mjs');
  writeFileSync(file, code);
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--import', browserLike, file], {
    encoding: 'utf8',
  });
  rmSync(file);
  return { printed: status === 0 ? stdout : `${stdout}${stderr}` };
}

/** One line for all, as numbers and truth values of all three languages are compared. */
function plain(text) {
  return text
    .split('\n')
    .filter((line) => !/^\s*$|^=+$|Hi, looks like you are running TensorFlow|speed things up/.test(line))
    .join(' ')
    .toLowerCase()
    .replace(/(?:float32array|int32array)\(\d+\)/g, '')
    .replace(/["']/g, '')
    .replace(/\.0\b/g, '')
    .replace(/\s+/g, '');
}

for (const file of readdirSync(guides).filter((name) => name.startsWith('coming-from-'))) {
  for (const program of programsOf(readFileSync(join(guides, file), 'utf8'))) {
    const { printed, reason } = await runTheirs(program);
    const title = `${file}: ${program.code.split('\n').find((line) => !/^(?:import|from|\s*$)/.test(line))}`;
    if (reason) {
      skipped.add(reason);
      continue;
    }
    if (plain(printed) === plain(program.said.join('\n'))) {
      passed++;
      console.log(`ok    ${title}`);
    } else {
      failed++;
      console.log(`FAIL  ${title}\n      theirs: ${printed.trim()}\n      ours:   ${program.said.join(' ')}`);
    }
  }
}
for (const reason of skipped) console.log(`skip  ${reason}`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
