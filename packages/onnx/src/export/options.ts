/**
 * What `exportOnnx` takes, and what it calls things in a file.
 */
import type { AnyOp, Tensor } from '@ag/tensor';
import type { ExportRule } from './writer.ts';

/** The name of the architecture in the metadata, as in the files of `saveModel`. */
export const architectureKey = 'architecture';

/** Options of `exportOnnx`. */
export interface ExportOnnxOptions {
  /**
   * What `forward` takes, by the names that the file gives them: placeholders of `@ag/graph`. Sizes that are open stay open, under
   * their names: `placeholder(['batch', 'length', 64])`; a first one that is null is `batch`.
   */
  readonly inputs: { readonly [name: string]: Tensor };
  /** Version of ONNX's operators, 17 to 21. Default 18. */
  readonly opset?: number;
  /** Names of the outputs. Default: `output`, or `output_0`, `output_1`, … */
  readonly outputs?: readonly string[];
  /** How operations of yours are written. Without a rule they are written from their form. */
  readonly rules?: ReadonlyMap<AnyOp, ExportRule>;
  /** Texts to keep in the file, which `inspectOnnx` gives back. */
  readonly metadata?: { readonly [key: string]: string };
  /** Whether batch normalization becomes part of the convolution before it. Default false. */
  readonly fold?: boolean;
}
