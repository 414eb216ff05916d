/**
 * The programs that every environment runs: those of the README of `@ag/all`, word for word, with a few lines behind them
 * that tell what computed. What they print becomes the outcome of a job.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './tools.mjs';

const readme = () => readFileSync(join(root, 'packages/all/README.md'), 'utf8');

/** A block of code of the README, found by the text that it holds. */
function block(language, holds) {
  const blocks = [...readme().matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))];
  const found = blocks.find(([, code]) => code.includes(holds));
  if (found === undefined)
    throw new Error(`packages/all/README.md has no \`\`\`${language} block with ${holds}`);
  return found[1];
}

const told = '{ backend: used().name, arithmetic: used().arithmetic, threads: used().runningThreads ?? 1 }';

/** The example: trains where it stands. */
export const example = () => block('ts', 'of fit(');
const imported = "import { backend as used } from '@ag/all';\n";
const exampleTold = `console.log('@program', JSON.stringify(${told}));\n`;

/** The worker answers one more message than those of the training. */
const training =
  () => `${imported}${block('js', '// training.js').replace('(({ epochs }) => {', '(async ({ epochs }) => {\n  await used().startThreads?.();')}
const port = globalThis.process?.getBuiltinModule?.('node:worker_threads')?.parentPort;
const answer = (message) => { if (message === 'environment') (port ?? globalThis).postMessage(${told}); };
if (port) port.on('message', answer);
else addEventListener('message', (event) => answer(event.data));
`;

const main = () =>
  block('js', '// main.js').replace(
    'worker.terminate();',
    `const told = await new Promise((resolve) => {
  const hear = (message) => { if (message?.backend) resolve(message); };
  if (worker.on) worker.on('message', hear);
  else worker.addEventListener('message', (event) => hear(event.data));
  worker.postMessage('environment');
});
console.log('@worker', JSON.stringify(told));
worker.terminate();`,
  );

/** Files of a project by name: \`index.js\` runs the example, then the worker. */
export function moduleProject({ nodeWorkers = false } = {}) {
  const worker = nodeWorkers ? "import { Worker } from 'node:worker_threads';\n" : '';
  return {
    'example.js': imported + example() + exampleTold,
    'training.js': training(),
    // Modules that wait run side by side unless one imports the other.
    'main.js': `import './example.js';\n${worker}${main()}`,
    'index.js': "import './main.js';\nconsole.log('@done');\n",
  };
}

/** Lines of imports, and the others. */
function divided(code) {
  const lines = code.split('\n');
  const isImport = (line) => /^import .*;$/.test(line);
  return { imports: lines.filter(isImport), body: lines.filter((line) => !isImport(line)) };
}

/** The same with functions that wait, not modules: where a framework calls, as Next does. */
export function functionProject() {
  const files = moduleProject();
  const asFunction = (code) => {
    const { imports, body } = divided(code);
    return [
      ...imports.filter((line) => !line.includes('./example')),
      'export async function train() {',
      ...body,
      '}',
      '',
    ].join('\n');
  };
  return {
    'example.js': asFunction(files['example.js']),
    'main.js': asFunction(files['main.js']),
    'training.js': files['training.js'],
    'index.js': `import * as example from './example.js';
import * as main from './main.js';
export async function train() {
  await example.train();
  await main.train();
  console.log('@done');
}
`,
  };
}

/** The same as CommonJS modules of Node, which have no `await` outside of functions. */
export function commonJSProject() {
  const required = (code) =>
    code
      .replace(/^import '[^']*';\n/gm, '')
      .replace(
        /^import (.*?) from ('[^']*');$/gm,
        (_, names, from) => `const ${names.replace(' as ', ': ')} = require(${from});`,
      );
  const inFunction = (code) => {
    const lines = required(code).split('\n');
    const head = lines.filter((line) => line.includes('require('));
    const body = lines.filter((line) => !line.includes('require('));
    return [...head, 'module.exports = (async () => {', ...body, '})();', ''].join('\n');
  };
  const url = "new URL('./training.js', import.meta.url)";
  const path = "require('node:path').join(__dirname, 'training.cjs')";
  const {
    'example.js': first,
    'main.js': second,
    'training.js': worker,
  } = moduleProject({ nodeWorkers: true });
  return {
    'example.cjs': inFunction(first),
    'main.cjs': inFunction(second).replace(url, path),
    'training.cjs': required(worker),
    'index.cjs':
      "require('./example.cjs').then(() => require('./main.cjs')).then(() => console.log('@done'));\n",
  };
}

/** Writes a project anew. */
export function write(folder, files) {
  rmSync(folder, { recursive: true, force: true });
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

/**
 * What was trained, from the lines that were printed: for the program and the worker which backend computed, by how many
 * threads, and the losses with their hash.
 * @throws Error when one is missing, or a line says something else
 */
export function outcome(lines, places = ['program', 'worker']) {
  const found = {};
  let losses = [];
  for (const line of lines) {
    const loss = /^\d+ (\d\.?\d*(?:e-\d+)?)$/.exec(line);
    const told = /^@(\w+) (\{.*\})$/.exec(line);
    if (loss) losses.push(loss[1]);
    else if (told) {
      const hash = createHash('sha256').update(losses.join(' ')).digest('hex').slice(0, 8);
      found[told[1]] = { ...JSON.parse(told[2]), losses, hash };
      losses = [];
    } else if (line !== '@done' && !/^(wasm|reference)$/.test(line))
      throw new Error(`it printed: ${line}\n${lines.join('\n')}`);
  }
  for (const place of places) {
    if (found[place] === undefined) throw new Error(`the ${place} did not train:\n${lines.join('\n')}`);
    const { losses: all } = found[place];
    if (all.length !== 20 || !(Number(all[19]) < Number(all[0])))
      throw new Error(`the ${place} did not learn: ${all.join(' ')}`);
  }
  return found;
}
