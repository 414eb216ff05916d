/**
 * Layers that ONNX has an operator for: they stand for it while a graph is taken down.
 */
import {
  type AnyModule,
  BatchNorm1d,
  BatchNorm2d,
  BatchNorm3d,
  GroupNorm,
  Gru,
  LayerNorm,
  Lstm,
  Rnn,
  type SequenceOptions,
} from '@ag/nn';
import { apply, ones, type Tensor, type Variable, zeros } from '@ag/tensor';
import type { PlainAttributes } from '../file/encode.ts';
import { forwardAsOperators, operatorOutputs, type Taken } from '../operator.ts';
import { recurrentLayer } from './recurrent.ts';

type Forward = (...inputs: Tensor[]) => unknown;

/**
 * Lets layers and imported models give operators instead of arithmetic, and says which module computes. A class of somebody's own that
 * computes something else is written as what it computes.
 *
 * @returns what undoes it
 */
export function standIn(model: AnyModule, taken: Taken): () => void {
  const undo: (() => void)[] = [];
  const around = [''];
  for (const [path, module] of model.namedModules()) {
    const forward = forwardOf(module, taken) ?? module.forward;
    const before = Object.getOwnPropertyDescriptor(module, 'forward');
    const value = (...inputs: Tensor[]): unknown => {
      around.push(path);
      taken.within(path);
      try {
        return forward.apply(module, inputs);
      } finally {
        around.pop();
        taken.within(around[around.length - 1]);
      }
    };
    Object.defineProperty(module, 'forward', { configurable: true, enumerable: false, value });
    undo.push(() => {
      if (before) Object.defineProperty(module, 'forward', before);
      else Reflect.deleteProperty(module, 'forward');
    });
  }
  return () => {
    for (const step of undo) step();
  };
}

function forwardOf(module: AnyModule, taken: Taken): Forward | null {
  const own = Reflect.get(module, forwardAsOperators);
  if (typeof own === 'function') return (...inputs) => own.call(module, inputs, taken);
  if (module instanceof Lstm || module instanceof Gru || module instanceof Rnn) {
    const kind = [Lstm, Gru, Rnn].find((one) => module instanceof one);
    if (!kind || !isPlain(module, kind, ['forward', 'forwardWithState', 'step'])) return null;
    // Its operator has no projection.
    if (module.outFeatures !== module.hidden) return null;
    const parameters = module.parameters();
    const usual = module.forward;
    return (x, ...more) =>
      more.length > 0
        ? usual.call(module, x, ...(more as unknown as [SequenceOptions?]))
        : apply(recurrentLayer, [x, ...parameters.map((variable) => variable.value)], { module });
  }
  const usual = module.forward;
  const asOperator =
    (operator: string, attributes: PlainAttributes, others: (x: Tensor) => readonly Tensor[]): Forward =>
    (x) => {
      const result = usual.call(module, x) as Tensor;
      const { shape, dtype } = result;
      const inputs = [x, ...others(x)];
      // Of mixed types it stays as it is.
      if (inputs.some((input) => input.dtype !== dtype)) return result;
      return operatorOutputs(inputs, { operator, attributes, outputs: [{ shape, dtype }] })[0];
    };
  if (module instanceof BatchNorm1d || module instanceof BatchNorm2d || module instanceof BatchNorm3d) {
    const kind = [BatchNorm1d, BatchNorm2d, BatchNorm3d].find((one) => module instanceof one);
    if (!kind || !isPlain(module, kind, ['forward'])) return null;
    const { runningMean, runningVariance, weight, bias, epsilon, momentum, channels } = module;
    if (!runningMean || !runningVariance) return null;
    const attributes = { epsilon: { float: epsilon }, momentum: { float: 1 - (momentum ?? 0.1) } };
    return asOperator('BatchNormalization', attributes, (x) => [
      ...scaling(weight, bias, [channels], x),
      runningMean.value,
      runningVariance.value,
    ]);
  }
  if (module instanceof LayerNorm && isPlain(module, LayerNorm, ['forward'])) {
    const { shape, weight, bias, epsilon } = module;
    const attributes = { axis: -shape.length, epsilon: { float: epsilon } };
    return asOperator('LayerNormalization', attributes, (x) =>
      scaling(weight, bias, shape, x).slice(0, bias ? 2 : 1),
    );
  }
  // Until version 21 it scaled groups, not channels.
  if (taken.opset >= 21 && module instanceof GroupNorm && isPlain(module, GroupNorm, ['forward'])) {
    const { groups, channels, weight, bias, epsilon } = module;
    const attributes = { num_groups: groups, epsilon: { float: epsilon } };
    return asOperator('GroupNormalization', attributes, (x) => scaling(weight, bias, [channels], x));
  }
  return null;
}

/** Whether a class of somebody's own left these methods as they are. */
function isPlain(
  module: AnyModule,
  kind: { readonly prototype: object },
  methods: readonly string[],
): boolean {
  return methods.every((name) => Reflect.get(module, name) === Reflect.get(kind.prototype, name));
}

/** Scale and shift, which ONNX wants in any case. Numbers repeated by a node are no weights. */
function scaling(
  weight: Variable | null,
  bias: Variable | null,
  shape: readonly number[],
  x: Tensor,
): [Tensor, Tensor] {
  const options = { dtype: x.dtype };
  return [weight?.value ?? ones(shape, options), bias?.value ?? zeros(shape, options)];
}
