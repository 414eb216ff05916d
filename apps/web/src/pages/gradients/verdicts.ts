/**
 * What is said of the gradients: of their size, and of how much of it is left on the way back.
 *
 * Each by itself: gradients that are all tiny have a ratio of about one, and gradients that vanish on the way back may
 * begin with a useful size.
 */
import type { FlowUpdate } from './flow.ts';
import { limits } from './limits.ts';
import type { ratioVerdicts, sizeVerdicts } from './texts.ts';

export interface Verdicts {
  readonly size: keyof typeof sizeVerdicts;
  readonly ratio: keyof typeof ratioVerdicts;
}

export function verdictsOf({
  alarms,
  ratio,
  sizes,
}: Pick<FlowUpdate, 'alarms' | 'ratio' | 'sizes'>): Verdicts {
  const { largest, loss } = sizes;
  const size = alarms.includes('notFinite')
    ? 'notFinite'
    : largest > limits.exploding
      ? 'exploding'
      : largest < limits.tiny * loss
        ? 'tiny'
        : 'useful';
  const way = !Number.isFinite(ratio)
    ? 'unknown'
    : ratio < limits.vanishing
      ? 'vanishing'
      : ratio > 1 / limits.vanishing
        ? 'growing'
        : 'arriving';
  return { size, ratio: way };
}
