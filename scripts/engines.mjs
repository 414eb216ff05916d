/**
 * The conformance suite, derivatives included, with a sample of random graphs, on every engine that is to be had: on the reference
 * backend, on WebAssembly with one thread, and with two threads and fused multiply-add. Exit code 1 where a test fails.
 *
 *   node scripts/engines.mjs                    all engines
 *   node scripts/engines.mjs firefox webkit     these
 *   node scripts/engines.mjs --write            and renews docs/engines.json, of which `npm run generate` makes docs/engines.md
 *
 * Tools are installed by npm, as for scripts/environments.mjs; browsers are those of this machine, and what cannot be had is skipped.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bundleProgram, enginesNamed } from './environments/engines.mjs';
import { root, Skip } from './environments/tools.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { write: { type: 'boolean' } },
});
const engines = enginesNamed(positionals, 'engines');
const resultsFile = join(root, 'docs/engines.json');
const results = JSON.parse(readFileSync(resultsFile, 'utf8'));

const folder = mkdtempSync(join(tmpdir(), 'ag-engines-'));
const count = { passed: 0, failed: 0 };
try {
  await bundleProgram(join(root, 'scripts/engines/program.ts'), folder);
  writeFileSync(join(folder, 'index.js'), "import { main } from './program.js';\nawait main();\n");
  for (const [name, { title, run }] of engines) {
    try {
      const { version, lines } = await run(folder, 1200);
      const suites = lines
        .filter((line) => line.startsWith('@suite '))
        .map((line) => JSON.parse(line.slice('@suite '.length)));
      if (suites.length === 0) throw new Error(lines.join('\n'));
      results[name] = {
        title,
        version,
        suites: Object.fromEntries(
          suites.map(({ suite, refused, passed, failures }) => [
            suite,
            refused === undefined ? { passed, failed: failures.length } : { refused },
          ]),
        ),
      };
      // After each, so that nothing is lost when it is interrupted.
      if (values.write) writeFileSync(resultsFile, `${JSON.stringify(results, null, 2)}\n`);
      for (const { suite, refused, passed = 0, failures = [], threads } of suites) {
        count.passed += passed;
        count.failed += failures.length;
        const said = refused ?? `${passed} passed, ${failures.length} failed, threads ${threads}`;
        console.log(`${failures.length === 0 ? 'ok   ' : 'FAIL '} ${title} ${version}, ${suite}: ${said}`);
        for (const failure of failures.slice(0, 10)) console.log(`      ${failure.split('\n')[0]}`);
      }
    } catch (error) {
      if (error instanceof Skip) console.log(`skip  ${title}: ${error.message}`);
      else {
        count.failed++;
        console.log(`FAIL  ${title}: ${String(error.message).slice(0, 2000)}`);
      }
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(`${count.passed} passed, ${count.failed} failed`);
process.exitCode = count.failed > 0 ? 1 : 0;
