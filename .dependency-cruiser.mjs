/**
 * Which package may know which.
 *
 * The packages are a star around @ag/tensor: graph, nn, optim, datasets, native-wasm and webgpu see tensor only, onnx makes modules of
 * nn, train sees those it drives, viz sees none that computes. Tests may look further (nn's gradients are checked with graph).
 * That files form no cycle is Biome's to check (noImportCycles); where not even types close one, it is checked here too.
 */
const numeric = ['tensor', 'graph', 'nn', 'optim', 'datasets', 'native-wasm', 'webgpu', 'train'];

const mayImport = {
  tensor: [],
  graph: ['tensor'],
  nn: ['tensor'],
  optim: ['tensor'],
  datasets: ['tensor'],
  'native-wasm': ['tensor'],
  webgpu: ['tensor'],
  train: ['tensor', 'graph', 'nn', 'optim', 'datasets'],
  viz: [],
  onnx: ['tensor', 'nn'],
  mpi: ['tensor', 'train'],
  all: ['tensor', 'graph', 'nn', 'optim', 'datasets', 'native-wasm', 'webgpu', 'train', 'viz'],
};

const everyPackage = [...numeric, 'viz', 'onnx', 'mpi', 'all'];

const directions = Object.entries(mayImport).map(([name, allowed]) => {
  const forbidden = everyPackage.filter((other) => other !== name && !allowed.includes(other));
  return {
    name: `${name}-sees-only-${allowed.join('-') || 'itself'}`,
    severity: 'error',
    from: { path: `^packages/${name}/src/`, pathNot: '\\.test\\.ts$' },
    to: { path: `^(packages/(${forbidden.join('|')})|apps/[^/]+)/` },
  };
});

/**
 * The rooms of @ag/tensor, lower ones first: none imports from one above it. `Tensor` and `Variable` in the root stand beside
 * all of them, and so does `testing`.
 */
const rooms = ['kernel', 'ops', 'plan', 'run', 'functions', 'loops'];

const upward = rooms.map((room, i) => ({
  name: `tensor-${room}-imports-no-room-above`,
  severity: 'error',
  from: { path: `^packages/tensor/src/${room}/`, pathNot: '\\.test\\.ts$' },
  to: { path: `^packages/tensor/src/(${[...rooms.slice(i + 1), 'debug', 'testing'].join('|')})/` },
}));

/** The folders of native-wasm, from the ground up: none imports from one that stands on it. `engine` stands beside. */
const wings = ['assembler', 'arithmetic', 'kernels', 'contraction', 'winograd', 'run', 'standalone'];

/** What stands on all of them: it sees what the engine offers and which kernel does what. */
const upper = ['run', 'standalone'];

const wingDirections = wings.map((wing, i) => {
  const above = [...wings.slice(i + 1), ...(upper.includes(wing) ? [] : ['engine'])].map(
    (name) => `${name}/`,
  );
  // Of the files that stand in no folder, abi, header and control are the ground; lower chooses among the kernels.
  const files = upper.includes(wing) ? 'index|backend' : 'index|backend|lower';
  return {
    name: `native-wasm-${wing}-sees-only-what-it-stands-on`,
    severity: 'error',
    from: { path: `^packages/native-wasm/src/${wing}/`, pathNot: '\\.test\\.ts$' },
    to: { path: `^packages/native-wasm/src/(${[...above, `(${files})\\.ts$`].join('|')})` },
  };
});

export default {
  forbidden: [
    ...directions,
    ...upward,
    {
      name: 'tensor-plan-is-pure',
      comment: 'The compiler knows no backend and no variable: a graph goes in, a program comes out.',
      severity: 'error',
      from: { path: '^packages/tensor/src/plan/', pathNot: '\\.test\\.ts$' },
      to: { path: '^packages/tensor/src/(reference/|variable\\.ts|kernel/backend\\.ts)' },
    },
    {
      name: 'tensor-reference-knows-kernels-only',
      severity: 'error',
      from: { path: '^packages/tensor/src/reference/', pathNot: '\\.test\\.ts$' },
      to: { path: '^packages/tensor/src/(ops|plan|run|functions|debug)/' },
    },
    ...wingDirections,
    {
      name: 'native-wasm-engine-stands-beside',
      severity: 'error',
      from: { path: '^packages/native-wasm/src/engine/', pathNot: '\\.test\\.ts$' },
      to: { path: '^packages/native-wasm/src/(?!engine/|assembler/)' },
    },
    {
      name: 'packages-by-name',
      comment: "Another package is reached by its name, never through its files: import '@ag/tensor'.",
      severity: 'error',
      // Tests of ranks share how they are launched.
      from: {
        path: '^(packages|apps)/([^/]+)/src/',
        pathNot: '^apps/cli/src/distributed\\.test',
      },
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
      name: 'no-circles',
      comment: 'Not by types either: what two files need goes into a file below both.',
      severity: 'error',
      from: { path: '^(packages/(graph|nn|onnx|optim|datasets|train)|apps/(cli|web))/src/' },
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
      // The generator of the site is fetched when the site is built; its theme is found from there.
      from: { pathNot: '\\.d\\.ts$|^apps/docs/vitepress/' },
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
      // @ag/mpi is for Node alone.
      from: { path: '^packages/(?!mpi/)[^/]+/src/', pathNot: '\\.(test|node)\\.ts$' },
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
