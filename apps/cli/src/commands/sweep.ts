/**
 * `agrad sweep`: tries many settings, each in a process of its own, as many at a time as there are cores. What is done
 * is kept: after a kill the same command goes on, finished trials are not repeated, begun ones continue.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventVersion, listCheckpoints, writeAtomically } from '@ag/train';
import { exitCodes, Failure } from '../failure.ts';
import { watchInterrupts } from '../interrupt.ts';
import { duration, figure, metric, words } from '../numbers.ts';
import { recipeFor, recipes } from '../recipes/index.ts';
import { looksLikeModule } from '../recipes/userModule.ts';
import { flagOf, type Given, settingNames, settings } from '../settings.ts';
import { table } from '../table.ts';
import type { Terminal } from '../terminal.ts';
import { defaultFolder, makeFolder, quote, runPaths } from '../training/folder.ts';

/** What the command line says. */
export interface SweepOptions {
  readonly recipe: readonly string[];
  /** `learningRate=1e-3,3e-3`: each of these values. */
  readonly grid: readonly string[];
  /** `learningRate=1e-4..1e-1`: values drawn from a range, evenly on a logarithmic scale if it spans two powers of ten. */
  readonly random: readonly string[];
  readonly trials?: string;
  readonly workers?: string;
  readonly metric?: string;
  readonly out?: string;
  /** Settings that all trials share. */
  readonly flags: Given;
  readonly set: readonly string[];
}

interface Trial {
  readonly id: number;
  /** Values by setting or parameter. */
  readonly values: Readonly<Record<string, string | number>>;
}

/** What is kept of a sweep: `sweep.json`. */
interface Plan {
  readonly version: 1;
  readonly recipe: string;
  /** Arguments that all trials share. */
  readonly shared: readonly string[];
  readonly trials: readonly Trial[];
}

interface Result {
  readonly exitCode: number;
  readonly seconds: number;
  /** Figures on the test data; null for a trial that failed. */
  readonly figures: Readonly<Record<string, number>> | null;
  readonly message: string | null;
}

/** Runs the command; answers the exit code. */
export async function sweep(options: SweepOptions, terminal: Terminal): Promise<number> {
  const name = options.recipe.join(' ') || 'digits';
  const recipe = await recipeFor(name);
  const plan = makePlan(looksLikeModule(name) ? name : recipe.name, options, Object.keys(recipe.parameters));
  const folder = options.out ?? defaultFolder(`sweep-${recipe.name}`, new Date());
  makeFolder(folder);
  await keepPlan(folder, plan);
  const workers = countOf(options.workers, availableParallelism(), '--workers');
  const interrupt = watchInterrupts(() => terminal.note('interrupted: ending the trials under way'));
  const results = new Map<number, Result>();
  const began = performance.now();
  const queue = plan.trials.filter((trial) => {
    const done = readResult(folder, trial);
    if (done) results.set(trial.id, done);
    return !done;
  });
  const before = results.size;
  terminal.note(
    `${recipe.name}: ${plan.trials.length} trials${before > 0 ? `, ${before} of them done` : ''}, ${workers} at a time, in ${folder}`,
  );
  try {
    const work = async (): Promise<void> => {
      for (let trial = queue.shift(); trial && !interrupt.signal.aborted; trial = queue.shift()) {
        const result = await runTrial(folder, plan, trial, interrupt.signal);
        if (interrupt.signal.aborted && result.exitCode !== 0) return;
        await writeAtomically(resultPath(folder, trial), `${JSON.stringify(result)}\n`);
        results.set(trial.id, result);
        terminal.event({ v: eventVersion, type: 'trial', trial: trial.id, values: trial.values, ...result });
        terminal.note(
          `trial ${trial.id} (${describe(trial)}): ${result.figures ? shown(result) : result.message}`,
        );
      }
    };
    await Promise.all(Array.from({ length: workers }, work));
  } finally {
    interrupt.stop();
  }
  if (interrupt.signal.aborted) {
    const line = `Interrupted with ${results.size} of ${plan.trials.length} trials done. The same command with --out ${quote(folder)} goes on.`;
    terminal.note(line);
    terminal.event({
      v: eventVersion,
      type: 'error',
      kind: 'interrupted',
      exitCode: interrupt.exitCode,
      message: line,
    });
    return interrupt.exitCode ?? exitCodes.interrupted;
  }
  return conclude(folder, plan, results, options, (performance.now() - began) / 1000, terminal);
}

