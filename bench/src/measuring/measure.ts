/**
 * One workload: its participants are started, checked against one another, and timed in turns.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';
import { median } from '../numbers.ts';
import type { Engine } from '../participants/engines.ts';
import type { Chunk, Hello, Open, Opened, Task, Timed } from '../protocol.ts';
import { reports } from '../report/goals.ts';

export interface MeasureOptions {
  /** Folder of the data files. */
  readonly data: string;
  /** Only variants and cases that contain these texts. */
  readonly variant: string;
  readonly only: string;
  /** The ways of writing the work in `ag`, instead of those of the workload. */
  readonly variants?: readonly string[];
  readonly rounds: number;
  /** Milliseconds of a turn. */
  readonly chunk: number;
  /** Milliseconds of the first turn, which does not count: code becomes fast only with use. */
  readonly warm: number;
  /** What is made of the turns: the median, the fastest, or the median processor time. */
  readonly statistic: Statistic;
  /**
   * Milliseconds that a library may take for the losses that are compared, and for its turns in a case: who is slower
   * has fewer of them.
   */
  readonly patience: number;
  /** Milliseconds that a participant may take to open a case, the steps that are compared included; default no limit. */
  readonly opening?: number;
  /** Print where the time of `ag` goes, launch by launch. */
  readonly profile: boolean;
}

export type Statistic = 'median' | 'fastest' | 'cpu';

export interface Measurement {
  readonly workload: string;
  readonly case: string;
  readonly variant: string;
  /** Name of the engine. */
  readonly engine: string;
  readonly kind: Engine['kind'];
  readonly version: string;
  /** Milliseconds of a step: the chosen statistic of all turns, and the extremes. */
  readonly ms: number;
  readonly least: number;
  readonly most: number;
  /** Milliseconds of processor time of a step, the median: for one thread it tells how long it waited for a processor. */
  readonly cpu: number;
  /** Milliseconds of the first step, where it was measured. */
  readonly first?: number;
  /** Bytes: the most memory that the process held. */
  readonly peak?: number;
  /** How many turns there were, where there were turns. */
  readonly turns?: number;
  /** In the workload's unit. */
  readonly value: number;
  readonly unit: string;
  readonly check: Readonly<Record<string, number>>;
  readonly figures?: Readonly<Record<string, number>>;
}

export interface Result {
  readonly measurements: readonly Measurement[];
  readonly failures: readonly string[];
  /** What a library left out, and why. */
  readonly notes?: readonly string[];
}

/** How far results may be apart: losses agree to four digits. Other libraries round in other places, and Adam makes much of it. */
const tolerances = { ag: 1e-4, numpy: 1e-4, peer: 1e-3 };

const usualVariants = ['define-by-run', 'compiled'];
const withData = [...usualVariants, ...usualVariants.map((name) => `${name}, data on the device`)];
const images = [...withData, ...usualVariants.map((name) => `${name}, data as bytes`)];

/** The ways of writing each workload in `ag`; other engines have one. */
const variants: Readonly<Record<string, readonly string[]>> = {
  W3: withData,
  W4: images,
  W5: images,
  W7: ['kept on the device'],
  W8: ['kept on the device'],
  W10: ['define-by-run'],
};

export async function measure(
  workload: string,
  engines: readonly Engine[],
  options: MeasureOptions,
): Promise<Result> {
  const participants: Participant[] = [];
  const measurements: Measurement[] = [];
  const failures: string[] = [];
  const notes: string[] = [];
  try {
    const names = (options.variants ?? variants[workload] ?? usualVariants).filter((name) =>
      name.includes(options.variant),
    );
    for (const engine of engines) {
      for (const variant of engine.kind === 'ag' ? names : ['']) {
        const { data, profile, patience } = options;
        const task = { workload, variant, data, profile, patience, ...engine.task };
        const participant = new Participant(engine, task);
        try {
          const { cases, absent } = (await participant.answer()) as Hello;
          if (absent !== undefined) notes.push(`${participant.label}: ${absent}`);
          if (cases.length === 0) participant.end();
          else participants.push(Object.assign(participant, { cases }));
        } catch (error) {
          failures.push(`${participant.label}: ${(error as Error).message}`);
        }
      }
    }
    const cases = [...new Set(participants.flatMap((participant) => participant.cases))];
    for (const name of cases.filter((name) => name.includes(options.only))) {
      const found = await measureCase(workload, name, participants, options, failures, notes);
      failures.push(...compare(workload, name, found, notes));
      measurements.push(...found);
    }
  } finally {
    for (const participant of participants) participant.end();
  }
  return { measurements, failures, notes };
}

