/** The end of a training run: its weights and report are written, its results shown. */
import { architectureOf, saveSafetensors } from '@ag/nn';
import {
  appendTo,
  type EndEvent,
  eventVersion,
  type TrainingEvent,
  type Validation,
  validate,
  writeAtomically,
} from '@ag/train';
import type { TrainOptions } from '../commands/train.ts';
import { exitCodes } from '../failure.ts';
import { duration, formatMetrics, formatNumber } from '../numbers.ts';
import { quote } from '../quote.ts';
import { type LoggedEvent, readEvents, type TestedEvent } from '../runs/eventLog.ts';
import { expectOwn, type OwnRun } from '../runs/ownRun.ts';
import { baselineLines } from '../tables/view.ts';
import type { Terminal } from '../terminal.ts';
import type { Assembled } from './assemble.ts';
import { lossPlot } from './display.ts';
import { moduleFlag } from './resume.ts';
import { scaleNote } from './targetUnit.ts';

/** @param seconds of training, over all parts of a run that was resumed */
export async function conclude(
  assembled: Assembled,
  run: OwnRun,
  end: EndEvent,
  seconds: number,
  terminal: Terminal,
  options: TrainOptions,
): Promise<number> {
  const { config, paths } = run;
  const { model, task, target, testLoader } = assembled;
  const architecture = architectureOf(model);
  expectOwn(run);
  await writeAtomically(
    paths.weights,
    await saveSafetensors(model.stateDict(), {
      metadata: {
        format: 'ag-weights',
        recipe: config.recipe,
        parameters: JSON.stringify(config.parameters),
        settings: JSON.stringify(config.settings),
        ...(architecture !== null && { architecture }),
        ...(config.from && { from: config.from.file }),
        ...(task.preprocessing && { preprocessing: JSON.stringify(task.preprocessing) }),
      },
    }),
  );
  const result = await validate(model, testLoader, { loss: task.loss, metrics: target.metrics });
  await recordTest(run, end, result);
  const events = readEvents(paths.events).filter(isOfTraining);
  const { renderReport } = await import('../report/report.ts');
  const status =
    end.reason === 'earlyStopping'
      ? `stopped early, after ${end.epoch} epochs,`
      : `${end.epoch} epoch${end.epoch === 1 ? '' : 's'}`;
  await writeAtomically(
    paths.report,
    await renderReport({ config, prepared: assembled, model, events, status, seconds, result }),
  );
  await printResults(assembled, run, result, events, end, seconds, terminal, options);
  terminal.event({
    v: eventVersion,
    type: 'result',
    command: 'train',
    recipe: config.recipe,
    reason: end.reason,
    epoch: end.epoch,
    step: end.step,
    train: { loss: end.loss, metrics: end.metrics },
    test: { loss: result.loss, metrics: result.metrics, examples: result.examples },
    trainingSeconds: seconds,
    run: paths.folder,
    weights: paths.weights,
    report: paths.report,
    ...(task.baseline && { baseline: task.baseline }),
  });
  return exitCodes.done;
}

/** Early stopping puts other weights back than those of the last validation, which may be on other data, too. */
async function recordTest(
  { paths }: OwnRun,
  { step, epoch, seconds }: EndEvent,
  result: Validation,
): Promise<void> {
  const { loss, metrics, examples } = result;
  const event: TestedEvent = { v: eventVersion, type: 'test', loss, metrics, examples, step, epoch, seconds };
  await appendTo(paths.events, `${JSON.stringify(event)}\n`);
}

function isOfTraining(event: LoggedEvent): event is TrainingEvent {
  return event.type !== 'error' && event.type !== 'test';
}

async function printResults(
  { task, train, test, model, target }: Assembled,
  { config, paths }: OwnRun,
  result: Validation,
  events: readonly TrainingEvent[],
  { reason, epoch }: EndEvent,
  seconds: number,
  terminal: Terminal,
  options: TrainOptions,
): Promise<void> {
  const losses = events.filter((event) => event.type === 'epoch').map((event) => event.loss);
  if ((terminal.live || options.plot) && losses.length > 1)
    terminal.note('', ...(await lossPlot(losses, terminal.columns, terminal.err)), '');
  terminal.print(...((await task.conclude?.(model)) ?? []));
  const what = test === train ? 'all examples' : `test data (${test.length} examples)`;
  terminal.print(
    terminal.out.bold(`${what}: ${formatMetrics({ loss: result.loss, ...result.metrics })}`) +
      scaleNote(target),
  );
  terminal.print(...baselineLines(task, result.metrics));
  const profile = events.findLast((event) => event.type === 'profile');
  if (profile) {
    const { profileTables } = await import('../inspection/profileTables.ts');
    terminal.print('', ...profileTables(profile, terminal.columns), '');
  }
  const tail = losses.slice(-100);
  if (losses.length >= 200) {
    const mean = tail.reduce((sum, value) => sum + value, 0) / tail.length;
    terminal.print(`mean training loss of the last 100 epochs: ${formatNumber(mean)}`);
  }
  const early =
    reason === 'earlyStopping'
      ? `, stopped after ${epoch} epochs: ${config.settings.earlyStop} in a row were no better; the weights are the best`
      : '';
  terminal.print(`trained in ${duration(seconds)}${early}`);
  terminal.print(`report: ${paths.report}`);
  terminal.note(
    `weights: ${paths.weights}; evaluate them with: agrad eval ${quote(paths.folder)}${moduleFlag(config.recipe)}`,
  );
}
