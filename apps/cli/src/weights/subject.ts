/** What is exported: a network with examples of its inputs, and numbers to compare its answers by. */
import type { AnyModule } from '@ag/nn';

/** A network, and what it takes. */
export interface Subject {
  readonly model: AnyModule;
  /** Some examples; null where nothing says what they look like. */
  readonly x: unknown;
  /** The size of a batch, where the network takes no other. */
  readonly batch: number | null;
  /** Texts for the file. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** Answers by the path of each output. */
export type Numbers = readonly (readonly [path: string, numbers: ArrayLike<number>])[];
