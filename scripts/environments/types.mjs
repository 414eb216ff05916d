import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { addPackages } from './packed.mjs';
import { example, outcome, write } from './programs.mjs';
import { run, toolsOf, versionOf } from './tools.mjs';

/** Every entry point of every package, so that every declaration is looked at. */
const entries = [
  ...[
    'all',
    'datasets',
    'graph',
    'native-wasm',
    'nn',
    'onnx',
    'optim',
    'tensor',
    'train',
    'viz',
    'webgpu',
  ].map((name) => `@ag/${name}`),
  ...['@ag/graph/testing', '@ag/tensor/debug', '@ag/tensor/engine', '@ag/tensor/math', '@ag/tensor/testing'],
];

/** Uses what is special in the declarations: arrays of a known buffer, what can be disposed of, either kind of worker. */
const program = `import * as ag from '@ag/all';
${entries.map((entry, i) => `import * as entry${i} from '${entry}';`).join('\n')}
export const all = [${entries.map((_, i) => `entry${i}`).join(', ')}];

export async function pixels(picture: ag.Tensor): Promise<Uint8ClampedArray> {
  return (await ag.datasets.toImageData(picture)).data;
}
export class Net extends ag.nn.Module {
  readonly hidden = ag.nn.linear(2, 8);
  forward(x: ag.Tensor): ag.Tensor {
    return this.hidden.forward(x).tanh();
  }
}
export async function weights(end: ag.MessageEnd): Promise<Uint8Array | null> {
  const run = ag.runInWorker(end, { settings: { epochs: 1 } });
  for (;;) {
    const next = await run.next();
    if (next.done) return next.value;
  }
}
// @ts-expect-error: what is not declared is refused, so the types above are not any
ag.tensor([1]).nothing();
// @ts-expect-error: a matrix of texts
ag.tensor([['a']]);
`;

const strict = {
  strict: true,
  skipLibCheck: false,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  noImplicitOverride: true,
  declaration: true,
  target: 'es2022',
};

/** Kinds of project by name: compiler options, and what package.json says of modules. */
function kinds(version, thorough) {
  const isOld = Number(version) < 6;
  const all = {};
  for (const types of thorough ? [[], ['node']] : [[]]) {
    const suffix = types.length > 0 ? ', Node’s types' : '';
    const common = { ...strict, types, lib: ['es2022', 'dom'] };
    for (const resolution of ['node16', 'nodenext']) {
      for (const type of ['module', 'commonjs'])
        all[`${resolution}, ${type}${suffix}`] = {
          type,
          options: { ...common, module: resolution, moduleResolution: resolution },
        };
    }
    all[`bundler${suffix}`] = {
      type: 'module',
      options: { ...common, module: 'esnext', moduleResolution: 'bundler' },
    };
    if (isOld) {
      const options = { ...common, module: 'commonjs', moduleResolution: 'node10', esModuleInterop: true };
      all[`node10, commonjs${suffix}`] = { type: 'commonjs', options };
    }
  }
  all['nodenext, Node’s types, no page'] = {
    type: 'module',
    options: {
      ...strict,
      types: ['node'],
      lib: ['es2022'],
      module: 'nodenext',
      moduleResolution: 'nodenext',
    },
  };
  return all;
}

export function typescript(version) {
  return async ({ thorough }) => {
    const folder = await toolsOf(`typescript-${version}`);
    await addPackages(folder);
    const asked = kinds(version, thorough);
    const [head, ...body] = example().split('\n\n');
    const told =
      "console.log('@program', JSON.stringify({ backend: backend().name, arithmetic: backend().arithmetic, threads: 1 }));";
    const inFunction = `${head}\n\nexport async function train(): Promise<void> {\n${body.join('\n\n')}\n${told}\n}\nvoid train();\n`;
    const projects = Object.entries(asked).map(([name, { type, options }]) =>
      write(join(folder, 'projects', name.replaceAll(/\W+/g, '-')), {
        'package.json': `{ "private": true, "type": "${type}" }\n`,
        'program.ts': program,
        'example.ts': inFunction,
        'tsconfig.json': JSON.stringify({
          compilerOptions: { ...options, outDir: 'out', rootDir: '.' },
          files: ['program.ts', 'example.ts'],
        }),
      }),
    );
    const library = join(folder, 'node_modules/typescript/lib/typescript.js');
    if (existsSync(library)) {
      const compileAll = fileURLToPath(new URL('./compileAll.mjs', import.meta.url));
      await run(process.execPath, [compileAll, library, ...projects], folder, { seconds: 400 });
    } else {
      const compiler = join(folder, 'node_modules/typescript/bin/tsc');
      for (const project of projects) await run(process.execPath, [compiler, '-p', project], project);
    }
    const runs = {};
    for (const name of ['nodenext-module', 'nodenext-commonjs']) {
      const said = await run(process.execPath, ['out/example.js'], join(folder, 'projects', name));
      runs[name] = outcome(said.split('\n').filter(Boolean), ['program']).program;
    }
    const [first, second] = Object.values(runs);
    if (first.hash !== second.hash) throw new Error('as CommonJS it trains otherwise');
    return {
      versions: `TypeScript ${versionOf(folder, 'typescript')}`,
      runs: { program: first },
      note: `${Object.keys(asked).length} kinds of project`,
    };
  };
}
