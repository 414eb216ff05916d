/**
 * What is said of the comparison, each sentence from what was measured.
 *
 * Whether the curves agree, where they part and why: apart from the page, so that the words can be held against the
 * numbers for networks of any size.
 */
import { formatNumber } from '../../components/numbers.ts';
import type { Text } from '../../shell/language.ts';
import { type CompareUpdate, type GradientError, parted } from './compare.ts';
import { texts } from './texts.ts';

/** Whether the losses of all steps are the same to four digits, of the first loss. */
export function lossesAgree({ apart, automatic }: Pick<CompareUpdate, 'apart' | 'automatic'>): boolean {
  return apart <= parted * (automatic.losses[0] ?? 0);
}

/** Curves within a hundredth of each other are one on a logarithmic axis. */
const oneCurve = 0.01;

/** Whether the curves look like one. */
export function looksAlike(update: CompareUpdate): boolean {
  return lossesAgree(update) && update.relative <= oneCurve;
}

/** What decides the error of a numerical gradient: a smaller step would be better, or it would not. */
export function decidedBy({ error, halved }: GradientError): 'exact' | 'coarse' | 'rounding' {
  if (error === 0) return 'exact';
  return halved < error / 2 ? 'coarse' : 'rounding';
}

/** Errors of a gradient below this share are no cause by themselves: they have grown. */
const small = 1e-4;

/** Where the curves part and why; nothing while they have not. */
export function whyParted({ parting }: CompareUpdate): readonly Text[] {
  if (!parting) return [];
  const { step, error, growth, rises } = parting;
  const by = decidedBy(parting);
  return [
    texts.partAt(step),
    texts.gradientsDiffer(formatNumber(error), by),
    error >= small || growth === null
      ? texts.ofTheGradient
      : texts.grown(growth.toPrecision(3), step - 1, rises),
  ];
}

/** How good the numerical gradient is where both runs begin. */
export function atTheStart({ start }: CompareUpdate): Text {
  return texts.startError(formatNumber(start.error), formatNumber(start.halved), decidedBy(start));
}
