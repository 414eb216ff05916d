/**
 * All operators that can be imported.
 */
import { transformers } from './attention.ts';
import type { Rules } from './call.ts';
import { control } from './control.ts';
import { convolutions } from './convolution.ts';
import { detection } from './detection.ts';
import { elementwise } from './elementwise.ts';
import { indexing } from './indexing.ts';
import { linear } from './linear.ts';
import { losses } from './losses.ts';
import { movement } from './movement.ts';
import { normalizations } from './normalization.ts';
import { random } from './random.ts';
import { recurrent } from './recurrent.ts';
import { reductions } from './reduce.ts';
import { resizing } from './resize.ts';
import { sampling } from './sampling.ts';

export const rules: Rules = {
  ...elementwise,
  ...reductions,
  ...movement,
  ...indexing,
  ...linear,
  ...convolutions,
  ...normalizations,
  ...recurrent,
  ...control,
  ...random,
  ...losses,
  ...resizing,
  ...transformers,
  ...sampling,
  ...detection,
};
