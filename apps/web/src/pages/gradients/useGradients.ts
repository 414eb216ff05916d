/** The state of the gradient-flow lab: the request that the address makes, and what the worker answers. */
import { clampInteger } from '../../components/numbers.ts';
import { pageWorker } from '../../service/page/pageWorker.ts';
import { useLive } from '../../service/page/useLive.ts';
import { useInspection } from '../../shell/inspection.ts';
import { numberParameter, oneOf, parameter } from '../../shell/route.ts';
import type { FlowRequest, FlowUpdate } from './flow.ts';
import { activationNames, initializerNames, normalizationNames } from './texts.ts';

const createWorker = () => pageWorker('gradients');

export function useGradients() {
  const request: FlowRequest = {
    depth: clampInteger(numberParameter('depth', 10), 1, 50),
    width: clampInteger(numberParameter('width', 100), 2, 256),
    activation: oneOf(Object.keys(activationNames) as FlowRequest['activation'][], 'activation', 'sigmoid'),
    initializer: oneOf(Object.keys(initializerNames) as FlowRequest['initializer'][], 'init', 'normal'),
    std: Math.max(0, numberParameter('std', 0.01)),
    normalization: oneOf(
      Object.keys(normalizationNames) as FlowRequest['normalization'][],
      'normalization',
      'none',
    ),
    residual: parameter('residual', 'false') === 'true',
    learningRate: Math.max(1e-6, numberParameter('rate', 0.1)),
    seed: clampInteger(numberParameter('seed', 1), 0, 1e6),
    steps: clampInteger(numberParameter('steps', 400), 0, 10000),
  };
  const live = useLive<FlowRequest, FlowUpdate>(createWorker, request, false);
  useInspection(() => ({
    page: 'gradients',
    ...request,
    ...live.update,
    running: live.run.running,
    computing: live.computing,
    problem: live.problem,
  }));
  return { request, ...live };
}
