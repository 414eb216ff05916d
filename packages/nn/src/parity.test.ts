/**
 * Every layer, activation and loss against PyTorch: outputs and gradients, in both float types. The numbers and the
 * programs that made them are in `fixtures/`.
 */
import { readFileSync } from 'node:fs';
import { gradients } from '@ag/graph';
import { concat, type DType, type Tensor, tensor, type Variable } from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import * as nn from './index.ts';

interface Pattern {
  readonly shape: number[];
  readonly seed: number;
  readonly scale: number;
  /** Default 0. */
  readonly offset?: number;
}

interface LayerCase {
  readonly name: string;
  readonly call: [string, ...unknown[]];
  readonly train: boolean;
  readonly steps: number;
  readonly inputs: Pattern[];
  readonly integers?: number[][];
  readonly inputsOption?: { causal?: boolean; mask?: boolean[][]; keyMask?: boolean[][] };
  /** Running statistics to start from. */
  readonly givenBuffers?: (Pattern & { readonly name: string })[];
  /** The inputs after the first are a recurrent layer's state; outputs and states are joined. */
  readonly state?: boolean;
  readonly parameters: (Pattern & { readonly name: string })[];
  readonly output: { readonly shape: number[]; readonly data: number[] };
  readonly inputGradients: number[][];
  readonly parameterGradients: Record<string, number[]>;
  readonly buffers: Record<string, number[]>;
}

interface LossCase {
  readonly name: string;
  readonly call: string;
  readonly options: Record<string, unknown>;
  readonly transform: 'sigmoid' | 'logSoftmax' | 'thousand' | 'zero' | null;
  readonly inputs: Pattern[];
  readonly targets: (number | number[])[];
  readonly shape: number[];
  readonly value: number[];
  readonly gradients: number[][];
}

const layers = load<LayerCase>('layers');
const losses = load<LossCase>('losses');
const factories = nn as unknown as Record<string, (...given: unknown[]) => nn.Module<unknown[], Tensor>>;

describe.each(['float64', 'float32'] as const)('%s', (dtype) => {
  it.each(layers)('$name', (layer) => {
    const [factory, ...given] = layer.call;
    const module = factories[factory](...withDType(given, factory, dtype)).train(layer.train);
    const named = new Map([...module.namedParameters(), ...module.namedBuffers()]);
    for (const part of [...layer.parameters, ...(layer.givenBuffers ?? [])])
      named.get(part.name)!.assign(pattern(part, dtype));
    expect([...module.namedParameters().keys()].sort()).toEqual(
      layer.parameters.map((part) => part.name).sort(),
    );

    const inputs = layer.inputs.map((input, i) => (i === 0 ? strided(input, dtype) : pattern(input, dtype)));
    const at = layer.integers ? [tensor(layer.integers, { dtype: 'int32' })] : inputs;
    const extra =
      layer.call[0] === 'multiHeadAttention' && inputs.length === 3
        ? { key: inputs[1], value: inputs[2] }
        : optionsOf(layer);
    let output!: Tensor;
    for (let step = 0; step < layer.steps; step++) {
      if (layer.state) output = fromState(module as unknown as nn.Recurrent, inputs);
      else output = extra ? module.forward(at[0], extra) : module.forward(...at);
      // Running statistics move with each batch that is computed.
      if (step < layer.steps - 1) output.dataSync();
    }
    expect(output.shape).toEqual(layer.output.shape);
    const seed = pattern({ shape: layer.output.shape, seed: 99, scale: 1 }, dtype);
    const parameters = layer.parameters.map((part) => named.get(part.name) as Variable);
    const found = gradients(output.mul(seed).sum(), [...inputs, ...parameters]);
    close(output, layer.output.data, dtype, 'output');
    layer.inputGradients.forEach((numbers, i) => close(found[i], numbers, dtype, `gradient of input ${i}`));
    layer.parameters.forEach((part, i) => {
      close(found[inputs.length + i], layer.parameterGradients[part.name], dtype, `gradient of ${part.name}`);
    });
    for (const [name, numbers] of Object.entries(layer.buffers))
      close(named.get(name)!.value, numbers, dtype, name);
  });

  it.each(losses)('$name', (loss) => {
    const inputs = loss.inputs.map((input) => pattern(input, dtype));
    const given = inputs.map((x) => transforms[loss.transform ?? 'none'](x));
    const targets = loss.targets.map((t) => tensor(t, { dtype: isIndex(loss, t) ? 'int32' : dtype }));
    const { weight, positiveWeight, ...rest } = loss.options as {
      weight?: number[];
      positiveWeight?: number[];
    };
    const options = {
      ...rest,
      ...(weight && { weight: tensor(weight, { dtype }) }),
      ...(positiveWeight && { positiveWeight: tensor(positiveWeight, { dtype }) }),
    };
    const f = (nn as unknown as Record<string, (...given: unknown[]) => Tensor>)[loss.call];
    const value = f(...given, ...targets, options);
    expect(value.shape).toEqual(loss.shape);
    const seed = loss.shape.length ? pattern({ shape: loss.shape, seed: 99, scale: 1 }, dtype) : undefined;
    const found = gradients(seed ? value.mul(seed).sum() : value, inputs);
    close(value, loss.value, dtype, 'loss');
    loss.gradients.forEach((numbers, i) => close(found[i], numbers, dtype, `gradient of input ${i}`));
  });
});

