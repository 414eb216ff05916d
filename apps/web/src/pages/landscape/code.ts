/** The programs that make what the page shows, for Node. */
import { quoted } from '../../components/quoted.ts';
import type { NetworkRequest } from './network.ts';
import { pointCount } from './network.ts';
import type { RaceRequest } from './race.ts';
import { type RunnerInfo, runners } from './runners.ts';
import type { SliceRequest } from './slice.ts';

export function codeFor({ expression, start, steps, runners: racing }: RaceRequest): string {
  const simple = racing.filter(({ id }) => 'make' in runners[id]);
  const functions = [
    ...new Set(racing.flatMap(({ id }) => (runners[id] as RunnerInfo).function ?? [])),
  ].sort();
  const calls = simple.map(({ id, learningRate }) => {
    const { name, function: call, more = '' }: RunnerInfo = runners[id];
    return `  [${quoted(name)}, (p) => ${call}(p, { learningRate: ${learningRate}${more} })],`;
  });
  const rate = (id: string) => racing.find((each) => each.id === id)?.learningRate;
  const [lbfgsRate, newtonRate] = [rate('lbfgs'), rate('newton')];
  const parts = [
    `const surface = formula(${quoted(expression)});
const begin = () => [${start.join(', ')}].map((at) => new Variable(tensor(at, { dtype: 'float64' })));
`,
    calls.length > 0 &&
      `const racers = [
${calls.join('\n')}
];
for (const [name, make] of racers) {
  const [x, y] = begin();
  const optimizer = make([x, y]);
  for (let step = 0; step < ${steps}; step++) {
    backward(surface.evaluate({ x: x.value, y: y.value }));
    optimizer.step();
    console.log(name, await x.value.item(), await y.value.item());
  }
}
`,
    lbfgsRate !== undefined &&
      `{
  const [x, y] = begin();
  const optimizer = lbfgs([x, y], { learningRate: ${lbfgsRate}${runners.lbfgs.more} });
  for (let step = 0; step < ${steps}; step++) {
    await optimizer.step(() => {
      const height = surface.evaluate({ x: x.value, y: y.value });
      backward(height);
      return height;
    });
    console.log('L-BFGS', await x.value.item(), await y.value.item());
  }
}
`,
    newtonRate !== undefined &&
      `{
  const f = (p) => surface.evaluate({ x: p.slice(0, 1), y: p.slice(1, 2) }).sum();
  let p = tensor([${start.join(', ')}], { dtype: 'float64' });
  for (let step = 0; step < ${steps}; step++) {
    p = p.sub(solve(hessian(f)(p), grad(f)(p)).mul(${newtonRate}));
    console.log('Newton', ...(await p.data()));
  }
}
`,
  ];
  const graph = ['backward', 'formula', ...(newtonRate === undefined ? [] : ['grad', 'hessian'])];
  const tensors = [...(newtonRate === undefined ? [] : ['solve']), 'tensor', 'Variable'];
  return `import { ${graph.join(', ')} } from '@ag/graph';
${functions.length > 0 ? `import { ${functions.join(', ')} } from '@ag/optim';\n` : ''}import { ${tensors.join(', ')} } from '@ag/tensor';

${parts.filter(Boolean).join('')}`;
}

const sources = {
  moons: (seed: number) => `moons({ count: ${pointCount}, noise: 0.15, seed: ${seed} })`,
  circles: (seed: number) => `circles({ count: ${pointCount}, noise: 0.08, seed: ${seed} })`,
  spirals: (seed: number) => `spirals({ count: ${pointCount}, noise: 0.03, seed: ${seed} })`,
};

/** Trains the network, then prints losses on a line through it: the middle row of the slice. */
export function networkCodeFor(network: NetworkRequest, { directions, seed }: SliceRequest): string {
  const { data, hidden, activation, optimizer, learningRate, steps } = network;
  const rule = optimizer === 'adam' ? 'adam' : 'sgd';
  const more = optimizer === 'momentum' ? ', momentum: 0.9' : '';
  const direction =
    directions === 'random'
      ? `// Random, and in each filter as long as the weights.
const weights = model.stateDict();
const direction = Object.fromEntries(
  Object.entries(weights).map(([name, w], i) => {
    if (w.shape.length < 2) return [name, w.mul(0)];
    const noise = normal(w.shape, { dtype: 'float64', key: key(${1000 * seed} + i) });
    const length = (t) => t.square().sum([1], { keepDims: true }).sqrt();
    return [name, noise.mul(length(w).div(length(noise)))];
  }),
);`
      : `// The way from the first weights to the last.
const weights = model.stateDict();
const direction = Object.fromEntries(
  Object.entries(weights).map(([name, w]) => [name, w.sub(first[name])]),
);`;
  const fromTensor = ['manualSeed', ...(directions === 'random' ? ['key', 'normal'] : [])].sort();
  return `import { dataLoader, ${data} } from '@ag/datasets';
import { backward } from '@ag/graph';
import * as nn from '@ag/nn';
import { ${rule} } from '@ag/optim';
import { ${fromTensor.join(', ')} } from '@ag/tensor';

const set = ${sources[data](network.seed)};
manualSeed(${network.seed});
const float64 = { dtype: 'float64' };
const model = nn.sequential(
  nn.linear(2, ${hidden}, float64),
  nn.${activation}(),
  nn.linear(${hidden}, ${hidden}, float64),
  nn.${activation}(),
  nn.linear(${hidden}, 1, float64),
);
let x, y;
for await (const batch of dataLoader(set, { batchSize: set.length })) {
  x = batch.x.cast('float64');
  y = batch.y.cast('float64').reshape([set.length, 1]);
}
const optimizer = ${rule}(model.parameters(), { learningRate: ${learningRate}${more} });
${directions === 'random' ? '' : 'const first = model.stateDict();\n'}for (let step = 0; step < ${steps}; step++) {
  backward(nn.bceWithLogits(model.forward(x), y));
  optimizer.step();
}
console.log('loss', await nn.bceWithLogits(model.forward(x), y).item());

${direction}
for (let at = -1; at <= 1; at += 0.1) {
  const there = Object.fromEntries(
    Object.entries(weights).map(([name, w]) => [name, w.add(direction[name].mul(at))]),
  );
  const loss = nn.bceWithLogits(nn.functionalCall(model, there, x), y);
  console.log(at.toFixed(1), await loss.item());
}
`;
}
