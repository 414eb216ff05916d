/** Every stage of a computation as text, and what `debug` tells while a program runs. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { reference, tensor, use, Variable } from '../index.ts';
import { debug, explain, type Stage, topicsOf } from './index.ts';

beforeEach(() => use(reference()));

describe('explain', () => {
  const x = tensor([
    [1, 2],
    [3, 4],
    [5, 6],
  ]);
  const w = new Variable(
    tensor([
      [1, 0],
      [0, 1],
    ]),
    { name: 'w' },
  );
  const relu = () => x.matmul(w.value).add(1).relu();
  const stage = (name: Stage) => explain(relu(), { stages: [name] });

  it('shows the graph as the calls built it', () => {
    expect(stage('graph')).toBe(
      [
        'graph',
        '',
        '%0 = host array float32 [3, 2]',
        "%1 = variable 'w' version 0 float32 [2, 2]",
        '%2 = contract(%0, %1) float32 [3, 2] {"a":[0,1],"b":[1,2],"out":[0,2]}',
        '%3 = number 1 float32 []',
        '%4 = add(%2, %3) float32 [3, 2]',
        '%5 = relu(%4) float32 [3, 2], asked for',
        '',
      ].join('\n'),
    );
  });

  it('shows what is computed together, and what is stored', () => {
    const text = stage('kernels');
    expect(text).toBe(
      ['kernels', '', '0 contract·add·relu (contract, level 1)', '  reads #0 #1 #3', '  stores #5', ''].join(
        '\n',
      ),
    );
  });

  it('counts the bytes that are held and moved', () => {
    // Six elements, a matrix of four and six results, of 4 bytes each; the number 1 is no array.
    expect(stage('memory')).toContain('operands and results: 3 arrays, 64 bytes');
    expect(stage('memory')).toContain('read: 40 bytes, written: 24 bytes');
  });

  it('shows all stages unless some are named, and replaces what others define', () => {
    const text = explain(x.softmax());
    expect([...text.matchAll(/^[a-z]+$/gm)].map(([title]) => title)).toEqual([
      'graph',
      'nodes',
      'kernels',
      'program',
      'memory',
    ]);
    expect(text).toContain('%1 = softmax(%0)');
    for (const part of ['max(#0) reduce', 'exp(#2) map', 'sum(#3) reduce']) expect(text).toContain(part);
  });

  it('computes nothing, and says of a value that it is one', async () => {
    const y = relu();
    explain(y);
    expect(y.toString()).toBe('[lazy 3×2 float32]');
    await y.data();
    expect(explain(y)).toBe('a value (host) float32 [3, 2]: nothing is left to compute\n');
  });

  it('names what it cannot do', () => {
    expect(() => explain(3 as never)).toThrow('explain: expected a tensor as tensor, got 3');
    expect(() => explain(relu(), { stages: ['bytes' as never] })).toThrow(
      "explain: there is no stage 'bytes', only graph, nodes, kernels, program, memory",
    );
  });
});

describe('debug', () => {
  let lines: string[];
  let stop: () => void = () => {};
  const listen = (topics: Parameters<typeof debug>[0]) => {
    lines = [];
    stop = debug(topics, (text) => lines.push(text));
  };
  afterEach(() => stop());

  it('tells of each plan its kernels, and once', async () => {
    listen(['plan']);
    for (let i = 0; i < 3; i++) await tensor([1, 2, 3]).mul(i).sum().data();
    expect(lines).toHaveLength(2);
    expect(lines[0]).toContain('ag plan: 1 kernels, 1 results, 0 bytes between');
    // A label names what a kernel makes; the product is computed where the sum reads it.
    expect(lines[1]).toBe('ag plan:   sum');
  });

  it('tells whether plans are found', async () => {
    listen(['cache']);
    for (let i = 0; i < 3; i++) await tensor([1, 2, 3]).mul(i).exp().data();
    expect(lines).toEqual(['ag cache: made, 1 kept', 'ag cache: found, 1 kept', 'ag cache: found, 1 kept']);
  });

  it('tells of memory when it changes, and nothing once it is stopped', async () => {
    listen(['memory']);
    const kept = await tensor([1, 2, 3]).neg().keep();
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^ag memory: \d+ bytes held, \d+ at most$/);
    stop();
    kept.dispose();
    await tensor([1, 2, 3]).neg().keep();
    expect(lines).toHaveLength(1);
  });

  it('reads topics as AG_DEBUG has them, and leaves other words alone', () => {
    expect(topicsOf('memory, plan')).toEqual(['plan', 'memory']);
    expect(topicsOf('all')).toEqual(['plan', 'kernels', 'cache', 'memory']);
    expect(topicsOf('1')).toEqual([]);
    expect(() => debug(['time' as never])).toThrow("debug: there is no topic 'time', only plan, kernels");
  });
});
