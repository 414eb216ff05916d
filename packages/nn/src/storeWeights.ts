/**
 * Weights of a model kept in another dtype, such as the frozen ones of a fine-tuning in 16 bits.
 */
import { computedDType, type DType, evaluate, isFloat, Variable } from '@ag/tensor';
import { dtypeError, valueError } from '@ag/tensor/engine';
import type { AnyModule } from './module.ts';

/** A field or a place in an array that holds a variable. */
interface Holder {
  readonly owner: object;
  readonly field: string;
  readonly variable: Variable;
}

/**
 * Keeps the weights of a model in another dtype: `float16` and `bfloat16` take half the memory, do not train, and are computed with as
 * float32, each widened just before it is used. Those with two axes or more: biases and the scales of normalizations are
 * small, and running statistics change, so they stay as they are. The model's variables are replaced, so optimizers, `lora` and
 * compiled functions come afterwards.
 *
 * ```ts
 * storeWeights(model, 'float16');
 * const tuned = lora(model, { rank: 8 }); // the factors are float32 and train
 * ```
 *
 * @param dtype of fractions; `float32` makes them trainable again
 * @returns the model
 * @throws TypeError for a dtype without fractions
 * @throws RangeError naming a weight that lies in no public field, or has an adapter
 */
export function storeWeights<M extends AnyModule>(model: M, dtype: DType): M {
  if (!isFloat(dtype))
    throw dtypeError(`storeWeights: dtype must be float16, bfloat16, float32 or float64, got ${dtype}`);
  const weights = [...model.namedParameters()].filter(
    ([, variable]) => variable.shape.length > 1 && variable.dtype !== dtype,
  );
  const holders = [...model.namedModules().values()].flatMap((module) => holdersIn(module));
  const held = new Set(holders.map(({ variable }) => variable));
  const hidden = weights.find(([, variable]) => !held.has(variable) || Object.hasOwn(variable, 'value'));
  if (hidden) {
    throw valueError(
      `storeWeights: '${hidden[0]}' is in no public field of its module, or has an adapter; store weights before lora(model)`,
    );
  }
  const stored = new Map(
    weights.map(([, old]) => {
      const trainable = isStored(dtype) ? false : old.trainable || isStored(old.dtype);
      const variable = new Variable(old.value.cast(dtype), { name: old.name, trainable });
      // Reading any of it brings it about: one after the other, so that no two copies of all weights are held at once.
      evaluate([variable.value.flatten().slice(0, 1)]);
      old.dispose();
      return [old, variable];
    }),
  );
  for (const { owner, field, variable } of holders) {
    const next = stored.get(variable);
    if (next) Reflect.set(owner, field, next);
  }
  return model;
}

function holdersIn(owner: object): Holder[] {
  return Object.entries(owner).flatMap(([field, value]: [string, unknown]) => {
    if (value instanceof Variable) return [{ owner, field, variable: value }];
    return Array.isArray(value) ? holdersIn(value) : [];
  });
}

function isStored(dtype: DType): boolean {
  return computedDType(dtype) !== dtype;
}
