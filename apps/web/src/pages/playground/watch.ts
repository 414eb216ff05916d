/**
 * Warns of a loss that rises, and of gradients that vanish before anything was learned.
 *
 * `gradientAlarms` cannot, as it knows no loss. (Gradients that vanish because all has been learned are no
 * cause for alarm.)
 */
import type { Callback, CallbackState } from '@ag/train';

/** The loss counts as rising when its running mean is this many times the first. */
const risen = 2;
const vanished = 1e-7;

/** Gradient norms must be asked of `fit` for what they tell to be noticed. Each thing is reported once. */
export function watch(): Callback {
  let first: number | null = null;
  let mean = 0;
  let warned: string[] = [];
  const once = (what: string): boolean => {
    if (warned.includes(what)) return false;
    warned.push(what);
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
      const norms = Object.values(event.gradientNorms ?? {});
      if (
        norms.length > 0 &&
        norms.every((norm) => norm < vanished) &&
        loss > first / 2 &&
        once('vanishingGradient')
      ) {
        context.emit({
          type: 'anomaly',
          kind: 'vanishingGradient',
          step,
          epoch,
          message: `all gradients are below ${vanished} at step ${step} and the loss is still ${loss.toPrecision(3)}: nothing moves any more. Usual remedies: a smaller learning rate, another activation or seed`,
        });
      }
    },
    state: () => ({ data: { first, mean, warned: [...warned] } }),
    loadState(state: CallbackState) {
      ({ first, mean, warned } = structuredClone(state.data) as typeof state.data & {
        first: number | null;
        mean: number;
        warned: string[];
      });
    },
  };
}
