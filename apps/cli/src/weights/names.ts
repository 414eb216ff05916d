/** Names of weights as PyTorch writes them and as modules here have them. */
import { fromJSON, type ModuleDescription, torchStateDict } from '@ag/nn';
import type { Tensor } from '@ag/tensor';
import { Failure } from '../failure.ts';

/** Ways to write names. */
export type NameStyle = 'pytorch' | 'ag';

/** Tensors by new names. */
export interface Renamed {
  readonly tensors: Readonly<Record<string, Tensor>>;
  /** Whether the network was known: then all names are right, those of attention and recurrent layers too. */
  readonly byNetwork: boolean;
}

/**
 * Tensors with names of a style. By the network, where the file has its architecture; else letter by letter, which is right
 * for all layers whose names differ in nothing else.
 *
 * @throws Failure `incompatible` when the weights do not fit the architecture, or two names become one
 */
export function renamed(
  tensors: Readonly<Record<string, Tensor>>,
  style: NameStyle,
  architecture: string | undefined,
  path: string,
): Renamed {
  if (architecture !== undefined) {
    try {
      const model = fromJSON(JSON.parse(architecture) as ModuleDescription).loadStateDict(tensors);
      return { tensors: style === 'pytorch' ? torchStateDict(model) : model.stateDict(), byNetwork: true };
    } catch (error) {
      throw new Failure(
        'incompatible',
        `${path}: its weights do not fit its architecture: ${(error as Error).message}`,
        'Leave out --names to convert them as they are.',
        error,
      );
    }
  }
  const changed = new Map<string, Tensor>();
  for (const [name, value] of Object.entries(tensors)) {
    const other = style === 'pytorch' ? snakeCase(name) : camelCase(name);
    if (changed.has(other)) {
      throw new Failure('incompatible', `${path}: two tensors would be '${other}'`, 'Leave out --names.');
    }
    changed.set(other, value);
  }
  return { tensors: Object.fromEntries(changed), byNetwork: false };
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function camelCase(name: string): string {
  return name.replace(/(?<=[A-Za-z0-9])_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
