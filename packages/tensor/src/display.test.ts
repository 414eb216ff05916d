/** What consoles and notebooks show of a tensor. */
import { inspect } from 'node:util';
import { expect, it } from 'vitest';
import { ones, type Tensor, tensor, zeros } from './index.ts';

type Displayed = { [key: symbol]: () => Promise<Record<string, string>> };
const display = (x: Tensor): Promise<Record<string, string>> =>
  (x as unknown as Displayed)[Symbol.for('Jupyter.display')]();

it('consoles show a tensor without evaluating it', async () => {
  const x = ones([2, 2]).mul(3);
  const deno = (x as unknown as Record<symbol, () => string>)[Symbol.for('Deno.customInspect')].bind(x);
  expect([inspect(x), deno()]).toEqual(['[lazy 2×2 float32]', '[lazy 2×2 float32]']);
  await x.data();
  expect(inspect(x)).toBe('tensor([[3., 3.],\n        [3., 3.]], shape=[2, 2], dtype=float32)');
  expect(deno()).toBe(inspect(x));
});

it('notebooks show values, and a picture of small tensors', async () => {
  const shown = await display(tensor([[0, 1, 2], [3, Number.NaN, 5]])); // biome-ignore format: a matrix
  expect(shown['text/plain']).toMatch(/^tensor\(\[\[ 0\., {2}1\., {2}2\.\]/);
  const html = shown['text/html'];
  expect(html.match(/<rect /g)).toHaveLength(6);
  // The lowest value is darkest, the highest lightest, NaN gray.
  expect([...html.matchAll(/fill="([^"]+)"><title>([^<]+)/g)].map(([, fill, value]) => `${value} ${fill}`)).toEqual([
    '0 hsl(250 60% 22%)', '1 hsl(212 60% 32%)', '2 hsl(174 60% 41%)', '3 hsl(136 60% 51%)', 'NaN #999', '5 hsl(60 60% 70%)',
  ]); // biome-ignore format: a table
  expect((await display(ones([3, 4, 5])))['text/html'].match(/<svg /g)).toHaveLength(3);
  for (const x of [zeros([65, 2]), zeros([0, 2]), tensor(7), zeros([9, 2, 2])])
    expect((await display(x))['text/html']).toBe(`<pre>${(await display(x))['text/plain']}</pre>`);
});
