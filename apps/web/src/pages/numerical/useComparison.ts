/** The state of the comparison: the request that the address makes, and what the worker answers. */
import { clampInteger } from '../../components/numbers.ts';
import { pageWorker } from '../../service/page/pageWorker.ts';
import { useLive } from '../../service/page/useLive.ts';
import { useInspection } from '../../shell/inspection.ts';
import { numberParameter } from '../../shell/route.ts';
import type { CompareRequest, CompareUpdate } from './compare.ts';

const createWorker = () => pageWorker('numerical');

export function useComparison() {
  const request: CompareRequest = {
    hidden: clampInteger(numberParameter('hidden', 2), 1, 128),
    learningRate: Math.max(1e-6, numberParameter('rate', 3)),
    difference: Math.max(1e-14, numberParameter('h', 1e-6)),
    seed: clampInteger(numberParameter('seed', 2), 0, 1e6),
    steps: clampInteger(numberParameter('steps', 600), 1, 5000),
  };
  const live = useLive<CompareRequest, CompareUpdate>(createWorker, request, true, 'wasm');
  useInspection(() => ({
    page: 'numerical',
    ...request,
    // Those that are done; the request's are those that are asked for.
    steps: 0,
    ...live.update,
    running: live.run.running,
    computing: live.computing,
    problem: live.problem,
  }));
  return { request, ...live };
}
