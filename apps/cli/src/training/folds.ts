/** `agrad train --folds`: cross-validation, the same training on several cuts of the training data. */
import { join } from 'node:path';
import { kFold, type MemoryDataset } from '@ag/datasets';
import {
  type CrossValidation,
  crossValidate,
  earlyStopping,
  eventVersion,
  type FoldResult,
  type TrainingEvent,
  writeAtomically,
} from '@ag/train';
import { chooseBackend } from '../backend.ts';
import type { TrainOptions } from '../commands/train.ts';
import { exitCodes, Failure } from '../failure.ts';
import type { Interrupt } from '../interrupt.ts';
import { duration, formatMetric, formatMetrics, words } from '../numbers.ts';
import type { Claim } from '../runs/claim.ts';
import { createFolder } from '../runs/folder.ts';
import { table } from '../table.ts';
import type { Terminal } from '../terminal.ts';
import { assemble, epochsOf, fitOptionsOf, prepare } from './assemble.ts';
import { openDisplay } from './display.ts';
import { commandOf, environmentOf, type Job } from './plan.ts';

/** Trains fold by fold; answers the exit code. */
export async function trainFolds(
  job: Job,
  options: TrainOptions,
  folds: number,
  terminal: Terminal,
  interrupt: Interrupt,
): Promise<number> {
  const { recipe, recipeName, resolved, parameters, before } = job;
  const settings = resolved.values;
  if (before)
    throw new Failure('usage', '--folds and --resume exclude each other: cross-validation cannot be resumed');
  const backend = await chooseBackend(settings, terminal);
  const began = performance.now();
  let claim: Claim | null = null;
  try {
    const prepared = await prepare(recipe, settings, parameters);
    // The test data stay out of it, so that they can judge what is chosen by cross-validation.
    const cuts = kFold(prepared.train, folds, { seed: settings.seed });
    const note = (line: string): void => terminal.note(line);
    const { paths, claim: taken } = await createFolder(
      options.out,
      `${recipeName}-folds`,
      note,
      'folds.json',
    );
    claim = taken;
    const { folder } = paths;
    terminal.note(
      `${recipeName}: ${prepared.train.length} examples in ${folds} folds, ${epochsOf(settings)} epochs each, backend ${backend.name}`,
    );
    interrupt.begin();
    const display = await openDisplay(terminal, epochsOf(settings));
    const events: (TrainingEvent & { fold: number })[] = [];
    const setup = async ({ train, validation }: { train: MemoryDataset; validation: MemoryDataset }) => {
      const assembled = await assemble({ ...prepared, train, validation: null, test: validation }, settings);
      const run = fitOptionsOf(assembled, settings);
      const stopping = settings.earlyStop > 0 ? [earlyStopping({ patience: settings.earlyStop })] : [];
      return { ...run, callbacks: [...(run.callbacks ?? []), ...stopping], reportEvery: 0 };
    };
    let result: CrossValidation;
    try {
      result = await crossValidate(cuts, setup, {
        signal: interrupt.signal,
        onEvent(event, fold) {
          if (event.type === 'validation' || event.type === 'epoch') events.push({ ...event, fold });
          terminal.event({ ...event, fold });
          display.show(event);
        },
        onFold(fold) {
          display.clear();
          terminal.event({ v: eventVersion, type: 'fold', folds, ...fold });
          terminal.progress(terminal.out.bold(`fold ${fold.fold}/${folds}: ${metricsOf(fold)}`));
        },
      });
    } catch (error) {
      if (!interrupt.signal.aborted) throw error;
      const exitCode = interrupt.exitCode ?? exitCodes.interrupted;
      const message = 'Interrupted. Cross-validation starts over when the command is run again.';
      terminal.event({ v: eventVersion, type: 'error', kind: 'interrupted', exitCode, message });
      terminal.note(message);
      return exitCode;
    } finally {
      display.clear();
    }
    const seconds = (performance.now() - began) / 1000;
    const answer = {
      command: 'train --folds',
      recipe: recipeName,
      ...result,
      trainingSeconds: seconds,
      settings,
      parameters,
      repeat: `${commandOf(job, options)} --folds ${folds}`,
      environment: environmentOf(backend),
    };
    await writeAtomically(join(folder, 'folds.json'), `${JSON.stringify(answer, null, 2)}\n`);
    const report = join(folder, 'report.html');
    await writeAtomically(report, await renderFolds(answer, events, prepared.recipe.summary));

    const estimates = estimatesOf(result);
    terminal.print(
      '',
      ...table(
        ['fold', 'examples', ...estimates.map(({ name }) => words(name))],
        result.folds.map((fold) => [
          String(fold.fold),
          String(fold.examples),
          ...estimates.map(({ name, of }) => formatMetric(name, of(fold))),
        ]),
      ),
      '',
    );
    for (const { name, text } of estimates) terminal.print(terminal.out.bold(`${words(name)} ${text}`));
    terminal.print(`trained in ${duration(seconds)}`);
    terminal.print(`report: ${report}`);
    terminal.event({ v: eventVersion, type: 'result', ...answer, run: folder, report });
    return exitCodes.done;
  } finally {
    backend.close();
    claim?.release();
  }
}