const transforms = {
  none: (x: Tensor) => x,
  sigmoid: (x: Tensor) => x.sigmoid(),
  logSoftmax: (x: Tensor) => x.logSoftmax(),
  thousand: (x: Tensor) => x.mul(1000),
  zero: (x: Tensor) => x.sub(x.detach()),
};

function load<Case>(name: string): Case[] {
  const text = readFileSync(new URL(`../fixtures/${name}.json`, import.meta.url), 'utf8');
  return (JSON.parse(text) as { cases: Case[] }).cases;
}

function optionsOf({ inputsOption: given }: LayerCase): object | undefined {
  const bool = { dtype: 'bool' } as const;
  return (
    given && {
      ...given,
      ...(given.mask && { mask: tensor(given.mask, bool) }),
      ...(given.keyMask && { keyMask: tensor(given.keyMask, bool) }),
    }
  );
}

/** All that a recurrent layer gives when it starts from a state, in one row. */
function fromState(layer: nn.Recurrent, [x, hidden, cell]: Tensor[]): Tensor {
  const { output, state } = layer.forwardWithState(x, { hidden: hidden, ...(cell && { cell }) });
  return concat([output, state.hidden, ...(state.cell ? [state.cell] : [])].map((t) => t.flatten()));
}

/** The numbers that fixtures/common.py makes by the same formula. */
function pattern({ shape, seed, scale, offset = 0 }: Pattern, dtype: DType): Tensor {
  const size = shape.reduce((n, x) => n * x, 1);
  const data = Float64Array.from(
    { length: size },
    (_, i) => offset + scale * Math.sin(1 + seed + 12.9898 * i),
  );
  return tensor(data, { shape, dtype });
}

/** The same as a view whose elements do not lie in order: every layer must cope with those. */
function strided(given: Pattern, dtype: DType): Tensor {
  const t = pattern(given, dtype);
  const order = given.shape.map((_, i) => i).reverse();
  return tensor(t.permute(order).dataSync(), { shape: [...given.shape].reverse(), dtype }).permute(order);
}

function isIndex(loss: LossCase, target: number | number[]): boolean {
  return (
    (loss.call === 'crossEntropy' || loss.call === 'nllLoss') && [target].flat(9).every(Number.isInteger)
  );
}

/** Layers with weights take a dtype among their options, which come last. */
function withDType(given: unknown[], factory: string, dtype: DType): unknown[] {
  const weightless = ['leakyRelu', 'elu', 'gelu', 'softmax', 'logSoftmax'];
  if (given.length === 0 || weightless.includes(factory) || /Pool/.test(factory)) return given;
  const last = given[given.length - 1];
  const options = typeof last === 'object' && !Array.isArray(last) ? (given.pop() as object) : {};
  return [...given, { ...options, dtype }];
}

function close(actual: Tensor, expected: number[], dtype: DType, what: string): void {
  expect(actual.dtype).toBe(dtype);
  const data = actual.dataSync();
  expect(data.length, what).toBe(expected.length);
  const tolerance = dtype === 'float64' ? 1e-9 : 1e-5;
  const scale = Math.max(1, ...expected.map(Math.abs));
  for (let i = 0; i < data.length; i++) {
    if (!(Math.abs(data[i] - expected[i]) <= tolerance * scale)) {
      expect.fail(`${what}[${i}]: ${data[i]} instead of ${expected[i]}`);
    }
  }
}
