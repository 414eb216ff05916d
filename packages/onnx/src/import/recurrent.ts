/**
 * Recurrent layers, as ONNX writes them: gates i o f c, z r h.
 */
import { concat, scan, split, stack, type Tensor, zeros } from '@ag/tensor';
import { valueError } from '@ag/tensor/engine';
import { quoted } from '../errors.ts';
import type { Call, Rule, Rules } from './call.ts';

type Activation = (x: Tensor) => Tensor;

/** Shorter sequences are written out; longer ones are planned sooner as a loop. */
const fewSteps = 20;

interface State {
  readonly hidden: Tensor;
  readonly cell: Tensor;
}

/** One layer in one direction. */
interface Weights {
  /** [in, gates · hidden] */
  readonly input: Tensor;
  /** [hidden, gates · hidden] */
  readonly hidden: Tensor;
  /** [gates · hidden] each, or null */
  readonly inputBias: Tensor | null;
  readonly hiddenBias: Tensor | null;
  /** [3 · hidden], of an LSTM, or null */
  readonly peephole: Tensor | null;
  readonly activations: readonly Activation[];
  readonly size: number;
}

type Step = (inputs: Tensor, state: State, weights: Weights, call: Call) => State;

function activation(
  call: Call,
  name: string,
  alpha: number | undefined,
  beta: number | undefined,
): Activation {
  const known: { readonly [name: string]: Activation } = {
    Relu: (x) => x.relu(),
    Tanh: (x) => x.tanh(),
    Sigmoid: (x) => x.sigmoid(),
    Affine: (x) => x.mul(alpha ?? 1).add(beta ?? 0),
    LeakyRelu: (x) => x.leakyRelu(alpha ?? 0.01),
    ThresholdedRelu: (x) => x.greater(alpha ?? 1).where(x, 0),
    ScaledTanh: (x) =>
      x
        .mul(beta ?? 1)
        .tanh()
        .mul(alpha ?? 1),
    HardSigmoid: (x) =>
      x
        .mul(alpha ?? 0.2)
        .add(beta ?? 0.5)
        .clamp(0, 1),
    Elu: (x) => x.elu(alpha ?? 1),
    Softsign: (x) => x.softsign(),
    Softplus: (x) => x.softplus(),
  };
  const found = Object.entries(known).find(([key]) => key.toLowerCase() === name.toLowerCase());
  if (!found) throw call.refuse(`the activation ${quoted(name)}`);
  return found[1];
}

/** The state may go over a limit on either side where the operator says so. */
function limited(x: Tensor, call: Call): Tensor {
  const limit = call.float('clip', 0);
  return limit > 0 ? x.clamp(-limit, limit) : x;
}

const gates = (x: Tensor, count: number): Tensor[] => split(x, x.shape[x.shape.length - 1] / count, -1);

const plus = (x: Tensor, y: Tensor | null): Tensor => (y ? x.add(y) : x);

const rnnStep: Step = (inputs, { hidden, cell }, weights, call) => {
  const sum = plus(inputs.add(hidden.matmul(weights.hidden)), weights.hiddenBias);
  return { hidden: weights.activations[0](limited(sum, call)), cell };
};

const lstmStep: Step = (inputs, state, weights, call) => {
  const sum = plus(inputs.add(state.hidden.matmul(weights.hidden)), weights.hiddenBias);
  const [input, output, forget, candidate] = gates(sum, 4);
  const [pi, po, pf] = weights.peephole ? gates(weights.peephole, 3) : [null, null, null];
  const [f, g, h] = weights.activations;
  const seen = (x: Tensor, cell: Tensor, p: Tensor | null): Tensor =>
    limited(p ? x.add(cell.mul(p)) : x, call);
  const open = f(seen(input, state.cell, pi));
  const coupled = call.int('input_forget', 0) === 1;
  const kept = coupled ? open.neg().add(1) : f(seen(forget, state.cell, pf));
  const cell = kept.mul(state.cell).add(open.mul(g(limited(candidate, call))));
  return { hidden: f(seen(output, cell, po)).mul(h(cell)), cell };
};

const gruStep: Step = (inputs, { hidden, cell }, weights, call) => {
  const n = weights.size;
  const [f, g] = weights.activations;
  const [xz, xr, xh] = gates(inputs, 3);
  const part = (t: Tensor, i: number): Tensor => t.slice(i * n, (i + 1) * n, { axis: t.shape.length - 1 });
  const bias = (i: number): Tensor | null => weights.hiddenBias && part(weights.hiddenBias, i);
  const update = f(limited(plus(xz.add(hidden.matmul(part(weights.hidden, 0))), bias(0)), call));
  const reset = f(limited(plus(xr.add(hidden.matmul(part(weights.hidden, 1))), bias(1)), call));
  const own = part(weights.hidden, 2);
  const product =
    call.int('linear_before_reset', 0) !== 0
      ? reset.mul(plus(hidden.matmul(own), bias(2)))
      : plus(reset.mul(hidden).matmul(own), bias(2));
  const candidate = g(limited(xh.add(product), call));
  return { hidden: candidate.add(update.mul(hidden.sub(candidate))), cell };
};

