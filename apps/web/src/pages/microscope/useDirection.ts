/** A direction in the plane of two variables, and the slope of the formula along it. */
import type { Remote } from 'comlink';
import { useState } from 'preact/hooks';
import type { Slope } from '../../living/descend.ts';
import { useLatest } from '../../service/page/useLatest.ts';
import { parameter, setParameters } from '../../shell/route.ts';
import type { FormulaState } from './useFormula.ts';
import type { MicroscopeService } from './worker.ts';

export function useDirection(
  remote: Remote<MicroscopeService>,
  { expression, study, names, values }: FormulaState,
) {
  const scalars = names.filter((name) => Number.isFinite(Number(values.get(name) ?? '1')));
  const wanted = parameter('plane', '').split(',');
  const plane =
    wanted.length === 2 && wanted.every((name) => scalars.includes(name)) ? wanted : scalars.slice(0, 2);
  const direction = directionOf(parameter('direction', '1,0'));
  const [slope, setSlope] = useState<Slope | null>(null);
  const [a, b] = plane;
  useLatest(
    JSON.stringify([study === null ? '' : expression, plane, [...values], direction]),
    async () => (study && plane.length === 2 ? remote.slope(expression, values, [a, b], direction) : null),
    setSlope,
    () => setSlope(null),
  );
  return {
    scalars,
    plane,
    direction,
    slope,
    turn: ([x, y]: readonly [number, number]) => setParameters({ direction: `${short(x)},${short(y)}` }),
    choose: (first: string, second: string) => setParameters({ plane: `${first},${second}` }),
  };
}

export type DirectionState = ReturnType<typeof useDirection>;

function short(value: number): string {
  return String(Number(value.toFixed(3)));
}

function directionOf(text: string): readonly [number, number] {
  const [x, y] = text.split(',').map(Number);
  const usable =
    Number.isFinite(x) && Number.isFinite(y) && Math.hypot(x, y) > 1e-6 && Math.hypot(x, y) < 1e6;
  return usable ? [x, y] : [1, 0];
}
