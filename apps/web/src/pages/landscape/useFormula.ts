/** The state of the race on a formula's surface: what the address asks for, and the last results. */
import type { Remote } from 'comlink';
import { clampInteger } from '../../components/numbers.ts';
import { useInspection } from '../../shell/inspection.ts';
import { numberParameter, parameter, route } from '../../shell/route.ts';
import type { BasinsRequest, RaceRequest } from './race.ts';
import { manyRunnerIds, type Runner, runnerIds, runners } from './runners.ts';
import type { Scenery } from './scenery.ts';
import { type Surface, surfaceOf } from './surfaces.ts';
import { texts } from './texts.ts';
import { useLatest } from './useLatest.ts';
import type { LandscapeService } from './worker.ts';

/** Starts along each axis where there are many. */
const side = 24;

export function useFormula(remote: Remote<LandscapeService>, failure: string | null) {
  const surface = surfaceOf(parameter('surface', 'valley'), route.value.parameters.get('expression'));
  const named = parameter('runners', 'sgd,momentum,adagrad,adam').split(',');
  const racing = runnerIds.filter((id) => named.includes(id));
  const rateOf = (id: Runner) =>
    numberParameter(`rate.${id}`, surface.rates?.[id] ?? runners[id].learningRate);
  const many = manyRunnerIds.find((id) => id === parameter('many', '')) ?? null;
  const { expression, domain } = surface;
  const steps = clampInteger(numberParameter('steps', many ? 300 : 30), 1, 500);
  const request: RaceRequest = {
    expression,
    start: [numberParameter('x', surface.start[0]), numberParameter('y', surface.start[1])],
    steps,
    runners: racing.map((id) => ({ id, learningRate: rateOf(id) })),
    domain,
  };
  const manyRequest: BasinsRequest | null = many && {
    expression,
    runner: many,
    learningRate: rateOf(many),
    steps,
    side,
    domain,
  };
  const race = useLatest({ surface, race: request }, (asked) => remote.race(asked.race));
  const starts = useLatest(manyRequest, (asked) => remote.basins(asked));
  // Basins of one surface are never shown on another.
  const basins =
    starts.shown && starts.shown.request.expression === race.shown?.request.race.expression
      ? starts.shown.result
      : null;
  const scenery = race.shown && sceneryOf(race.shown.request.surface, race.shown.result, basins);
  const problem = race.problem ?? starts.problem ?? failure;
  useInspection(() => ({
    page: 'landscape',
    expression,
    start: request.start,
    steps,
    problem,
    paths: race.shown?.result.paths ?? [],
    many,
    basins: starts.current && basins ? { attractors: basins.attractors, labels: [...basins.labels] } : null,
  }));
  return {
    surface,
    request,
    racing,
    rateOf,
    many,
    basins,
    shown: race.shown,
    /** What is seen; null until the first answer. */
    scenery,
    problem,
  };
}

export type FormulaState = ReturnType<typeof useFormula>;

function sceneryOf(
  surface: Surface,
  { grid, paths }: { readonly grid: Scenery['grid']; readonly paths: Scenery['paths'] },
  basins: Scenery['basins'],
): Scenery {
  const { expression, domain, logarithmic = false, minima } = surface;
  return {
    key: expression,
    grid,
    domain,
    logarithmic,
    heightLabel: logarithmic ? 'log₁₀(f + 0.001)' : 'f',
    xLabel: 'x',
    yLabel: 'y',
    paths: basins ? [] : paths,
    basins,
    minima,
    steps: basins ? basins.steps : Math.max(1, ...paths.map(({ points }) => points.length - 1)),
    description: texts.surfaceOf(expression),
  };
}
