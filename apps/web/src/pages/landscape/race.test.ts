/** The race without a browser: paths of independent programs (paths.py), fates at their edges, basins. */
import { describe, expect, it } from 'vitest';
import { basins, type Domain, fateOf, race } from './race.ts';
import type { Runner } from './runners.ts';

const himmelblau = '(x^2 + y - 11)^2 + (x + y^2 - 7)^2';
const domain: Domain = { x: [-5, 5], y: [-5, 5] };

type Points = Readonly<Record<number, readonly [number, number]>>;

/** On x²/20 + y² from (−7, 2). */
const valley: Readonly<Record<string, Points>> = {
  sgd: {
    1: [-6.335, -1.8],
    10: [-2.5797868938348625, 0.6973568801999994],
    30: [-0.3503929957523197, 0.0847823165504322],
  },
  momentum: {
    1: [-6.93, 1.6],
    10: [-4.3475537872942125, 0.008799741200000377],
    30: [0.8964138584937322, 0.08808560171506963],
  },
  adagrad: {
    1: [-5.5000000002142855, 0.5000000000375],
    10: [-1.4893851958011233, 4.3377770474465215e-6],
    30: [-0.12016224724728575, 2.4863841159975314e-17],
  },
  adam: {
    1: [-6.700000004285714, 1.70000000075],
    10: [-4.059411585804955, -0.49184703905941823],
    30: [0.13601461732623224, 0.3182453888963097],
  },
};
const rates = { sgd: 0.95, momentum: 0.1, adagrad: 1.5, adam: 0.3 };

/** On Rosenbrock's function from (−1.5, 2). */
const banana: Readonly<Record<string, Points>> = {
  newton: {
    1: [-1.4509803921568627, 2.1029411764705883],
    2: [0.2044337859786678, -2.6986029283225625],
    4: [0.9996667155945276, 0.3692404720104083],
    6: [0.9999999999995447, 0.9999998906627212],
  },
  lbfgs: {
    1: [-1.4172551712244599, 2.026691880250174],
    10: [-1.0768265614154306, 1.1112274823448032],
    40: [0.9999979943196398, 0.9999973438921637],
  },
};

describe('the race', () => {
  it.each([
    ['x^2 / 20 + y^2', [-7, 2], 30, valley, rates],
    ['(1 - x)^2 + 100 * (y - x^2)^2', [-1.5, 2], 40, banana, { newton: 1, lbfgs: 1 }],
  ] as const)(
    'follows independently computed paths on %s to 1e-6',
    async (expression, start, steps, expected, of) => {
      const runners = Object.entries(of).map(([id, learningRate]) => ({ id: id as Runner, learningRate }));
      const { paths } = await race({ expression, start, steps, runners, domain });
      expect(paths.length).toBe(runners.length);
      for (const { id, points } of paths) {
        for (const [step, [x, y]] of Object.entries(expected[id])) {
          expect(Math.abs(points[Number(step)][0] - x), `${id} ${step}`).toBeLessThan(1e-6);
          expect(Math.abs(points[Number(step)][1] - y), `${id} ${step}`).toBeLessThan(1e-6);
        }
      }
    },
  );

  it('says what became of a runner, and turns at the edge', () => {
    const fate = (x: number, height: number, slope = 1, kind: 'minimum' | 'saddle' = 'minimum') =>
      fateOf(false, [x, 0], 10, { height, slope, kind }, domain);
    expect(fate(5, 11)).toBe('moving');
    expect(fate(5.0001, 11)).toBe('climbing');
    expect(fate(5.0001, 10)).toBe('away');
    expect(fate(1, 3, 0.00101)).toBe('moving');
    expect(fate(1, 3, 0.00099)).toBe('minimum');
    expect(fate(1, 3, 0, 'saddle')).toBe('saddle');
    expect(fateOf(true, [1, 1], 10, { height: 3, slope: 0, kind: 'minimum' }, domain)).toBe('overflow');
  });

  it('finds a minimum, a saddle, a level place, overflow and a singular Hessian where they are', async () => {
    const fateOn = async (expression: string, id: Runner, learningRate: number, start: [number, number]) => {
      const { paths } = await race({ expression, start, steps: 60, domain, runners: [{ id, learningRate }] });
      return paths[0];
    };
    expect((await fateOn('x^2 + y^2', 'sgd', 0.3, [1, 1])).fate).toBe('minimum');
    expect((await fateOn('x^2 - y^2', 'newton', 1, [1, 1])).fate).toBe('saddle');
    expect((await fateOn('-x^2 - y^2', 'newton', 1, [1, 1])).fate).toBe('maximum');
    // A formula without y is level along it.
    expect((await fateOn('x^2', 'sgd', 0.3, [1, 1])).fate).toBe('flat');
    const singular = await fateOn('x^2', 'newton', 1, [1, 1]);
    expect([singular.fate, singular.points]).toEqual(['overflow', [[1, 1]]]);
    // x ← x − 1.5·2x = −2x: after 60 steps 2⁶⁰.
    const climbing = await fateOn('x^2 + y^2', 'sgd', 1.5, [1, 0]);
    expect([climbing.fate, climbing.diverged, climbing.points[60][0]]).toEqual(['climbing', true, 2 ** 60]);
    expect((await fateOn('x^4', 'sgd', 1, [4, 0])).fate).toBe('overflow');
  });

  it('refuses names other than x and y', async () => {
    await expect(race({ expression: 'x + q', start: [0, 0], steps: 1, runners: [], domain })).rejects.toThrow(
      "'q' is neither",
    );
  });
});

describe('basins', () => {
  it('sends each start to the minimum that an independent program finds', async () => {
    // Row by row from the lowest y: which of the minima (3, 2), (−2.8, 3.1), (−3.8, −3.3), (3.6, −1.8).
    const expected =
      '222222333333222222333333222222333333222222333333222222333333222221033333111111000000111111000000111111000000111111000000111111000000111111000000';
    const minima = [
      [3, 2],
      [-2.805118, 3.131312],
      [-3.77931, -3.283186],
      [3.584428, -1.848126],
    ];
    const { attractors, labels } = await basins({
      expression: himmelblau,
      runner: 'sgd',
      learningRate: 0.01,
      steps: 500,
      side: 12,
      domain,
    });
    expect(attractors.map(({ kind }) => kind)).toEqual(new Array(4).fill('minimum'));
    const nearest = attractors.map(({ x, y }) =>
      minima.findIndex(([a, b]) => Math.hypot(x - a, y - b) < 1e-4),
    );
    expect(Array.from(labels, (label) => nearest[label]).join('')).toBe(expected);
    expect(attractors.reduce((sum, { count }) => sum + count, 0)).toBe(144);
  }, 60_000);

  it('tells starts that diverge from those still on the way', async () => {
    // Along y every step is −2 times the last: only starts with y = 0 stay. Along x it halves the way each time.
    const request = {
      expression: 'x^2 / 3 + y^2',
      learningRate: 1.5,
      side: 3,
      domain,
      runner: 'sgd',
    } as const;
    const { labels } = await basins({ ...request, steps: 6 });
    expect([...labels]).toEqual([-2, -2, -2, 0, 0, 0, -2, -2, -2]);
    const slow = await basins({ ...request, learningRate: 0.01, steps: 6 });
    // The start in the middle is the minimum itself.
    expect([...slow.labels]).toEqual([-1, -1, -1, -1, 0, -1, -1, -1, -1]);
  });
});
