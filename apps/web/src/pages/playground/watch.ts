/**
 * Notices when training goes wrong though the loss is still a number: it rises, or gradients vanish or explode.
 */
import type { Callback, CallbackState } from '@ag/train';

/** The loss counts as rising when its running mean is this many times the first. */
const risen = 2;
const vanished = 1e-7;
const exploded = 1e4;

/** Gradient norms must be asked of `fit` for what they tell to be noticed. Each thing is reported once. */
export function watch(): Callback {
  let first: number | null = null;
  let mean = 0;
  let told: string[] = [];
  const once = (what: string): boolean => {
    if (told.includes(what)) return false;
    told.push(what);
    return true;
  };
  return {
    name: 'watch',
    on(event, context) {
      if (event.type !== 'step' || !Number.isFinite(event.loss)) return;
      const { step, epoch, loss, learningRate } = event;
      first ??= loss;
      mean = step === 1 ? loss : 0.8 * mean + 0.2 * loss;
      if (step >= 5 && mean > risen * first && mean > 0.1 && once('risingLoss')) {
        context.emit({
          type: 'warning',
          code: 'risingLoss',
          step,
          message: `the loss has risen from ${first.toPrecision(3)} to about ${mean.toPrecision(3)} by step ${step}, with a learning rate of ${learningRate}. A rate that is ten times smaller usually helps`,
        });
      }
      const norms = Object.entries(event.gradientNorms ?? {});
      if (norms.length === 0) return;
      const bad = norms.find(([, norm]) => !Number.isFinite(norm));
      const large = norms.find(([, norm]) => norm > exploded);
      const [parameter, norm] = bad ?? large ?? [];
      if (parameter !== undefined && once('explodingGradient')) {
        context.emit({
          type: 'anomaly',
          kind: bad ? 'nonFiniteGradient' : 'explodingGradient',
          step,
          epoch,
          parameter,
          message: `the gradient of ${parameter} has the norm ${norm!.toPrecision(3)} at step ${step}. Usual remedies: a smaller learning rate, clipped gradients`,
        });
      }
      if (norms.every(([, each]) => each < vanished) && loss > first / 2 && once('vanishingGradient')) {
        context.emit({
          type: 'anomaly',
          kind: 'vanishingGradient',
          step,
          epoch,
          message: `all gradients are below ${vanished} at step ${step} and the loss is still ${loss.toPrecision(3)}: nothing moves any more. Usual remedies: a smaller learning rate, another activation or seed`,
        });
      }
    },
    state: () => ({ data: { first, mean, told: [...told] } }),
    loadState(state: CallbackState) {
      ({ first, mean, told } = structuredClone(state.data) as typeof state.data & {
        first: number | null;
        mean: number;
        told: string[];
      });
    },
  };
}
