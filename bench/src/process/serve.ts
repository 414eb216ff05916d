/** The participants' side of `protocol.ts`: a line for each line, until the input ends. */
import { createInterface } from 'node:readline';
import type { Chunk, Hello, Open, Opened, Timed } from '../protocol.ts';
import { type Run, timeChunk } from './workload.ts';

export interface Served {
  /** How each case is prepared. */
  readonly cases: Readonly<Record<string, () => Run | Promise<Run>>>;
  readonly engine: string;
  /** See `Hello`. */
  readonly absent?: string | undefined;
  /** Told where the time goes in each turn. */
  readonly profile?: { reset(): void; report(): string } | null;
}

/** Ends the process. */
export async function serve({ cases, engine, absent, profile }: Served): Promise<never> {
  const say = (answer: Hello | Opened | Timed): void =>
    void process.stdout.write(`${JSON.stringify(answer)}\n`);
  say({ cases: Object.keys(cases), engine, ...(absent !== undefined && { absent }) });
  let run: Run | null = null;
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line) as Open | Chunk;
    if ('open' in request) {
      // The former case's memory may be needed.
      run = null;
      run = await cases[request.open]();
      const { check, figures, first } = run;
      say({ check, ...(figures && { figures }), ...(first !== undefined && { first }) });
    } else {
      profile?.reset();
      say({
        ...(await timeChunk(run!.step!, request.chunk, run!.settle)),
        ...(profile && { profile: profile.report() }),
      });
    }
  }
  process.exit(0);
}