async function conclude(
  folder: string,
  plan: Plan,
  results: ReadonlyMap<number, Result>,
  options: SweepOptions,
  seconds: number,
  terminal: Terminal,
): Promise<number> {
  const done = plan.trials.filter((trial) => results.get(trial.id)?.figures);
  const figures = done.map((trial) => results.get(trial.id)!.figures!);
  const by = options.metric ?? Object.keys(figures[0] ?? {}).find((name) => name !== 'loss') ?? 'loss';
  if (figures[0] && !(by in figures[0])) {
    throw new Failure(
      'usage',
      `--metric ${by}: there is no such figure`,
      `There is ${Object.keys(figures[0]).join(', ')}.`,
    );
  }
  const larger = /accuracy|precision|recall|f1|r2/i.test(by);
  const score = (trial: Trial): number => results.get(trial.id)!.figures![by]! * (larger ? -1 : 1);
  const lossOf = (trial: Trial): number => results.get(trial.id)!.figures!.loss!;
  const ranked = [...done].sort((a, b) => score(a) - score(b) || lossOf(a) - lossOf(b) || a.id - b.id);
  const names = Object.keys(plan.trials[0]!.values);
  const columns = Object.keys(figures[0] ?? {});
  terminal.print(
    table(
      ['trial', ...names.map(words), ...columns.map(words), 'time'],
      ranked.map((trial) => {
        const result = results.get(trial.id)!;
        return [
          String(trial.id),
          ...names.map((name) => String(trial.values[name])),
          ...columns.map((column) =>
            column === 'loss' ? figure(result.figures![column]!) : metric(column, result.figures![column]!),
          ),
          duration(result.seconds),
        ];
      }),
    ),
  );
  const failed = plan.trials.filter((trial) => !results.get(trial.id)?.figures);
  for (const trial of failed)
    terminal.print(`trial ${trial.id} (${describe(trial)}) failed: ${results.get(trial.id)?.message}`);
  const best = ranked[0];
  if (best)
    terminal.print(
      `\nbest: trial ${best.id} (${describe(best)}), ${shown(results.get(best.id)!)}; run ${trialFolder(folder, best)}`,
    );
  const report = join(folder, 'report.html');
  await writeAtomically(report, await reportPage(plan, ranked, results, names, columns, by));
  terminal.print(`report: ${report}`);
  terminal.event({
    v: eventVersion,
    type: 'result',
    command: 'sweep',
    folder,
    report,
    metric: by,
    trialSeconds: seconds,
    failed: failed.map((trial) => trial.id),
    best: best ? { trial: best.id, values: best.values, ...results.get(best.id)!.figures } : null,
    trials: plan.trials.map((trial) => ({ trial: trial.id, values: trial.values, ...results.get(trial.id) })),
  });
  return best ? exitCodes.done : exitCodes.check;
}

async function reportPage(
  plan: Plan,
  ranked: readonly Trial[],
  results: ReadonlyMap<number, Result>,
  names: readonly string[],
  columns: readonly string[],
  by: string,
): Promise<string> {
  const { parallelCoordinates } = await import('@ag/viz');
  const { facts, page, pictures } = await import('../report/page.ts');
  const runs = ranked.map((trial) => ({ ...trial.values, ...results.get(trial.id)!.figures }));
  const spread = (name: string): boolean => {
    const values = runs.map((run) => Number((run as Record<string, unknown>)[name]));
    return values.every((value) => value > 0) && Math.max(...values) / Math.min(...values) >= 30;
  };
  const dimensions = [...names, ...columns.filter((name) => name !== by), by].map((key) => ({
    key,
    label: words(key),
    ...(spread(key) && { scale: 'log' as const }),
  }));
  return page(`Sweep of ${plan.recipe}`, `${plan.trials.length} trials; the best by ${words(by)} first`, [
    {
      title: 'Trials',
      body:
        runs.length === 0
          ? '<p>None succeeded.</p>'
          : pictures(parallelCoordinates(runs, { dimensions, colorBy: by, id: 'sweep' })),
    },
    {
      title: 'Order',
      body: facts(
        ranked.map((trial) => [`trial ${trial.id}`, `${describe(trial)}: ${shown(results.get(trial.id)!)}`]),
      ),
    },
  ]);
}

