/** The state of the race: what the address asks for, and the last result. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { clampInteger } from '../../components/numbers.ts';
import { messageOf } from '../../service/messageOf.ts';
import { pageWorker } from '../../service/page/pageWorker.ts';
import { useService } from '../../service/page/useService.ts';
import { useInspection } from '../../shell/inspection.ts';
import { numberParameter, parameter, route } from '../../shell/route.ts';
import { type RaceRequest, type RaceResult, type Runner, runners } from './race.ts';
import { type Surface, surfaceOf } from './surfaces.ts';
import type { RaceService } from './worker.ts';

export const runnerIds = Object.keys(runners) as Runner[];

export function useRace() {
  const surface = surfaceOf(parameter('surface', 'valley'), route.value.parameters.get('expression'));
  const named = parameter('runners', 'sgd,momentum,adagrad,adam').split(',');
  const racing = runnerIds.filter((id) => named.includes(id));
  const rateOf = (id: Runner) =>
    numberParameter(`rate.${id}`, surface.rates?.[id] ?? runners[id].learningRate);
  const request: RaceRequest = {
    expression: surface.expression,
    start: [numberParameter('x', surface.start[0]), numberParameter('y', surface.start[1])],
    steps: clampInteger(numberParameter('steps', 30), 1, 500),
    runners: racing.map((id) => ({ id, learningRate: rateOf(id) })),
    domain: surface.domain,
  };
  const { shown, problem } = useResult(surface, request);
  useInspection(() => ({
    page: 'race',
    expression: request.expression,
    start: request.start,
    steps: request.steps,
    problem,
    paths: shown?.result.paths ?? [],
  }));
  return {
    surface,
    request,
    racing,
    rateOf,
    /** What was raced on last, which may be older than what is asked for, and the result. */
    shown,
    problem,
  };
}

export type RaceState = ReturnType<typeof useRace>;

export interface Shown {
  readonly surface: Surface;
  readonly result: RaceResult;
}

/** Runs the race in the worker; of requests that come faster than races are run, the last. */
function useResult(surface: Surface, race: RaceRequest) {
  const [shown, setShown] = useState<Shown | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const { remote, failure } = useService<RaceService>(() => pageWorker('race'));
  const request = JSON.stringify({ surface, race });
  const wanted = useRef(request);
  const busy = useRef(false);
  const run = async () => {
    if (busy.current) return;
    busy.current = true;
    for (let last = ''; last !== wanted.current; ) {
      last = wanted.current;
      try {
        const asked = JSON.parse(last) as { surface: Surface; race: RaceRequest };
        setShown({ surface: asked.surface, result: await remote.race(asked.race) });
        setProblem(null);
      } catch (error) {
        setProblem(messageOf(error));
      }
    }
    busy.current = false;
  };
  useEffect(() => {
    wanted.current = request;
    void run();
  }, [request]);
  return { shown, problem: problem ?? failure };
}
