/** Runs races, trains small networks and cuts slices, off the page's thread. */
import { expose } from 'comlink';
import { startComputing } from '../../service/worker/computing.ts';
import { queue } from '../../service/worker/queue.ts';
import { type NetworkRequest, type Trained, trainNetwork } from './network.ts';
import { basins, race } from './race.ts';
import { type Slice, type SliceRequest, sliceOf } from './slice.ts';

/** What a network's landscape is made of, as plain data. */
export interface NetworkResult extends Slice {
  readonly losses: readonly number[];
  readonly accuracy: number;
  /** The weights at the slice's center. */
  readonly weights: Float64Array;
  readonly parameters: Trained['parameters'];
}

/** The last network, which may be sliced in several ways. */
let kept: { readonly request: string; readonly trained: Trained } | null = null;

async function explore(request: NetworkRequest, slice: SliceRequest): Promise<NetworkResult> {
  const text = JSON.stringify(request);
  if (kept?.request !== text) kept = { request: text, trained: await trainNetwork(request) };
  const { trained } = kept;
  const { losses, accuracy, parameters, path } = trained;
  if (!Number.isFinite(losses.at(-1)!)) {
    const step = losses.findIndex((loss) => !Number.isFinite(loss));
    throw new Error(
      `training diverged: the loss is ${losses[step]} at step ${step}, so there is no place to look around; lower the learning rate (${request.learningRate})`,
    );
  }
  return { ...(await sliceOf(trained, slice)), losses, accuracy, parameters, weights: path.at(-1)! };
}

// One after the other: a network that is trained for a page that has gone on is not trained beside the next.
const inTurn = queue();
const computed =
  <A extends unknown[], R>(work: (...request: A) => Promise<R>) =>
  (...request: A): Promise<R> =>
    inTurn(async () => {
      // Everything here is in float64, which graphics processors do not have.
      await startComputing('wasm');
      return work(...request);
    });

const service = { race: computed(race), basins: computed(basins), explore: computed(explore) };

export type LandscapeService = typeof service;

expose(service);
