/** docs/engines.md: what `scripts/engines.mjs` and `scripts/environments.mjs` found, as tables. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const found = fileURLToPath(new URL('../docs/engines.json', import.meta.url));

const suites = {
  reference: 'reference backend',
  separate: 'WebAssembly, 1 thread',
  fused: 'WebAssembly, 2 threads, fused multiply-add',
};

export function enginesPage() {
  const results = existsSync(found) ? JSON.parse(readFileSync(found, 'utf8')) : {};
  const cell = (outcome) => {
    if (outcome === undefined) return '';
    if (outcome.refused !== undefined) return outcome.refused.split('\n')[0].replaceAll('|', '\\|');
    return outcome.failed === 0
      ? `${outcome.passed} passed`
      : `${outcome.passed} passed, **${outcome.failed} failed**`;
  };
  const rows = Object.values(results).map(
    ({ title, version, suites: outcomes }) =>
      `| ${title} | ${version} | ${Object.keys(suites)
        .map((suite) => cell(outcomes[suite]))
        .join(' | ')} |`,
  );
  return `# Engines

Which engines the packages were tried on, and what came of it. The suite is the one that every backend has to pass
([conformance](../packages/tensor/src/testing/conformance.ts)): values of each operation by dtype, shape and view, first and second derivatives,
special values, and 25 random graphs compared with the reference backend. Made by \`node scripts/engines.mjs --write\`, which needs nothing but
Node: other engines come from npm, browsers are those of the machine.

| engine | version | ${Object.values(suites).join(' | ')} |
| --- | --- |${Object.keys(suites)
    .map(() => ' --- |')
    .join('')}
${rows.join('\n')}

- **Installing, bundling and training in each of them**, with bundlers, compilers and Cloudflare's runtime: the table in the
  [README of \`@ag/all\`](../packages/all/README.md).
- **The same bits**: which engines train a receipt again is told in [reproducibility](reproducibility.md).
- **Your own device**: the page *This device* of \`agrad web\` runs the suite where you open it, and \`agrad doctor\` in Node.
- WebKit has shared memory only where it is switched on (\`JSC_useSharedArrayBuffer=1\`), as the script does; without it there is one thread.
`;
}
