/** What a network is fed, as the page and the worker know it: plain data. */
import type { OnnxSummary } from '@ag/onnx';

/** The network to look at before any file is dropped. */
export const exampleName = 'example.onnx';

/** What a network is fed. */
export interface Feed {
  readonly kind: 'random' | 'zeros' | 'ones' | 'ramp' | 'numbers' | 'image';
  readonly seed: number;
  /** For `numbers`: of the first input, in order. */
  readonly numbers: readonly number[];
  /** Sizes of inputs that the file leaves open. */
  readonly shapes: Readonly<Record<string, readonly number[]>>;
}

/** The shapes of the inputs: those of the file, 1 where it leaves one open, unless another is asked for. */
export function shapesOf(
  { inputs }: Pick<OnnxSummary, 'inputs'>,
  asked: Feed['shapes'] = {},
): Record<string, readonly number[]> {
  return Object.fromEntries(
    inputs.map(({ name, shape }) => {
      const own = (shape ?? []).map((size) => (typeof size === 'number' ? size : 1));
      return [name, new Map(Object.entries(asked)).get(name) ?? own];
    }),
  );
}
