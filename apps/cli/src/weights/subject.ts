/** What is written to a file of a runtime, and what two runtimes answer to the same examples. */
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

/** Answers, part by part. */
export type Numbers = readonly (readonly [path: string, numbers: ArrayLike<number>])[];
