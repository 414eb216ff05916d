/** `agrad eval`: metrics of trained weights on the test data, with limits that set the exit code. */
import { eventVersion, validate } from '@ag/train';
import { chooseBackend } from '../backend.ts';
import type { EvalOptions, Limit } from '../commands/eval.ts';
import { exitCodes, Failure } from '../failure.ts';
import { formatMetric, formatNumber, words } from '../numbers.ts';
import { didYouMean } from '../suggest.ts';
import type { Terminal } from '../terminal.ts';
import { testLoaderOf } from '../training/assemble.ts';
import { unitOf } from '../training/targetUnit.ts';
import { describeWeights, isOtherPreprocessing, loadTrained } from './trained.ts';

const otherPreprocessing =
  'warning: the data of this recipe give other preprocessing than the model was trained with; have they changed? ' +
  "A recipe can use what it was trained with: 'preprocessing' of prepare's argument.";

/** Runs the command; answers the exit code. */
export async function evaluate(options: EvalOptions, terminal: Terminal): Promise<number> {
  const { positional, recipe, settings, failUnder, failOver } = options;
  const trained = await describeWeights({ target: positional[0], recipe, settings }, 'eval', terminal.ask);
  const backend = await chooseBackend(trained.settings, terminal);
  try {
    const { prepared, model } = await loadTrained(trained);
    const { task, target, test, train } = prepared;
    if (isOtherPreprocessing(trained, prepared)) {
      terminal.note(terminal.err.yellow(otherPreprocessing));
    }
    const result = await validate(model, testLoaderOf(prepared, test), {
      loss: task.loss,
      metrics: target.metrics,
    });
    const metrics: Record<string, number> = { loss: result.loss, ...result.metrics };
    const missed = [
      ...failUnder.map((limit) => violation(limit, metrics, '--fail-under')),
      ...failOver.map((limit) => violation(limit, metrics, '--fail-over')),
    ].filter((message) => message !== null);
    terminal.print(
      `${trained.recipeName}: ${result.examples} examples of ${test === train ? 'the training data' : 'the test data'}`,
    );
    for (const [name, value] of Object.entries(metrics)) {
      const unit = unitOf(name, target);
      terminal.print(`  ${words(name).padEnd(20)} ${formatMetric(name, value)}${unit}`);
    }
    terminal.event({
      v: eventVersion,
      type: 'result',
      command: 'eval',
      recipe: trained.recipeName,
      weights: trained.path,
      examples: result.examples,
      ...metrics,
      passed: missed.length === 0,
      missed,
    });
    for (const message of missed) terminal.note(terminal.err.red(message));
    return missed.length === 0 ? exitCodes.done : exitCodes.check;
  } finally {
    backend.close();
  }
}

/** Whether a metric misses its limit, in words; null where it keeps it. */
function violation(
  { metric, value }: Limit,
  metrics: Readonly<Record<string, number>>,
  flag: '--fail-under' | '--fail-over',
): string | null {
  if (!Object.hasOwn(metrics, metric)) {
    throw new Failure(
      'usage',
      `${flag} ${metric}=${value}: there is no such metric`,
      didYouMean(metric, Object.keys(metrics), 'Metrics'),
    );
  }
  const found = metrics[metric];
  // NaN keeps no limit.
  const kept = flag === '--fail-under' ? found >= value : found <= value;
  return kept
    ? null
    : `${metric} is ${formatNumber(found)}, ${flag === '--fail-under' ? 'under' : 'over'} the limit ${value}`;
}
