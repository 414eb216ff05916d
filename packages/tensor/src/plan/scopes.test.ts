import { afterEach, expect, it } from 'vitest';
import { backend, evaluate, type Launch, type Program, tensor, use } from '../index.ts';
import { setScopeNames } from '../run/watch.ts';
import { nullBackend } from '../testing/index.ts';

const before = backend();
afterEach(() => {
  setScopeNames(null);
  use(before);
});

/** The launches that a computation is planned into, by a backend that computes nothing. */
function launchesOf(work: () => void): readonly Launch[] {
  const counting = nullBackend();
  const programs: Program[] = [];
  const { prepare } = counting;
  counting.prepare = (program) => {
    programs.push(program);
    return prepare(program);
  };
  use(counting);
  work();
  return programs.flatMap(({ launches }) => launches);
}

it('names the operations of a kernel as they were called, and their scopes', () => {
  const x = tensor([
    [1, 2],
    [3, 4],
  ]);
  const y = x.softmax();
  const z = y.mul(2);
  setScopeNames((node) => (node === z ? 'scaled' : node === y ? 'normalized' : 'elsewhere'));
  const launches = launchesOf(() => evaluate([z]));
  const parts = launches.flatMap((launch) => launch.parts!);
  // Each name in a label has its part; what softmax expands to is softmax.
  expect(launches.map(({ parts }) => parts!.length)).toEqual(
    launches.map(({ label }) => label.split('·').length),
  );
  expect(new Set(parts.map(({ operation, scope }) => `${operation} ${scope}`))).toEqual(
    new Set(['softmax normalized', 'mul scaled']),
  );
});

it('notes nothing where nobody asks', () => {
  const launches = launchesOf(() => evaluate([tensor([1, 2]).exp()]));
  expect(launches.length).toBeGreaterThan(0);
  expect(launches.every(({ parts }) => parts === undefined)).toBe(true);
});
