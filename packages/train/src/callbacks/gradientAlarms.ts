/** Warns when gradients vanish, explode, are NaN, or no longer reach units of a layer. */
import { checkOptions } from '@ag/tensor/engine';
import { TrainingError } from '../errors.ts';
import type { AnomalyEvent } from '../events.ts';
import type { Callback } from './callback.ts';

/** Options of {@link gradientAlarms}. */
export interface GradientAlarmsOptions {
  /** Norms below this are called vanishing. Default 1e-7. */
  readonly vanishing?: number;
  /** Norms above this are called exploding. Default 1e3. */
  readonly exploding?: number;
  /** Share of a layer's units without any gradient from which it is reported. Default 0.5; above 1 for never. */
  readonly deadUnits?: number;
  /** Measurements in a row that must be so before it is reported. Default 3. */
  readonly patience?: number;
}

const remedies = {
  vanishingGradient:
    'Usual remedies: other initial weights, relu for sigmoid, normalization or shortcuts between layers',
  explodingGradient: 'Usual remedies: clipped gradients, a smaller learning rate, normalization',
  deadUnits:
    'Usual remedies: a smaller learning rate, leakyRelu or gelu for relu, initial weights of init.heNormal, normalization',
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
  checkOptions('gradientAlarms', options, 'vanishing exploding deadUnits patience');
  const { vanishing = 1e-7, exploding = 1e3, deadUnits = 0.5, patience = 3 } = options;
  if (!(vanishing >= 0 && exploding > vanishing && Number.isInteger(patience) && patience >= 1)) {
    throw new TrainingError(
      `gradientAlarms: needs 0 ≤ vanishing < exploding and patience ≥ 1, got ${vanishing}, ${exploding}, ${patience}`,
      { code: 'option' },
    );
  }
  const rows = new Map<string, { kind: AnomalyEvent['kind']; times: number }>();
  const judge = (norm: number): Exclude<keyof typeof remedies, 'deadUnits'> | null => {
    if (!Number.isFinite(norm)) return 'nonFiniteGradient';
    return norm > exploding ? 'explodingGradient' : norm < vanishing ? 'vanishingGradient' : null;
  };
  if (!(deadUnits > 0)) {
    throw new TrainingError(`gradientAlarms: deadUnits must be a share above 0, got ${deadUnits}`, {
      code: 'option',
    });
  }
  /** Layers whose dead units were reported. */
  const dead = new Set<string>();
  return {
    name: 'gradientAlarms',
    on(event, { emit }) {
      if (event.type !== 'step' || !event.gradientNorms) return;
      for (const [parameter, share] of Object.entries(event.deadUnits ?? {})) {
        // Shares go up and down a little: reported again only after many have come back.
        if (share < deadUnits / 2) dead.delete(parameter);
        else if (share >= deadUnits && !dead.has(parameter)) {
          dead.add(parameter);
          emit({
            type: 'anomaly',
            kind: 'deadUnits',
            message: `${Math.round(100 * share)} % of the units of '${parameter}' get no gradient at step ${event.step}: they no longer learn. ${remedies.deadUnits}`,
            step: event.step,
            epoch: event.epoch,
            parameter,
          });
        }
      }
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
    state: () => ({ data: { rows: [...rows], dead: [...dead] } }),
    loadState({ data }) {
      const state = data as {
        rows: [string, { kind: AnomalyEvent['kind']; times: number }][];
        dead: string[];
      };
      rows.clear();
      dead.clear();
      for (const [name, row] of state.rows) rows.set(name, row);
      for (const name of state.dead) dead.add(name);
    },
  };
}
