/**
 * Networks from plain data: the way back from `module.toJSON()`.
 */

import { codedError } from '@ag/tensor/engine';
import type { ModuleDescription } from './description.ts';
import * as layers from './layers.ts';
import type { AnyModule } from './module.ts';

/** Factories by name. */
// biome-ignore lint/suspicious/noExplicitAny: each factory has its own arguments, which come from data
export type Layers = Readonly<Record<string, (...given: any[]) => AnyModule>>;

/**
 * The network of a description, with newly initialized weights.
 *
 * ```ts
 * const copy = fromJSON(JSON.parse(JSON.stringify(model))) as Sequential;
 * copy.loadStateDict(model.stateDict());
 * ```
 *
 * @param description what `toJSON` gave
 * @param own factories of yours by the names that their layers' `describe` gives, beside those of this library
 * @throws RangeError for a layer that is not known, for arguments it does not take, and for modules written as classes,
 *   which data cannot hold
 */
export function fromJSON(description: ModuleDescription, own: Layers = {}): AnyModule {
  const known: Layers = { ...builtIn(), ...own };
  const make = (from: ModuleDescription): AnyModule => {
    if (typeof from?.layer !== 'string') {
      throw codedError(
        RangeError,
        'AG_STATE_MISMATCH',
        `fromJSON: expected { layer, arguments }, got ${JSON.stringify(from)}`,
      );
    }
    const factory = Object.hasOwn(known, from.layer) ? known[from.layer] : undefined;
    if (!factory || !Array.isArray(from.arguments)) {
      throw codedError(
        RangeError,
        'AG_STATE_MISMATCH',
        `fromJSON: '${from.layer}' is no layer of this library; give its factory, fromJSON(description, { ${from.layer}: … })`,
      );
    }
    const given = from.arguments.map(revive);
    try {
      return factory(...given);
    } catch (cause) {
      // Data have no types: what a compiler would refuse fails somewhere inside, with a message about that place.
      if (!(cause instanceof TypeError)) throw cause;
      throw codedError(
        RangeError,
        'AG_STATE_MISMATCH',
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

/** The factories of this library: what layers.ts exports that is no class. */
function builtIn(): Layers {
  const factories = Object.entries(layers).filter(([name]) => /^[a-z]/.test(name));
  return Object.fromEntries(factories) as unknown as Layers;
}
