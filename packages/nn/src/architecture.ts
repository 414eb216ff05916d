/**
 * Networks from plain data: the way back from `module.toJSON()`.
 */
import * as activations from './activations.ts';
import { multiHeadAttention } from './attention.ts';
import { conv1d, conv2d, convTranspose2d } from './conv.ts';
import type { ModuleDescription } from './description.ts';
import { dropout } from './dropout.ts';
import { embedding } from './embedding.ts';
import { linear } from './linear.ts';
import type { AnyModule } from './module.ts';
import { batchNorm1d, batchNorm2d, groupNorm, layerNorm, rmsNorm } from './norm.ts';
import { adaptiveAvgPool2d, avgPool2d, maxPool2d } from './pool.ts';
import { gru, lstm, rnn } from './recurrent.ts';
import { flatten, residual, sequential } from './sequential.ts';
import { transformerEncoderLayer } from './transformer.ts';

/** Factories by name. */
// biome-ignore lint/suspicious/noExplicitAny: each factory has its own arguments, which come from data
export type Layers = Readonly<Record<string, (...given: any[]) => AnyModule>>;

/**
 * The network that a description says, with fresh weights.
 *
 * ```ts
 * const copy = fromJSON(JSON.parse(JSON.stringify(model))) as Sequential;
 * copy.loadStateDict(model.stateDict());
 * ```
 *
 * @param description what `toJSON` gave
 * @param layers factories of your own by name, beside those of this library
 * @throws RangeError for a layer that is not known, for arguments it does not take, and for modules written as classes,
 *   which data cannot hold
 */
export function fromJSON(description: ModuleDescription, layers: Layers = {}): AnyModule {
  const known: Layers = { ...builtIn(), ...layers };
  const make = (from: ModuleDescription): AnyModule => {
    if (typeof from?.layer !== 'string') {
      throw new RangeError(`fromJSON: expected { layer, arguments }, got ${JSON.stringify(from)}`);
    }
    const factory = Object.hasOwn(known, from.layer) ? known[from.layer] : undefined;
    if (!factory || !Array.isArray(from.arguments)) {
      throw new RangeError(
        `fromJSON: '${from.layer}' is no layer of this library; give its factory, fromJSON(description, { ${from.layer}: … })`,
      );
    }
    const given = from.arguments.map(revive);
    try {
      return factory(...given);
    } catch (cause) {
      // Data have no types: what a compiler would refuse fails somewhere inside, with a message about that place.
      if (!(cause instanceof TypeError)) throw cause;
      throw new RangeError(
        `fromJSON: '${from.layer}' does not take the arguments ${JSON.stringify(from.arguments)}`,
        { cause },
      );
    }
  };
  const revive = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(revive);
    if (typeof value === 'object' && value !== null && 'layer' in value)
      return make(value as ModuleDescription);
    return value;
  };
  return make(description);
}

/** Listed when asked for, so that bundles without `fromJSON` hold only the layers they use. */
function builtIn(): Layers {
  const lowerCase = Object.entries(activations).filter(([name]) => /^[a-z]/.test(name));
  return {
    ...(Object.fromEntries(lowerCase) as unknown as Layers),
    adaptiveAvgPool2d,
    avgPool2d,
    batchNorm1d,
    batchNorm2d,
    conv1d,
    conv2d,
    convTranspose2d,
    dropout,
    embedding,
    flatten,
    groupNorm,
    gru,
    layerNorm,
    linear,
    lstm,
    maxPool2d,
    multiHeadAttention,
    residual,
    rmsNorm,
    rnn,
    sequential,
    transformerEncoderLayer,
  };
}