/** Sequences of a batch that end sooner keep their state, and give 0 behind their end. */
function masked(
  step: Step,
  lengths: Tensor | null,
): (t: Tensor | number, ...rest: Parameters<Step>) => State & { readonly out: Tensor } {
  return (t, inputs, state, weights, call) => {
    const next = step(inputs, state, weights, call);
    if (!lengths) return { ...next, out: next.hidden };
    const active = lengths.greater(t).unsqueeze(1);
    return {
      hidden: active.where(next.hidden, state.hidden),
      cell: active.where(next.cell, state.cell),
      out: active.where(next.hidden, 0),
    };
  };
}

function walk(
  call: Call,
  step: Step,
  inputs: Tensor,
  first: State,
  weights: Weights,
  reverse: boolean,
  lengths: Tensor | null,
): { readonly outputs: Tensor; readonly last: State } {
  const time = inputs.shape[0];
  const masks = masked(step, lengths);
  if (time >= fewSteps && !lengths) {
    const { carry, ys } = scan<{ readonly hidden: Tensor; readonly cell: Tensor }, Tensor, Tensor>(
      (state, row) => {
        const next = step(row, state, weights, call);
        return [next, next.hidden];
      },
      first as { hidden: Tensor; cell: Tensor },
      inputs,
      { reverse },
    );
    return { outputs: ys, last: carry };
  }
  call.run.count(time);
  const rows = new Array<Tensor>(time);
  let state = first;
  for (let i = 0; i < time; i++) {
    const t = reverse ? time - 1 - i : i;
    const { out, ...next } = masks(t, inputs.slice(t, t + 1).squeeze(0), state, weights, call);
    rows[t] = out;
    state = next;
  }
  return { outputs: stack(rows), last: state };
}

function layer(step: Step, count: number, defaults: readonly string[]): Rule {
  return (call) => {
    const batchFirst = call.int('layout', 0) === 1;
    const given = call.tensor(0);
    const x = batchFirst ? given.transpose(0, 1) : given;
    const [time, batch] = x.shape;
    const direction = call.text('direction', 'forward');
    const directions = direction === 'bidirectional' ? 2 : 1;
    const size = call.tensor(2).shape[2];
    if (time === 0) throw valueError('the sequence is empty');
    const lengths =
      call.has(4) && !call.numbers(4).every((n) => n === time) ? call.tensor(4).cast('int32') : null;
    const names = call.texts('activations') ?? Array.from({ length: directions }, () => defaults).flat();
    const [alphas, betas] = [
      [...(call.floats('activation_alpha') ?? [])],
      [...(call.floats('activation_beta') ?? [])],
    ];
    const functions = names.map((name) => {
      const takesAlpha = /affine|leakyrelu|thresholdedrelu|scaledtanh|hardsigmoid|^elu/i.test(name);
      const takesBeta = /affine|scaledtanh|hardsigmoid/i.test(name);
      return activation(
        call,
        name,
        takesAlpha ? alphas.shift() : undefined,
        takesBeta ? betas.shift() : undefined,
      );
    });
    const outputs: Tensor[] = [];
    const finals: State[] = [];
    for (let d = 0; d < directions; d++) {
      const own = (t: Tensor): Tensor => t.slice(d, d + 1).squeeze(0);
      const start = (i: number): Tensor => {
        const t = call.optional(i);
        if (!t) return zeros([batch, size], { dtype: x.dtype });
        return batchFirst ? t.slice(d, d + 1, { axis: 1 }).squeeze(1) : own(t);
      };
      const bias = call.optional(3);
      const both = bias ? own(bias) : null;
      const half = count * size;
      const peephole = count === 4 ? call.optional(7) : null;
      const weights: Weights = {
        input: own(call.tensor(1)).transpose(),
        hidden: own(call.tensor(2)).transpose(),
        inputBias: both?.slice(0, half) ?? null,
        hiddenBias: both?.slice(half, 2 * half) ?? null,
        peephole: peephole && own(peephole),
        activations: functions.slice(d * defaults.length, (d + 1) * defaults.length),
        size,
      };
      const reverse = direction === 'reverse' || d === 1;
      const inputs = plus(x.matmul(weights.input), weights.inputBias);
      const first = {
        hidden: start(5),
        cell: count === 4 ? start(6) : zeros([batch, size], { dtype: x.dtype }),
      };
      const { outputs: own1, last } = walk(call, step, inputs, first, weights, reverse, lengths);
      outputs.push(own1);
      finals.push(last);
    }
    // [time, directions, batch, hidden]; with batches first [batch, time, directions, hidden].
    const axis = batchFirst ? 2 : 1;
    const arranged = outputs.map((t) => (batchFirst ? t.transpose(0, 1) : t).unsqueeze(axis));
    const output = arranged.length === 1 ? arranged[0] : concat(arranged, axis);
    const final = (of: keyof State): Tensor =>
      stack(
        finals.map((state) => state[of]),
        batchFirst ? 1 : 0,
      );
    return count === 4 ? [output, final('hidden'), final('cell')] : [output, final('hidden')];
  };
}

export const recurrent: Rules = {
  RNN: layer(rnnStep, 1, ['Tanh']),
  GRU: layer(gruStep, 3, ['Sigmoid', 'Tanh']),
  LSTM: layer(lstmStep, 4, ['Sigmoid', 'Tanh', 'Tanh']),
};
