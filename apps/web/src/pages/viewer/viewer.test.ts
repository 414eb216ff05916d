/**
 * What the viewer says of files, against what other tools say of them.
 *
 * They are onnx, onnxruntime, torch, NumPy and safetensors (fixtures/make.py).
 */
import * as nn from '@ag/nn';
import { tensor } from '@ag/tensor';
import { expect, it } from 'vitest';
import type { Feed } from './feed.ts';
import { openFile } from './files.ts';
import files from './fixtures/files.json' with { type: 'json' };
import { differenceOf, summaryOf, viewOf } from './inspection.ts';
import { graphOf, moduleOf, Network, traceOf } from './network.ts';

const blob = (text: string): Blob => new Blob([Buffer.from(text, 'base64')]);
const feed: Feed = { kind: 'ramp', seed: 0, numbers: [], shapes: {} };

it('counts what onnx counts, and knows the shapes that it infers', async () => {
  const opened = await openFile(blob(files.onnx), 'net.onnx');
  const { parameters, network } = summaryOf(opened);
  expect(parameters).toBe(files.parameters);
  expect(network!.nodes).toHaveLength(files.nodes);
  const { bytes, summary } = opened.onnx!;
  const { nodes } = traceOf(bytes, summary, { x: [2, 1, 6, 6] });
  const shapes = Object.fromEntries(nodes!.map(({ outputs, outputShapes }) => [outputs[0], outputShapes[0]]));
  expect(shapes).toMatchObject(files.shapes);
  // Convolution: 2·4·36 elements of 9 products and a bias; the last product 2·3 of 4 and a bias.
  const flops = (operator: string) => nodes!.find((node) => node.operator === operator)!.flops;
  expect([flops('Conv'), flops('Gemm')]).toEqual([2 * 4 * 36 * (2 * 9 + 1), 2 * 3 * (2 * 4 + 1)]);
  const graph = graphOf(summary, nodes);
  expect(graph.nodes.map(({ label, module }) => [label, module])).toEqual([
    ['x', undefined],
    ['Conv', 'features.0'],
    ['Relu', 'features.1'],
    ['GlobalAveragePool', 'pool'],
    ['Flatten', undefined],
    ['Gemm', 'head'],
  ]);
  expect(graph.edges).toHaveLength(5);
});

it('computes any node as onnxruntime does', async () => {
  const { bytes, summary } = (await openFile(blob(files.onnx), 'net.onnx')).onnx!;
  const network = new Network(bytes, summary);
  for (const name of ['c', 'p', 'y'] as const) {
    const { data } = await network.run(name, feed);
    expect([...data], name).toEqual(files[name].map((x) => expect.closeTo(x, 5)));
  }
  const typed = await network.run('y', { ...feed, kind: 'numbers', numbers: files.input });
  expect([...typed.data]).toEqual(files.y.map((x) => expect.closeTo(x, 5)));
  await expect(network.run('y', { ...feed, kind: 'numbers', numbers: [1, 2] })).rejects.toThrow(
    'takes 36 numbers, [1, 1, 6, 6]; 2 are given',
  );
  await expect(network.run('y', { ...feed, shapes: { x: [1, 2, 6, 6] } })).rejects.toThrow('x');
  const [a, b] = [
    await network.run('y', { ...feed, kind: 'random' }),
    await network.run('y', { ...feed, kind: 'random', seed: 1 }),
  ];
  expect(a.data).not.toEqual(b.data);
});

it('differentiates an element as torch does', async () => {
  const { bytes, summary } = (await openFile(blob(files.onnx), 'net.onnx')).onnx!;
  const { of, rows } = await new Network(bytes, summary).differentiate('y', 1, feed);
  expect(of).toBeCloseTo(files.y[1], 5);
  for (const [name, gradient] of Object.entries(files.gradients)) {
    const found = rows.find((row) => row.name === name)!;
    expect([...found.data], name).toEqual(gradient.map((x) => expect.closeTo(x, 5)));
  }
  expect(rows).toHaveLength(Object.keys(files.gradients).length);
  await expect(new Network(bytes, summary).differentiate('y', 3, feed)).rejects.toThrow('from 0 to 2');
});

it('reads what safetensors has written, and its distribution as NumPy has it', async () => {
  const opened = await openFile(blob(files.safetensors), 'weights');
  const { format, tensors, parameters } = summaryOf(opened);
  expect(format).toBe('safetensors');
  expect(Object.fromEntries(tensors.map(({ name, shape }) => [name, shape]))).toEqual(files.stored);
  expect(parameters).toBe(files.elements);
  const weight = opened.tensors.find(({ name }) => name === 'a.weight')!;
  const { statistics } = await viewOf(weight, 'light');
  for (const name of ['min', 'max', 'mean', 'std'] as const)
    expect(statistics[name], name).toBeCloseTo(files.statistics[name], 6);
  const { min, max } = files.statistics;
  expect((await nn.binsOf(weight, { min, max, bins: 10 })).counts).toEqual(files.histogram);
});

it('compares two files', async () => {
  const [a, b] = [await openFile(blob(files.safetensors), 'a'), await openFile(blob(files.other), 'b')];
  const { onlyFirst, onlySecond, compared } = await differenceOf(a, b);
  expect([onlyFirst, onlySecond]).toEqual([['b.half'], []]);
  expect(compared[0]).toMatchObject({
    name: 'a.weight',
    different: 1,
    size: 35,
    max: expect.closeTo(0.25, 6),
  });
  expect(compared[1]).toMatchObject({ name: 'a.steps', different: 0 });
});

it('reads .pt, .npz, .npy and checkpoints, and refuses others by name', async () => {
  const state = { weight: tensor([[1, 2, 3]]), bias: tensor([4]) };
  const written: (readonly [string, Uint8Array])[] = [
    ['w.pt', await nn.saveTorch(state)],
    ['w.npz', await nn.saveNpz(state)],
    ['unnamed', await nn.saveTorch(state)],
  ];
  for (const [name, bytes] of written) {
    const file = await openFile(new Blob([bytes as Uint8Array<ArrayBuffer>]), name);
    expect(summaryOf(file).parameters, name).toBe(4);
  }
  const array = await openFile(
    new Blob([(await nn.saveNpy(state.weight)) as Uint8Array<ArrayBuffer>]),
    'w.npy',
  );
  expect(summaryOf(array).tensors).toMatchObject([{ name: 'w', shape: [1, 3] }]);
  await expect(openFile(new Blob(['hello']), 'notes.txt')).rejects.toThrow('notes.txt is no file of weights');
});

it('finds modules in names of exporters', () => {
  const names = ['/layer1/layer1.0/conv/Conv', 'features.0/Conv_1', 'Conv_3', ''];
  expect(names.map(moduleOf)).toEqual(['layer1.0.conv', 'features.0', '', '']);
});
