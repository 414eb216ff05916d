/** `agrad runs ask`: the curve of something that nobody recorded, computed again step by step. */
import { eventVersion, writeAtomically } from '@ag/train';
import type { RunsAskOptions } from '../commands/runs.ts';
import { drawCurves } from '../drawing/curves.ts';
import { exitCodes, Failure } from '../failure.ts';
import type { Terminal } from '../terminal.ts';
import { pageText } from '../text.ts';
import { parseQuestion } from './question.ts';
import { replayable } from './replayable.ts';

/** Values of a curve where nothing else is asked for, about. */
const mostValues = 100;

/** Runs the command; answers the exit code. */
export async function askRun(options: RunsAskOptions, terminal: Terminal): Promise<number> {
  const [target, text] = options.positional;
  const { recipe, settings, steps, out } = options;
  if (out !== undefined && !/\.svg$/i.test(out))
    throw new Failure('usage', `--out ${out}: expected a file that ends in .svg`);
  const question = parseQuestion(text);
  const { run, receipt, backend } = await replayable({ target, recipe, settings }, terminal);
  try {
    // The curve of steps 0 to 1000 begins with the first.
    const from = Math.max(1, steps?.[0] ?? 1);
    const to = Math.min(steps?.[1] ?? Number.POSITIVE_INFINITY, receipt?.steps ?? Number.POSITIVE_INFINITY);
    if (from > to) {
      throw new Failure('usage', `--steps ${from}..${steps?.[1]}: the run has ${receipt?.steps} steps`);
    }
    const every = options.every ?? Math.max(1, Math.ceil((to - from + 1) / mostValues));
    const [x, y]: [number[], number[]] = [[], []];
    const line = await terminal.redrawn();
    try {
      for await (const step of run.walk({
        from,
        every: Number.isFinite(every) ? every : 1,
        ...(Number.isFinite(to) && { to }),
        activations: question.activations,
      })) {
        line?.update(`step ${step.step}`);
        x.push(step.step);
        y.push(await question.answer(step));
      }
    } finally {
      line?.clear();
    }
    await show({ name: question.text, x, y }, out, terminal);
    terminal.event({
      v: eventVersion,
      type: 'result',
      command: 'runs ask',
      question: question.text,
      steps: x,
      values: y,
      ...(out !== undefined && { path: out }),
    });
    return exitCodes.done;
  } finally {
    backend.close();
  }
}

async function show(
  curve: { readonly name: string; readonly x: readonly number[]; readonly y: readonly number[] },
  out: string | undefined,
  terminal: Terminal,
): Promise<void> {
  if (out !== undefined) {
    const { lineChart } = await import('@ag/viz');
    await writeAtomically(out, pageText(lineChart([curve], { title: curve.name, xLabel: 'step' })));
    terminal.note(`written to ${out}`);
    return;
  }
  if (curve.x.length > 2) {
    const width = Math.min(100, terminal.outColumns - 1);
    terminal.print(
      ...drawCurves([curve], {
        title: curve.name,
        xLabel: 'step',
        width,
        height: 16,
        colors: terminal.out,
      }),
    );
  } else terminal.print(...curve.x.map((step, i) => `${step} ${curve.y[i]}`));
}
