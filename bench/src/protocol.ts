/**
 * How the command and its participants talk: a line of JSON for each line of JSON. Each participant is a process
 * that computes one workload with one engine. So participants take turns within one run, and their ratios hold
 * although the machine is busy with other things at one moment and not at the next.
 */

/** The participant's only argument. */
export interface Task {
  readonly workload: string;
  readonly variant: string;
  readonly backend: string;
  readonly threads: number;
  /** Folder of the raw files that `data.ts` wrote, and of `networks.json`: by workload and case, see `problems/network.ts`. */
  readonly data: string;
  /** Use 256-bit vectors, where the engine has the switch for them. */
  readonly wide?: boolean;
  /** Run launches one by one and report the time of each. */
  readonly profile?: boolean;
  /** Milliseconds for the steps whose losses are compared: who needs longer stops there, with fewer losses. */
  readonly patience?: number;
}

/** First line of a participant: what it can run, and what it is. `cases` is empty when it does not know the workload. */
export interface Hello {
  readonly cases: readonly string[];
  readonly engine: string;
  /** Why a library that takes part in others does not in this workload. */
  readonly absent?: string;
}

/** Prepares a case, trains its first steps, and answers `Opened`. */
export interface Open {
  readonly open: string;
}

export interface Opened {
  /** Losses at agreed steps, or values of the result: what must be equal for all participants. */
  readonly check: Readonly<Record<string, number>>;
  /** Figures that are the result themselves, for workloads that are not timed. */
  readonly figures?: Readonly<Record<string, number>>;
  /** Milliseconds of the first step, in which everything is planned and made. */
  readonly first?: number;
}

/** Runs for about so many milliseconds, and answers `Timed`. */
export interface Chunk {
  readonly chunk: number;
}

export interface Timed {
  /** Milliseconds for each step. */
  readonly ms: number;
  /** Milliseconds of processor time for each step, of all threads, waiting ones included. */
  readonly cpu: number;
  readonly steps: number;
  /** The most memory that the process held, in bytes. */
  readonly peak?: number;
  readonly profile?: string;
}