async function measureCase(
  workload: string,
  name: string,
  participants: readonly Participant[],
  { rounds, chunk, warm, statistic, profile, patience, opening }: MeasureOptions,
  failures: string[],
  notes: string[],
): Promise<Measurement[]> {
  const report = reports[workload];
  const ready: { participant: Participant; opened: Opened; times: Timed[]; spent: number }[] = [];
  for (const participant of participants) {
    if (!participant.cases.includes(name)) continue;
    try {
      const opened = (await within(opening, participant.ask({ open: name }))) as Opened | null;
      if (opened === null) {
        notes.push(`${participant.label}, ${name}: given up, it was not ready after ${opening! / 1000} s`);
        participant.end();
        participant.cases = [];
      } else ready.push({ participant, opened, times: [], spent: 0 });
    } catch (error) {
      failures.push(`${participant.label}, ${name}: ${(error as Error).message}`);
    }
  }
  const limit = Math.max(patience, 2 * (warm + rounds * chunk));
  // A turn that does not count, for what only starts with use.
  for (let round = report ? -1 : rounds; round < rounds; round++) {
    for (const entry of ready) {
      const { participant, times } = entry;
      if (entry.spent > limit) continue;
      let timed: Timed;
      try {
        timed = (await participant.ask({ chunk: round < 0 ? warm : chunk })) as Timed;
      } catch (error) {
        failures.push(`${participant.label}, ${name}: ${(error as Error).message}`);
        entry.spent = Number.POSITIVE_INFINITY;
        continue;
      }
      entry.spent += timed.ms * timed.steps;
      // The first counts for one that is too slow for another.
      if (round >= 0 || entry.spent > limit) times.push(timed);
      if (profile && timed.profile && round === rounds - 1)
        console.log(`${participant.label}, ${name}: ${timed.profile}\n`);
    }
  }
  const timed = ready.filter(({ times }) => !report || times.length > 0);
  return timed.map(({ participant, opened, times }) => {
    const { engine, task } = participant;
    const walls = times.map((timed) => timed.ms);
    const cpu = report ? median(times.map((timed) => timed.cpu)) : Number.NaN;
    const peak = times.at(-1)?.peak;
    const ms = { median: median(walls), fastest: Math.min(...walls), cpu }[statistic];
    return {
      workload,
      case: name,
      variant: task.variant,
      engine: engine.name,
      kind: engine.kind,
      version: engine.version,
      ms,
      least: Math.min(...walls),
      most: Math.max(...walls),
      cpu,
      ...(opened.first !== undefined && { first: opened.first }),
      ...(peak !== undefined && { peak }),
      ...(report && { turns: times.length }),
      value: report ? report.value(ms, name) : Number.NaN,
      unit: report?.unit ?? '',
      check: opened.check,
      ...(opened.figures && { figures: opened.figures }),
    };
  });
}

/** @returns null where the time is over before the answer is there */
async function within<T>(milliseconds: number | undefined, answer: Promise<T>): Promise<T | null> {
  if (milliseconds === undefined) return answer;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), milliseconds);
  });
  answer.catch(() => {});
  return Promise.race([answer, late]).finally(() => clearTimeout(timer));
}

/** Compares with NumPy where it takes part, else with the first. A slow library may have computed less; then there is a note. */
function compare(workload: string, name: string, found: readonly Measurement[], notes: string[]): string[] {
  const standard = found.find(({ kind }) => kind === 'numpy') ?? found[0];
  if (!standard) return [`${workload}, ${name}: nobody could compute it`];
  const failures: string[] = [];
  for (const { engine, kind, variant, check } of found) {
    const expected = Object.entries(standard.check);
    const known = expected.filter(([what]) => check[what] !== undefined);
    if (kind === 'peer' && known.length > 0 && known.length < expected.length)
      notes.push(
        `${workload}, ${engine}: too slow to compare more than ${known.map(([what]) => what).join(', ')}`,
      );
    for (const [what, value] of kind === 'peer' && known.length > 0 ? known : expected) {
      const actual = check[what] ?? Number.NaN;
      if (Math.abs(actual - value) <= tolerances[kind] * Math.max(Math.abs(value), 1e-2)) continue;
      failures.push(
        `${workload}, ${name}: ${engine} ${variant} has ${what} = ${actual}, ${standard.engine} ${value}`,
      );
    }
  }
  return failures;
}

/** A process that answers a line for each line. */
class Participant {
  readonly engine: Engine;
  readonly task: Task;
  cases: readonly string[] = [];
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;
  #errors = '';

  constructor(engine: Engine, task: Task) {
    this.engine = engine;
    this.task = task;
    this.#process = spawn(engine.command, [...engine.flags, JSON.stringify(task)], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...engine.environment },
    });
    this.#process.stderr!.on('data', (text: Buffer) => {
      this.#errors = `${this.#errors}${text}`.slice(-4000);
    });
    this.#process.stdin!.on('error', () => {});
    this.#reader = createInterface({ input: this.#process.stdout! });
    this.#lines = this.#reader[Symbol.asyncIterator]();
  }

  get label(): string {
    return [`${this.task.workload}, ${this.engine.name}`, this.task.variant].filter(Boolean).join(' ');
  }

  ask(request: Open | Chunk): Promise<Hello | Opened | Timed> {
    this.#process.stdin!.write(`${JSON.stringify(request)}\n`);
    return this.answer();
  }

  /** The next line. @throws Error with what the process wrote to its error stream when it ends instead. */
  async answer(): Promise<Hello | Opened | Timed> {
    const { value, done } = await this.#lines.next();
    if (!done) return JSON.parse(value) as Hello | Opened | Timed;
    throw new Error(`it ended${this.#errors ? `: ${this.#errors.trim()}` : ''}`);
  }

  end(): void {
    this.#process.stdin!.end();
    this.#reader.close();
    this.#process.kill();
  }
}
