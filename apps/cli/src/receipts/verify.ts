/** `agrad verify`: a run is trained again, as a whole or in part, and compared with its receipt; or two runs with each other. */
import { bisect, type Divergence, eventVersion, type ReceiptDifference, verify } from '@ag/train';
import type { VerifyOptions } from '../commands/receipts.ts';
import { exitCodes, Failure } from '../failure.ts';
import { duration } from '../numbers.ts';
import type { Terminal } from '../terminal.ts';
import { type Replayable, recipeOf, replayable } from './replayable.ts';
import { short } from './show.ts';

/** Runs the command; answers the exit code. */
export async function verifyRun(options: VerifyOptions, terminal: Terminal): Promise<number> {
  const [target] = options.positional;
  const { against, recipe, settings, steps } = options;
  const began = performance.now();
  const one = await replayable({ target, recipe, settings }, terminal);
  try {
    if (against !== undefined) {
      if (steps)
        throw new Failure(
          'usage',
          '--steps and --against exclude each other: --against finds the step itself',
        );
      return await compareRuns(one, { target: against, recipe, settings }, terminal);
    }
    if (!one.receipt) {
      throw new Failure(
        'data',
        `${target} has no receipt: it was trained by an older agrad, or did not end`,
        'Train it again, or compare it with another run: --against RUN.',
      );
    }
    return await check(one, options, began, terminal);
  } finally {
    one.backend.close();
  }
}

async function check(
  { run, receipt, data, backend }: Replayable,
  { positional: [target], steps }: VerifyOptions,
  began: number,
  terminal: Terminal,
): Promise<number> {
  const expected = receipt!;
  const { resumed = [] } = recipeOf(expected, target);
  if (resumed.length > 0 && !steps) {
    throw new Failure(
      'incompatible',
      `${target} was gone on with other settings at step ${resumed[0].step}, so it cannot be trained in one go`,
      `Check what came after that: agrad verify ${target} --steps ${resumed.at(-1)!.step}..${expected.steps}`,
    );
  }
  const line = await terminal.redrawn();
  const last = steps?.[1] ?? expected.steps;
  const found = await verify(run, {
    against: expected,
    data,
    ...(steps && { steps }),
    onStep: (step) => line?.update(`step ${step} of ${last}`),
  }).finally(() => line?.clear());
  const { equal, differences, from, to, compared, notes } = found;
  terminal.note(...notes);
  for (const difference of differences) terminal.print(terminal.out.red(differenceText(difference)));
  const seconds = (performance.now() - began) / 1000;
  const how = `${backend.name}, ${backend.arithmetic} arithmetic, ${duration(seconds)}`;
  const what = steps ? `steps ${from} to ${to}` : `${to} steps`;
  if (equal) {
    terminal.print(
      terminal.out.bold(`equal: ${what}, ${compared} hashes of weights (${how})`),
      ...(steps ? [] : [`final weights ${expected.weights.final.hash}`]),
    );
  } else if (differences.length === 0) terminal.print(`nothing could be compared: ${what}`);
  terminal.event({
    v: eventVersion,
    type: 'result',
    command: 'verify',
    ...found,
    final: expected.weights.final.hash,
    backend: backend.name,
    arithmetic: backend.arithmetic,
    seconds,
  });
  return equal ? exitCodes.done : exitCodes.check;
}

function differenceText({ what, step, after, names = [], expected, found }: ReceiptDifference): string {
  const hashes = `${short(expected)} in the receipt, ${short(found)} here`;
  switch (what) {
    case 'data':
      return `other data (${names.join(', ')}): ${hashes}`;
    case 'initial':
      return `other weights at the beginning: ${names.join(', ') || hashes}`;
    case 'step':
      return `the weights differ after step ${step} and were equal after step ${after}: ${hashes}`;
    case 'steps':
      return `${expected} steps in the receipt, ${found} here`;
    case 'final':
      return `other weights in the end: ${names.join(', ') || hashes}`;
    default:
      return `another ${what}: ${hashes}`;
  }
}

/** Finds where two runs part. Each is computed by its own recipe; both by the backend of the first. */
async function compareRuns(
  one: Replayable,
  other: Parameters<typeof replayable>[0],
  terminal: Terminal,
): Promise<number> {
  const two = await replayable(other, terminal);
  try {
    const found = await bisect(one.run, two.run);
    terminal.print(...(found ? divergenceText(found) : ['equal: no step of both runs differs']));
    terminal.event({
      v: eventVersion,
      type: 'result',
      command: 'verify',
      equal: found === null,
      divergence: found,
    });
    return found ? exitCodes.check : exitCodes.done;
  } finally {
    two.backend.close();
  }
}

function divergenceText({ step, tensors, part, operation, replays }: Divergence): string[] {
  const where = operation
    ? `in the operation ${operation.name} [${operation.shape.join(', ')}]${operation.module === null ? '' : ` of ${operation.module}`}${operation.gradient ? ', of the gradient' : ''}`
    : part === 'batch'
      ? 'in its batch'
      : 'in the update of the weights';
  return [
    step === 0 ? 'the weights differ at the beginning' : `the first step that differs is ${step}, ${where}`,
    `weights that differ after it: ${tensors.join(', ')}`,
    `found by ${replays} replays`,
  ];
}