/** Trains one trial in a process of its own, going on where an earlier one was ended. */
async function runTrial(folder: string, plan: Plan, trial: Trial, signal: AbortSignal): Promise<Result> {
  const own = trialFolder(folder, trial);
  const began = performance.now();
  const begun =
    existsSync(runPaths(own).config) && (await listCheckpoints(runPaths(own).checkpoints)).length > 0;
  // A folder without a checkpoint holds nothing to go on from.
  if (!begun) rmSync(own, { recursive: true, force: true });
  const given = begun
    ? ['train', '--resume', own, '--json', '--threads', '1']
    : [
        'train',
        ...plan.recipe.split(' '),
        ...plan.shared,
        ...argumentsOf(trial),
        '--json',
        '--threads',
        '1',
        '--out',
        own,
      ];
  const program = fileURLToPath(
    new URL(import.meta.url.endsWith('.ts') ? '../main.ts' : './main.js', import.meta.url),
  );
  const child = spawn(process.execPath, [...process.execArgv, program, ...given], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const stop = (): boolean => child.kill('SIGTERM');
  signal.addEventListener('abort', stop);
  let last = '';
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop()!;
    last = lines.findLast((line) => line !== '') ?? last;
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-2000);
  });
  const exitCode = await new Promise<number>((resolve) => {
    child.on('error', () => resolve(1));
    child.on('close', (code) => resolve(code ?? 1));
  });
  signal.removeEventListener('abort', stop);
  const seconds = (performance.now() - began) / 1000;
  const event = parse(last) as {
    type?: string;
    message?: string;
    test?: { loss: number; metrics: Record<string, number> };
  };
  if (exitCode === 0 && event?.type === 'result') {
    return { exitCode, seconds, figures: { loss: event.test!.loss, ...event.test!.metrics }, message: null };
  }
  return {
    exitCode,
    seconds,
    figures: null,
    message: event?.message ?? said.trim().split('\n').at(-1) ?? 'ended without a word',
  };
}

function makePlan(recipe: string, options: SweepOptions, parameters: readonly string[]): Plan {
  const grid = options.grid.map((text) => dimension(text, '--grid', parameters));
  const random = options.random.map((text) => dimension(text, '--random', parameters));
  if (grid.length + random.length === 0) {
    const first = recipes[0]!.name;
    throw new Failure(
      'usage',
      'sweep: what should vary?',
      `For example: agrad sweep ${first} --grid learningRate=1e-3,3e-3 --grid batchSize=32,64`,
    );
  }
  const lists = grid.map(({ name, text }) => ({ name, values: text.split(',').map(numberOrText) }));
  const shared = [
    ...settingNames
      .filter((name) => options.flags[name] !== undefined)
      .flatMap((name) =>
        typeof settings[name].fallback === 'boolean'
          ? [flagOf(name)]
          : [flagOf(name), String(options.flags[name])],
      ),
    ...options.set.flatMap((change) => ['--set', change]),
  ];
  const combinations =
    random.length === 0
      ? product(lists)
      : drawn(lists, random, countOf(options.trials, 16, '--trials'), Number(options.flags.seed ?? 0));
  return { version: 1, recipe, shared, trials: combinations.map((values, i) => ({ id: i + 1, values })) };
}

function dimension(
  text: string,
  flag: string,
  parameters: readonly string[],
): { name: string; text: string } {
  const at = text.indexOf('=');
  const name = text.slice(0, at);
  if (at < 1 || at === text.length - 1) throw new Failure('usage', `${flag} ${text}: expected name=values`);
  if (!(settingNames as readonly string[]).includes(name) && !parameters.includes(name)) {
    throw new Failure(
      'usage',
      `${flag} ${name}: there is no such setting`,
      `There is ${[...settingNames, ...parameters].join(', ')}.`,
    );
  }
  return { name, text: text.slice(at + 1) };
}

