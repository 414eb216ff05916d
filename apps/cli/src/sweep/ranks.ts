/**
 * A sweep over the ranks of a launcher: rank 0 hands out trials by messages, the others train them in processes of their own. Nothing
 * but the folder is shared, so ranks may be on any machine that sees it.
 */
import { findLauncher, type MpiWorld, mpi } from '@ag/mpi';
import { createWorker, type Outcome, type Worker } from './workers.ts';

/** From rank 0 to a worker. */
type Order = { readonly slot: number } & (
  | { readonly run: readonly string[] }
  | { readonly interrupt: true }
  | { readonly close: true }
);

/** From another rank: how many trainings it can do at a time, how one ended, or that a worker is closed. */
type Report =
  | { readonly slots: number }
  | { readonly slot: number; readonly outcome: Outcome | null }
  | { readonly slot: number; readonly closed: true };

const encode = (message: Order | Report): Uint8Array => new TextEncoder().encode(JSON.stringify(message));
const decode = (bytes: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(bytes));

/** The ranks of this job; null where no launcher started several. */
export async function joinRanks(): Promise<MpiWorld | null> {
  return (findLauncher(process.env)?.size ?? 1) > 1 ? mpi() : null;
}

/** The workers of other ranks. */
export interface RemoteWorkers {
  readonly workers: readonly Worker[];
  /** Once all are closed, and nothing more is to come from them. */
  readonly closed: Promise<void>;
}

/** At rank 0: the workers of all other ranks, once all have come. */
export async function workersOf(world: MpiWorld): Promise<RemoteWorkers> {
  const slots = new Map<number, number>();
  while (slots.size < world.size - 1) {
    const { from, bytes } = await world.receive();
    slots.set(from, (decode(bytes) as { slots: number }).slots);
  }
  const pending = new Map<string, (outcome: Outcome | null) => void>();
  const workers = [...slots].flatMap(([rank, count]) =>
    Array.from({ length: count }, (_, slot): Worker => {
      const order = (what: object): void => {
        world.send(rank, encode({ slot, ...what } as Order)).catch((error) => world.abort(error));
      };
      return {
        run: (given) =>
          new Promise((resolve) => {
            pending.set(`${rank} ${slot}`, resolve);
            order({ run: given });
          }),
        interrupt: () => order({ interrupt: true }),
        close: () => order({ close: true }),
      };
    }),
  );
  const listen = async (): Promise<void> => {
    for (let open = workers.length; open > 0; ) {
      const { from, bytes } = await world.receive();
      const report = decode(bytes) as Report;
      if ('closed' in report) open--;
      if (!('outcome' in report)) continue;
      const name = `${from} ${report.slot}`;
      pending.get(name)?.(report.outcome);
      pending.delete(name);
    }
  };
  return { workers, closed: listen() };
}

/** At every other rank: trains what rank 0 hands out, until it says that there is no more. */
export async function serveTrials(world: MpiWorld, slots: number): Promise<void> {
  const workers = Array.from({ length: slots }, createWorker);
  await world.send(0, encode({ slots }));
  let open = slots;
  while (open > 0) {
    const { bytes } = await world.receive();
    const order = decode(bytes) as Order;
    const { slot } = order;
    if ('run' in order) {
      workers[slot]
        .run(order.run)
        .then((outcome) => world.send(0, encode({ slot, outcome })))
        .catch((error) => world.abort(error));
    } else if ('interrupt' in order) workers[slot].interrupt();
    else {
      workers[slot].close();
      open--;
      await world.send(0, encode({ slot, closed: true }));
    }
  }
}