function metricsOf({ loss, metrics }: FoldResult): string {
  return formatMetrics({ loss, ...metrics });
}

/** Loss and metrics with their means and standard deviations. */
function estimatesOf(result: CrossValidation) {
  const all = Object.entries({ loss: result.loss, ...result.metrics });
  return all.map(([name, { mean, standardDeviation }]) => ({
    name,
    text: `${formatMetric(name, mean)} ± ${formatMetric(name, standardDeviation)}`,
    of: (fold: FoldResult): number => (name === 'loss' ? fold.loss : fold.metrics[name]),
  }));
}

/** A page with the curves of the folds over each other. */
async function renderFolds(
  answer: CrossValidation & {
    readonly recipe: string;
    readonly settings: object;
    readonly repeat: string;
    readonly environment: Readonly<Record<string, string>>;
  },
  events: readonly (TrainingEvent & { readonly fold: number })[],
  summary: string,
): Promise<string> {
  const { lineChart } = await import('@ag/viz');
  const { escapeText, facts, page, pictures } = await import('../report/page.ts');
  const curves = (name: string): string =>
    lineChart(
      answer.folds.map(({ fold }) => {
        const own = events.filter((event) => event.fold === fold && event.type === 'validation');
        const judged = own as Extract<(typeof own)[number], { type: 'validation' }>[];
        return {
          name: `fold ${fold}`,
          x: judged.map(({ epoch }) => epoch),
          y: judged.map(({ loss, metrics }) => (name === 'loss' ? loss : metrics[name])),
        };
      }),
      {
        title: `${words(name)} on held-out data`,
        id: `folds-${name}`,
        xLabel: 'epoch',
        ...(name === 'accuracy' && { yFormat: 'percent' as const }),
      },
    );
  const estimates = estimatesOf(answer);
  const lead = estimates.map(({ name, text }) => `${words(name)} ${text}`).join(', ');
  return page(`${answer.recipe}: ${summary}`, `${answer.folds.length} folds: ${lead}`, [
    { title: 'Curves', body: pictures(...estimates.map(({ name }) => curves(name))) },
    {
      title: 'Folds',
      body: facts(
        answer.folds.map((fold) => [`fold ${fold.fold}`, `${fold.examples} examples, ${metricsOf(fold)}`]),
      ),
    },
    {
      title: 'Settings',
      body: facts(
        Object.entries(answer.settings).map(([name, value]) => [
          words(name),
          typeof value === 'string' ? value : JSON.stringify(value),
        ]),
      ),
    },
    {
      title: 'Reproduce',
      body: `<pre><code>${escapeText(answer.repeat)}</code></pre>${facts(Object.entries(answer.environment))}`,
    },
  ]);
}