type Values = Record<string, string | number>;

function product(lists: readonly { name: string; values: readonly (string | number)[] }[]): Values[] {
  return lists.reduce<Values[]>(
    (all, { name, values }) => all.flatMap((one) => values.map((value) => ({ ...one, [name]: value }))),
    [{}],
  );
}

/** Trials drawn from ranges and lists; the same seed draws the same. */
function drawn(
  lists: readonly { name: string; values: readonly (string | number)[] }[],
  ranges: readonly { name: string; text: string }[],
  count: number,
  seed: number,
): Values[] {
  const parsed = ranges.map(({ name, text }) => {
    const [low, high] = text.split('..').map(Number);
    if (low === undefined || high === undefined || !(low < high)) {
      throw new Failure('usage', `--random ${name}=${text}: expected low..high`);
    }
    const whole =
      Number.isInteger(low) && Number.isInteger(high) && !/[e.]\d*[^.]/.test(text.replace('..', ' '));
    return { name, low, high, whole, logarithmic: low > 0 && high / low >= 100 };
  });
  const next = uniformNumbers(seed);
  return Array.from({ length: count }, () => {
    const values: Values = {};
    for (const { name, low, high, whole, logarithmic } of parsed) {
      const share = next();
      const value = logarithmic ? low * (high / low) ** share : low + (high - low) * share;
      values[name] = whole ? Math.round(value) : Number(value.toPrecision(4));
    }
    for (const { name, values: list } of lists) values[name] = list[Math.floor(next() * list.length)]!;
    return values;
  });
}

/** Numbers in [0, 1): the generator of Park and Miller (1988), good enough to scatter trials. */
function uniformNumbers(seed: number): () => number {
  let state = (Math.imul(seed + 1, 2654435761) >>> 0) % 2147483646;
  return () => {
    state = ((state + 1) * 48271) % 2147483647;
    return (state - 1) / 2147483646;
  };
}

/** Writes the plan, or checks that the folder holds the same one. */
async function keepPlan(folder: string, plan: Plan): Promise<void> {
  const path = join(folder, 'sweep.json');
  const text = `${JSON.stringify(plan, null, 2)}\n`;
  if (!existsSync(path)) return writeAtomically(path, text);
  if (readFileSync(path, 'utf8') !== text) {
    throw new Failure(
      'configuration',
      `${folder} holds another sweep`,
      'Give the same flags to go on with it, or another --out.',
    );
  }
}

function argumentsOf(trial: Trial): string[] {
  return Object.entries(trial.values).flatMap(([name, value]) =>
    (settingNames as readonly string[]).includes(name)
      ? [flagOf(name), String(value)]
      : ['--set', `${name}=${value}`],
  );
}

function trialFolder(folder: string, trial: Trial): string {
  return join(folder, `trial-${String(trial.id).padStart(3, '0')}`);
}

function resultPath(folder: string, trial: Trial): string {
  return `${trialFolder(folder, trial)}.json`;
}

function readResult(folder: string, trial: Trial): Result | null {
  const path = resultPath(folder, trial);
  return existsSync(path) ? (parse(readFileSync(path, 'utf8')) as Result | null) : null;
}

function describe(trial: Trial): string {
  return Object.entries(trial.values)
    .map(([name, value]) => `${words(name)} ${value}`)
    .join(', ');
}

function shown(result: Result): string {
  return Object.entries(result.figures ?? {})
    .map(([name, value]) => `${words(name)} ${name === 'loss' ? figure(value) : metric(name, value)}`)
    .join(', ');
}

function numberOrText(text: string): string | number {
  return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
}

function countOf(text: string | undefined, fallback: number, flag: string): number {
  const value = text === undefined ? fallback : Number(text);
  if (Number.isInteger(value) && value >= 1) return value;
  throw new Failure('usage', `${flag} ${text}: expected a whole number from 1`);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
