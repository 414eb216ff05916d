/** `agrad train --find-learning-rate`: a short test that shows which rates a recipe learns with. */
import { join } from 'node:path';
import { eventVersion, findLearningRate, type LearningRateTest, writeAtomically } from '@ag/train';
import { chooseBackend } from '../backend.ts';
import type { TrainOptions } from '../commands/train.ts';
import { exitCodes } from '../failure.ts';
import { formatNumber } from '../numbers.ts';
import { outputFolder } from '../runs/folder.ts';
import { table } from '../table.ts';
import type { Terminal } from '../terminal.ts';
import { pageText } from '../text.ts';
import { assemble, fitOptionsOf, optimizerFor, prepare } from './assemble.ts';
import type { Job } from './plan.ts';

/** Rows of the table. */
const shown = 13;

/** Runs the test; answers the exit code. */
export async function tryLearningRates(
  { recipe, recipeName, resolved, parameters }: Job,
  options: TrainOptions,
  terminal: Terminal,
): Promise<number> {
  const settings = resolved.values;
  const backend = await chooseBackend(settings, terminal);
  try {
    const assembled = await assemble(await prepare(recipe, settings, parameters), settings);
    const { model, loss, train, gradients, compile } = fitOptionsOf(assembled, settings);
    terminal.note(
      `${recipeName}: trying learning rates by ${settings.optimizer}, batches of ${settings.batchSize}`,
    );
    const test = await findLearningRate({
      model,
      loss,
      train,
      optimizer: (rate) => optimizerFor(model.parameters(), settings, rate),
      ...(gradients && { gradients }),
      ...(compile && { compile }),
    });
    const { points, lowest, suggestion, diverged } = test;
    const folder = outputFolder(options.out, `${recipeName}-learning-rate`);
    const picture = join(folder, 'learning-rate.svg');
    await writeAtomically(picture, pageText(await draw(test, recipeName)));

    if (terminal.live || options.plot) {
      const { drawCurves } = await import('../drawing/curves.ts');
      const curve = {
        name: 'loss',
        x: points.map(({ rate }) => Math.log10(rate)),
        y: points.map(({ smoothed }) => smoothed),
      };
      const width = Math.min(80, terminal.columns - 1);
      const look = {
        title: 'smoothed loss',
        xLabel: 'log₁₀ of the rate',
        width,
        height: 8,
        colors: terminal.err,
      };
      terminal.note('', ...drawCurves([curve], look), '');
    }
    const few = Math.min(shown, points.length);
    const rows = Array.from(
      { length: few },
      (_, i) => points[Math.round((i * (points.length - 1)) / Math.max(1, few - 1))],
    );
    terminal.print(
      ...table(
        ['learning rate', 'loss', 'smoothed'],
        rows.map(({ rate, loss, smoothed }) => [
          rate.toExponential(2),
          formatNumber(loss),
          formatNumber(smoothed),
        ]),
      ),
    );
    terminal.print(
      terminal.out.bold(
        suggestion === null
          ? 'no rate reduced the loss: check the data, the model and the loss'
          : `suggestion: --learning-rate ${Number(suggestion.toPrecision(2))}, a tenth of the rate with the lowest loss (${formatNumber(lowest!)})`,
      ),
    );
    if (suggestion !== null && !diverged)
      terminal.note('the loss did not diverge up to the last rate: larger rates may work too');
    terminal.print(`curve: ${picture}`);
    terminal.event({
      v: eventVersion,
      type: 'result',
      command: 'train --find-learning-rate',
      recipe: recipeName,
      suggestion,
      lowest,
      diverged,
      points,
      picture,
    });
    return exitCodes.done;
  } finally {
    backend.close();
  }
}

async function draw({ points, suggestion }: LearningRateTest, recipe: string): Promise<string> {
  const { lineChart } = await import('@ag/viz');
  const rates = points.map(({ rate }) => rate);
  const smoothed = points.map((point) => point.smoothed);
  // What lies above the first losses only says that the rate is far too large, and would flatten the rest.
  const top = 1.2 * Math.max(...smoothed.slice(0, 10));
  const bottom = Math.min(...points.map(({ loss }) => loss));
  return lineChart(
    [
      { name: 'smoothed', x: rates, y: smoothed },
      { name: 'of each batch', x: rates, y: points.map(({ loss }) => loss) },
      ...(suggestion === null
        ? []
        : [
            {
              name: `suggestion ${suggestion.toPrecision(2)}`,
              x: [suggestion, suggestion],
              y: [bottom, top],
            },
          ]),
    ],
    {
      title: `${recipe}: loss by learning rate`,
      id: 'learning-rate',
      xLabel: 'learning rate',
      xScale: 'log',
      yDomain: [Math.max(0, bottom - 0.1 * (top - bottom)), top],
      points: false,
    },
  );
}
