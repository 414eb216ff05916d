/** The state of the landscape around a network: what the address asks for, and the last results. */
import type { Remote } from 'comlink';
import { clampInteger } from '../../components/numbers.ts';
import { useInspection } from '../../shell/inspection.ts';
import { numberParameter, oneOf } from '../../shell/route.ts';
import { activationIds, dataIds, type NetworkRequest, optimizerIds } from './network.ts';
import type { Scenery } from './scenery.ts';
import { type SliceRequest, sliceResolution } from './slice.ts';
import { texts } from './texts.ts';
import { useLatest } from './useLatest.ts';
import type { LandscapeService, NetworkResult } from './worker.ts';

const usualRates = { adam: 0.03, sgd: 0.5, momentum: 0.1 } as const;

export function useNetwork(remote: Remote<LandscapeService>, failure: string | null) {
  const optimizer = oneOf(optimizerIds, 'optimizer', 'adam');
  const network: NetworkRequest = {
    data: oneOf(dataIds, 'data', 'moons'),
    hidden: clampInteger(numberParameter('hidden', 8), 1, 32),
    activation: oneOf(activationIds, 'activation', 'tanh'),
    optimizer,
    learningRate: Math.max(0, numberParameter('learningRate', usualRates[optimizer])),
    steps: clampInteger(numberParameter('steps', 120), 1, 500),
    seed: clampInteger(numberParameter('seed', 1), 0, 1_000_000),
  };
  const slice: SliceRequest = {
    directions: oneOf(['path', 'random'] as const, 'directions', 'path'),
    seed: clampInteger(numberParameter('directionSeed', 1), 0, 1_000_000),
  };
  const { shown, problem, current } = useLatest({ network, slice }, (asked) =>
    remote.explore(asked.network, asked.slice),
  );
  const scenery =
    shown && sceneryOf(JSON.stringify(shown.request), shown.request.slice.directions, shown.result);
  useInspection(() => ({
    page: 'landscape',
    network,
    slice,
    problem: problem ?? failure,
    current,
    result: shown && {
      ...shown.result,
      grid: null,
      axes: null,
      weights: [...shown.result.weights],
      center: shown.result.grid.values[(sliceResolution ** 2 - 1) / 2],
    },
  }));
  return {
    network,
    slice,
    /** The last answer, which may be older than what is asked for. */
    result: shown?.result ?? null,
    waiting: !current,
    scenery,
    problem: problem ?? failure,
  };
}

export type NetworkState = ReturnType<typeof useNetwork>;

function sceneryOf(key: string, directions: SliceRequest['directions'], result: NetworkResult): Scenery {
  const { grid, reach, points } = result;
  return {
    key,
    grid,
    domain: { x: [-reach[0], reach[0]], y: [-reach[1], reach[1]] },
    logarithmic: true,
    heightLabel: 'log₁₀(loss + 0.001)',
    xLabel: directions === 'path' ? 'PC 1' : 'd₁',
    yLabel: directions === 'path' ? 'PC 2' : 'd₂',
    paths: [{ name: 'path', points }],
    basins: null,
    minima: [],
    steps: points.length - 1,
    description: texts.sliceOf(directions === 'path'),
  };
}
