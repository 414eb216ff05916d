/**
 * Which package may know which.
 *
 * The packages are a star around @ag/tensor: graph, nn, optim, datasets and native-wasm see tensor only, train sees
 * those it drives, viz sees none that computes. Tests may look further (nn's gradients are checked with graph).
 * That files form no cycle is Biome's to check (noImportCycles): here one that only types close would hide others.
 */
const numeric = ['tensor', 'graph', 'nn', 'optim', 'datasets', 'native-wasm', 'train'];

const mayImport = {
  tensor: [],
  graph: ['tensor'],
  nn: ['tensor'],
  optim: ['tensor'],
  datasets: ['tensor'],
  'native-wasm': ['tensor'],
  train: ['tensor', 'graph', 'nn', 'optim', 'datasets'],
  viz: [],
};

const everyPackage = [...numeric, 'viz'];

const directions = Object.entries(mayImport).map(([name, allowed]) => {
  const forbidden = everyPackage.filter((other) => other !== name && !allowed.includes(other));
  return {
    name: `${name}-sees-only-${allowed.join('-') || 'itself'}`,
    severity: 'error',
    from: { path: `^packages/${name}/src/`, pathNot: '\\.test\\.ts$' },
    to: { path: `^(packages/(${forbidden.join('|')})|apps/[^/]+)/` },
  };
});

export default {
  forbidden: [
    ...directions,
    {
      name: 'packages-by-name',
      comment: "Another package is reached by its name, never through its files: import '@ag/tensor'.",
      severity: 'error',
      from: { path: '^(packages|apps)/([^/]+)/src/' },
      to: { path: '^(packages|apps)/', pathNot: '^$1/$2/', dependencyTypes: ['local'] },
    },
    {
      name: 'web-pages-apart',
      comment: 'What two pages of the application share lies in components/ or service/.',
      severity: 'error',
      from: { path: '^apps/web/src/pages/([^/]+)/' },
      to: { path: '^apps/web/src/pages/', pathNot: '^apps/web/src/pages/$1/' },
    },
    {
      name: 'web-rooms',
      comment: "Only the shell's list of pages and tests know single pages.",
      severity: 'error',
      from: {
        path: '^apps/web/src/(components|service|shell)/',
        pathNot: '/shell/pages\\.ts$|\\.test\\.ts$',
      },
      to: { path: '^apps/web/src/pages/' },
    },
    {
      name: 'web-workers-draw-nothing',
      severity: 'error',
      from: { path: '^apps/web/src/service/worker/' },
      to: { path: '^apps/web/src/(components|shell|service/page)/' },
    },
    {
      name: 'web-without-circles',
      comment: 'Nor circles of types.',
      severity: 'error',
      from: { path: '^apps/web/src/' },
      to: { circular: true },
    },
    {
      name: 'not-a-test',
      severity: 'error',
      from: { path: '^(packages|apps)/[^/]+/src/', pathNot: '\\.test\\.ts$' },
      to: { path: '\\.test\\.ts$' },
    },
    {
      name: 'resolvable',
      severity: 'error',
      from: { pathNot: '\\.d\\.ts$' },
      to: { couldNotResolve: true },
    },
    {
      name: 'zero-runtime-dependencies',
      comment:
        'The numeric packages need nothing from the registry but each other. What only some users need is an optional ' +
        'peer, loaded by import() when first used.',
      severity: 'error',
      from: { path: `^packages/(${numeric.join('|')})/src/`, pathNot: '\\.test\\.ts$' },
      to: {
        dependencyTypes: ['npm', 'npm-dev', 'npm-peer', 'npm-optional', 'npm-no-pkg'],
        dependencyTypesNot: ['dynamic-import', 'type-only', 'type-import'],
        pathNot: '^packages/',
      },
    },
    {
      name: 'no-node-in-the-browser',
      comment:
        'Code that browsers load has no static node: import; put it behind import() or a node condition.',
      severity: 'error',
      from: { path: '^packages/[^/]+/src/', pathNot: '\\.(test|node)\\.ts$' },
      to: { dependencyTypes: ['core'], dependencyTypesNot: ['dynamic-import', 'type-only', 'type-import'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)dist/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    detectJSDocImports: false,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['@ag/source', 'import', 'node', 'default'],
      extensions: ['.ts', '.mjs', '.js', '.json'],
    },
  },
};
