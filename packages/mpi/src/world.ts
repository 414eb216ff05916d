/** The world of a job that an MPI launcher started. */

import { checkOptions, codedError, valueError } from '@ag/tensor/engine';
import { type PendingSum, rankFailed, ranksDiffer, type Summable, singleWorld, type World } from '@ag/train';

import { Communication, type Facts } from './communication.ts';
import { candidates, findLauncher } from './library/find.ts';
import { missing } from './support.ts';

/** Options of {@link mpi}. */
export interface MpiOptions {
  /**
   * Seconds that a rank waits for the others before it gives up and ends the job. Default 600; longer where one rank does
   * for longer what the others do not do, as when it alone writes large files.
   */
  readonly deadline?: number;
  /**
   * `'ordered'` (default) adds in the order of ranks: the same bits for the same number of ranks, whichever library, machine
   * or network. `'fastest'` leaves sums to `MPI_Allreduce`, which may know better what the network likes, and may round
   * otherwise.
   */
  readonly reduction?: 'ordered' | 'fastest';
  /** Hears of every sum that has ended, as to see how much of it hides behind computing. */
  readonly onSum?: (times: SumTimes) => void;
}

/** When a sum over the ranks took place, as seen from one of them: milliseconds since 1970, with fractions. */
export interface SumTimes {
  /** What was summed. */
  readonly what: string;
  readonly bytes: number;
  /** This rank asked for it. */
  readonly started: number;
  /** All ranks had come, and numbers began to move. */
  readonly met: number;
  /** The sum was there. */
  readonly done: number;
  /** This rank had nothing more to compute and began to wait for it. */
  readonly waitedFrom: number;
  /** It went on. */
  readonly waitedTo: number;
}

/** A world of processes, by MPI. */
export interface MpiWorld extends World {
  /** What the library says of itself; empty in a world of one process that no launcher started. */
  readonly library: string;
  /** Ranks on this machine, which share its cores. */
  readonly local: number;
  /** Sends bytes to one rank, which has to `receive` them. Goes on while they are on their way. */
  send(to: number, bytes: Uint8Array): Promise<void>;
  /** The next bytes that any rank sends to this one, however long that takes; timers and events go on meanwhile. */
  receive(): Promise<{ readonly from: number; readonly bytes: Uint8Array }>;
}

/** Milliseconds on a clock that all threads of the process share. */
const now = (): number => performance.timeOrigin + performance.now();

let joined: Promise<MpiWorld> | undefined;

/**
 * Joins the processes that were started together with this one: by `mpirun` or `mpiexec` of Open MPI, MPICH and relatives, or
 * by Slurm's `srun`. Without a launcher there is a world of one rank, so a program need not tell the cases apart. The same
 * world however often it is called.
 *
 * ```ts
 * const world = await mpi();
 * const train = dataLoader(data, { batchSize: 256, shuffle: true, seed: 1, part: world });
 * for await (const event of fit({ model, optimizer, loss, train, epochs: 5, world })) report(event);
 * await world.finish();
 * ```
 *
 * A process that ends in any way without `finish` ends the job: the others would wait for it.
 *
 * @throws Error (`AG_UNSUPPORTED`) where a launcher started several processes, but there is no library to reach them by;
 *   RangeError for a deadline that is not above 0
 */
export function mpi(options: MpiOptions = {}): Promise<MpiWorld> {
  checkOptions('mpi', options, 'deadline reduction onSum');
  const { deadline = 600, reduction = 'ordered', onSum } = options;
  if (!(deadline > 0)) throw valueError(`mpi: the deadline must be above 0 seconds, got ${deadline}`);
  if (reduction !== 'ordered' && reduction !== 'fastest') {
    throw valueError(`mpi: the reduction must be 'ordered' or 'fastest', got ${JSON.stringify(reduction)}`);
  }
  joined ??= join({ timeout: deadline * 1000, ordered: reduction === 'ordered', onSum });
  return joined;
}

async function join(settings: Settings): Promise<MpiWorld> {
  const launcher = findLauncher(process.env);
  if (launcher === null || launcher.size === 1) return alone();
  const communication = Communication.start(candidates(launcher, process.env), settings.timeout);
  const { path, version, rank = 0, size, failures } = communication.loaded;
  if (path === undefined) throw codedError(Error, 'AG_UNSUPPORTED', `mpi: ${missing(process.env, failures)}`);
  if (size !== launcher.size) {
    communication.abort(1);
    throw codedError(
      Error,
      'AG_UNSUPPORTED',
      `mpi: ${launcher.name} started ${launcher.size} processes, but ${path} (${version}) sees ${size}: the library is not ` +
        "the launcher's. Set AG_MPI_LIBRARY to the path of libmpi that belongs to the launcher" +
        (launcher.name === 'Slurm'
          ? ', or choose the interface by srun --mpi=pmix or --mpi=pmi2 (srun --mpi=list).'
          : '.'),
    );
  }
  return new Ranks(communication, { ...launcher, ...settings, rank, library: version ?? '' });
}

