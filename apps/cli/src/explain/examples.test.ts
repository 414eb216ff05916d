/** Examples of codes: what is marked as wrong gives the code, what stands below does not. */
import * as datasets from '@ag/datasets';
import * as graph from '@ag/graph';
import * as nn from '@ag/nn';
import * as optim from '@ag/optim';
import * as tensors from '@ag/tensor';
import { ones, onWarning, reference, use, Variable } from '@ag/tensor';
import { forgetWarnings } from '@ag/tensor/engine';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { explanations } from './codes.ts';
import { examples, onlyRead, partsOf, runnable } from './examples.ts';

/** Codes of all that the program is told, errors and warnings. */
async function toldBy(program: string): Promise<string[]> {
  const codes: string[] = [];
  forgetWarnings();
  const stop = onWarning(({ code }) => codes.push(code));
  const model = nn.sequential(nn.linear(4, 3), nn.relu(), nn.linear(3, 3));
  const w = new Variable(ones([3]));
  const own = {
    model,
    w,
    optimizer: optim.sgd(model.parameters(), { learningRate: 0.1 }),
    owner: optim.sgd([w], { learningRate: 0.1 }),
  };
  const names = { ...tensors, ...graph, ...optim, ...datasets, ...nn, ...own };
  const used = Object.keys(names).filter((name) => new RegExp(`(?<![.\\w])${name}\\b`).test(program));
  const AsyncFunction = (async () => {}).constructor as new (
    ...code: string[]
  ) => (...values: unknown[]) => Promise<void>;
  try {
    await new AsyncFunction(...used, program)(...used.map((name) => names[name as keyof typeof names]));
  } catch (error) {
    codes.push((error as { code?: string }).code ?? String(error));
  } finally {
    stop();
  }
  return codes;
}

beforeEach(() => use(reference()));
afterEach(() => forgetWarnings());

it('are there for every code', () => {
  expect(Object.keys(examples).sort()).toEqual(Object.keys(explanations).sort());
  expect([...onlyRead].filter((code) => !(code in examples))).toEqual([]);
});

describe.each(runnable)('%s', (code) => {
  const { wrong, right } = partsOf(examples[code as keyof typeof examples]);

  it('comes of what is wrong, not of what is right', async () => {
    expect(right, 'an example has what is right').not.toBe('');
    expect(await toldBy(wrong), wrong).toContain(code);
    expect(await toldBy(right), right).not.toContain(code);
    expect(
      (await toldBy(right)).filter((told) => !/^AG_(?:SLOW|UNOWNED|DUPLICATE)/.test(told)),
      right,
    ).toEqual([]);
  });
});
