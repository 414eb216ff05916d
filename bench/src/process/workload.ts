/**
 * What a workload is for the participant that runs `ag`, and the timing of one.
 */
import type { Timed } from '../protocol.ts';

/** A case that is ready to be timed. */
export interface Run {
  /** See `Opened`. */
  readonly check: Readonly<Record<string, number>>;
  readonly figures?: Readonly<Record<string, number>>;
  /** Milliseconds of the first step, in which everything is planned and made. */
  readonly first?: number;
  /** The work that is timed; missing where the figures are the result. Some libraries can only be waited for. */
  readonly step?: () => void | Promise<void>;
  /** Resolves when all steps so far have been computed, on devices that compute while the program goes on. */
  readonly settle?: () => Promise<void>;
}

export interface Workload {
  /** Ways to write the same work, such as define-by-run and compiled. */
  readonly variants: readonly string[];
  /** Names of cases, and how each is prepared. */
  readonly cases: Readonly<Record<string, (variant: string) => Run | Promise<Run>>>;
}

/** Steps until about `milliseconds` have passed; the clock is read rarely where steps are short. */
export async function timeChunk(
  step: () => void | Promise<void>,
  milliseconds: number,
  settle?: () => Promise<void>,
): Promise<Timed> {
  const used = process.cpuUsage();
  const start = performance.now();
  let steps = 0;
  let elapsed = 0;
  let burst = 1;
  while (elapsed < milliseconds) {
    const result = step();
    if (result) {
      await result;
      for (let i = 1; i < burst; i++) await step();
    } else {
      for (let i = 1; i < burst; i++) step();
    }
    await settle?.();
    steps += burst;
    elapsed = performance.now() - start;
    burst = Math.max(1, Math.min(2 * burst, Math.floor((milliseconds - elapsed) / (elapsed / steps) / 2)));
  }
  const { user, system } = process.cpuUsage(used);
  const peak = 1024 * process.resourceUsage().maxRSS;
  return { ms: elapsed / steps, cpu: (user + system) / 1000 / steps, steps, peak };
}