/** A world of one. Nothing is loaded, and nothing is sent. */
function alone(): MpiWorld {
  const none = (): never => {
    throw codedError(Error, 'AG_WRONG_TIME', 'mpi: there is no other rank to send to or to receive from');
  };
  return {
    ...singleWorld(),
    library: '',
    local: 1,
    send: async () => none(),
    receive: async () => none(),
  };
}

interface Settings {
  /** Milliseconds. */
  readonly timeout: number;
  readonly ordered: boolean;
  readonly onSum: ((times: SumTimes) => void) | undefined;
}

/** What a rank knows of itself. */
interface RankFacts extends Settings {
  readonly rank: number;
  readonly size: number;
  readonly local: number;
  readonly library: string;
}

class Ranks implements MpiWorld {
  readonly rank: number;
  readonly size: number;
  readonly local: number;
  readonly library: string;
  readonly #communication: Communication;
  readonly #timeout: number;
  readonly #ordered: boolean;
  readonly #onSum: Settings['onSum'];
  #where = '';
  #finished = false;

  constructor(
    communication: Communication,
    { rank, size, local, library, timeout, ordered, onSum }: RankFacts,
  ) {
    this.#communication = communication;
    this.rank = rank;
    this.size = size;
    this.local = local;
    this.library = library;
    this.#timeout = timeout;
    this.#ordered = ordered;
    this.#onSum = onSum;
    // Node would say what was thrown after the job has ended.
    let thrown: unknown;
    process.on('uncaughtExceptionMonitor', (error) => {
      thrown = error;
    });
    process.on('exit', (code) => this.#leave(code, thrown));
  }

  allReduce(values: Summable, what: string): void {
    this.startReduce(values, what).finish();
  }

  startReduce(values: Summable, what: string): PendingSum {
    const started = now();
    const ticket = this.#communication.post({
      kind: 'allReduce',
      topic: what,
      data: values,
      ordered: this.#ordered,
      timed: this.#onSum !== undefined,
    });
    return {
      finish: () => {
        const waitedFrom = now();
        const given = this.#communication.wait(ticket, this.#explaining(what));
        if (this.#onSum === undefined) return;
        const times = given as Pick<SumTimes, 'met' | 'done'>;
        this.#onSum({ what, bytes: values.byteLength, started, ...times, waitedFrom, waitedTo: now() });
      },
    };
  }

  broadcast(bytes: Uint8Array, what: string): void {
    const ticket = this.#communication.post({ kind: 'broadcast', topic: what, data: bytes });
    this.#communication.wait(ticket, this.#explaining(what));
  }

  gather(bytes: Uint8Array, what: string): readonly Uint8Array[] | null {
    const ticket = this.#communication.post({ kind: 'gather', topic: what, data: bytes });
    const parts = this.#communication.wait(ticket, this.#explaining(what));
    return (parts as Uint8Array[] | undefined) ?? null;
  }

  at(where: string): void {
    this.#where = where;
  }

  async send(to: number, bytes: Uint8Array): Promise<void> {
    const ticket = this.#communication.post({ kind: 'send', data: bytes, to });
    await this.#communication.settled(ticket, this.#explaining(`a message to rank ${to}`));
  }

  async receive(): Promise<{ from: number; bytes: Uint8Array }> {
    const { from, data } = await this.#communication.receive(this.#explaining('a message'));
    return { from, bytes: data };
  }

  abort(reason: unknown): void {
    if (this.#finished) return;
    this.#finished = true;
    // It may quote a file: nothing in it is to reach a terminal but text.
    const message = String(reason instanceof Error ? reason.message : reason).replace(
      /[^\P{Cc}\n\t]/gu,
      '\ufffd',
    );
    process.stderr.write(`rank ${this.rank}${this.#where && `, ${this.#where}`}: ${message}\n`);
    this.#communication.abort(1);
  }

  async finish(): Promise<void> {
    if (this.#finished) return;
    const ticket = this.#communication.post({ kind: 'finish', topic: 'finish' });
    await this.#communication.settled(ticket, this.#explaining('finish'));
    this.#finished = true;
    await this.#communication.ended();
  }

  /** The process ends. Whoever has not finished takes the others along, who would wait, or who would call it a success. */
  #leave(code: number, thrown: unknown): void {
    if (this.#finished) return;
    if (thrown !== undefined) this.abort(thrown instanceof Error ? (thrown.stack ?? thrown) : thrown);
    else if (code !== 0) this.abort(`the process ended with code ${code}`);
    else this.abort('the process ended before world.finish(), which the other ranks wait for');
  }

  #explaining(what: string): (message: string, facts: Facts | undefined) => Error {
    return (message, facts) => {
      const here = this.#where && ` (${this.#where})`;
      if (facts === undefined) return rankFailed(`mpi: ${what}${here}: ${message}`);
      if ('here' in facts) return ranksDiffer(this.rank, `${facts.here}${here}`, facts.other, facts.there);
      const who = facts.late.length === 0 ? 'another rank' : `rank ${facts.late.join(', ')}`;
      const error = rankFailed(
        `${who} did not come to '${what}'${here} within ${this.#timeout / 1000} s, where rank ${this.rank} waits`,
      );
      this.abort(error);
      return error;
    };
  }
}
