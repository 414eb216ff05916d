/**
 * Watches the gradients' sizes and says when they vanish, explode, or are no numbers.
 */
import { TrainingError } from '../errors.ts';
import type { AnomalyEvent } from '../events.ts';
import type { Callback } from './callback.ts';

export interface GradientAlarmsOptions {
  /** Norms below this are called vanishing. Default 1e-7. */
  readonly vanishing?: number;
  /** Norms above this are called exploding. Default 1e3. */
  readonly exploding?: number;
  /** Measurements in a row that must be so before it is reported. Default 3. */
  readonly patience?: number;
}

const remedies = {
  vanishingGradient:
    'Usual remedies: other initial weights, relu for sigmoid, normalisation or shortcuts between layers',
  explodingGradient: 'Usual remedies: clipped gradients, a smaller learning rate, normalisation',
  nonFiniteGradient:
    'Usual remedies: a smaller learning rate, and a look for log(0), 0/0 and NaN in the data',
} as const;

/**
 * Reports `anomaly` events for parameters whose gradient is out of bounds several times in a row, once each until it
 * recovers. `fit` must measure: `{ gradientNorms: 10 }`.
 *
 * ```ts
 * fit({ …, gradientNorms: 10, callbacks: [gradientAlarms()] });
 * ```
 */
export function gradientAlarms(options: GradientAlarmsOptions = {}): Callback {
  const { vanishing = 1e-7, exploding = 1e3, patience = 3 } = options;
  if (!(vanishing >= 0 && exploding > vanishing && Number.isInteger(patience) && patience >= 1)) {
    throw new TrainingError(
      `gradientAlarms: needs 0 ≤ vanishing < exploding and patience ≥ 1, got ${vanishing}, ${exploding}, ${patience}`,
      { code: 'option' },
    );
  }
  const rows = new Map<string, { kind: AnomalyEvent['kind']; times: number }>();
  const judge = (norm: number): keyof typeof remedies | null => {
    if (!Number.isFinite(norm)) return 'nonFiniteGradient';
    return norm > exploding ? 'explodingGradient' : norm < vanishing ? 'vanishingGradient' : null;
  };
  return {
    name: 'gradientAlarms',
    on(event, { emit }) {
      if (event.type !== 'step' || !event.gradientNorms) return;
      for (const [parameter, norm] of Object.entries(event.gradientNorms)) {
        const kind = judge(norm);
        if (kind === null) {
          rows.delete(parameter);
          continue;
        }
        const before = rows.get(parameter);
        const times = before?.kind === kind ? before.times + 1 : 1;
        rows.set(parameter, { kind, times });
        if (times !== (kind === 'nonFiniteGradient' ? 1 : patience)) continue;
        emit({
          type: 'anomaly',
          kind,
          message: `the gradient of '${parameter}' has the norm ${norm.toPrecision(3)} at step ${event.step}. ${remedies[kind]}`,
          step: event.step,
          epoch: event.epoch,
          parameter,
        });
      }
    },
    state: () => ({ data: [...rows] }),
    loadState({ data }) {
      rows.clear();
      for (const [name, row] of data as [string, { kind: AnomalyEvent['kind']; times: number }][])
        rows.set(name, row);
    },
  };
}
