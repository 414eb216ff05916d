/**
 * 20,000 training steps in which nobody frees anything: in a process of its own, so that its memory can be measured.
 */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';

const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
const program = `
import { manualSeed, normal, stats, tensor, Variable } from '@ag/tensor';
import { commitUpdates } from '@ag/tensor/engine';
import { backward } from '@ag/graph';

manualSeed(1);
const x = tensor([[0, 0], [0, 1], [1, 0], [1, 1]]);
const y = tensor([[0], [1], [1], [0]]);
const make = (shape) => new Variable(normal(shape));
const parameters = [make([2, 2]), make([2]), make([2, 1]), make([1])];
const momentum = parameters.map((p) => new Variable(tensor(new Float32Array(p.size), { shape: p.shape }), { trainable: false, inPlace: true }));
const [w1, b1, w2, b2] = parameters;
const losses = [];
let read = 0;
const step = (i) => {
  const logits = x.matmul(w1.value).add(b1.value).tanh().matmul(w2.value).add(b2.value);
  const loss = logits.sigmoid().sub(y).square().mean();
  backward(loss);
  const updates = new Map();
  parameters.forEach((p, j) => {
    const next = momentum[j].value.mul(0.9).add(p.grad);
    updates.set(momentum[j], next);
    updates.set(p, p.value.sub(next.mul(0.1 / (1 + i / 10000))));
  });
  commitUpdates(updates);
  losses.push(loss);
  // Read after the step, each in another way.
  if (i % 3 === 0) read += logits.dataSync()[0];
  if (i % 5 === 0) read += loss.itemSync();
  if (i % 7 === 0) read += w1.grad.dataSync()[0];
};
const settle = async () => {
  for (let i = 0; i < 5; i++) { globalThis.gc(); await new Promise((resolve) => setTimeout(resolve, 5)); }
  const { bytes, plans, plansMade, kernels } = stats();
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return { bytes, plans, plansMade, kernels, heap: heapUsed, external: external + arrayBuffers };
};
for (let i = 0; i < 2000; i++) step(i);
const warm = await settle();
for (let i = 2000; i < 20000; i++) step(i);
const end = await settle();
const values = losses.map((loss) => loss.itemSync());
console.log(JSON.stringify({ warm, end, first: values[0], last: values.at(-1), count: values.length, finite: Number.isFinite(read) }));
`;

describe('20,000 training steps', () => {
  it('hold no more memory and no more plans than 2,000', () => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['--expose-gc', '--conditions=@ag/source', '--import', tsx, '--input-type=module', '-e', program],
      { encoding: 'utf8', cwd: import.meta.dirname },
    );
    expect(status, stderr).toBe(0);
    const { warm, end, first, last, count, finite } = JSON.parse(stdout);
    console.log({ warm, end });
    expect([count, finite]).toEqual([20_000, true]);
    expect(last).toBeLessThan(first);
    expect(end.bytes).toBe(warm.bytes);
    expect(end.plans).toBe(warm.plans);
    expect(end.plansMade).toBe(warm.plansMade);
    expect(end.kernels).toBe(warm.kernels);
    // 18,000 losses that the program itself keeps: a tensor with one element each, below 600 bytes.
    const losses = 18_000 * 600;
    expect(end.heap - warm.heap).toBeLessThan(losses + 4 * 2 ** 20);
    expect(end.external - warm.external).toBeLessThan(18_000 * 300 + 4 * 2 ** 20);
  }, 120_000);
});
