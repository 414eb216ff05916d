/**
 * Surfaces worth racing on. Sources: Surjanovic & Bingham, "Virtual Library of Simulation Experiments".
 */
import type { Text } from '../../shell/language.ts';
import type { Domain } from './race.ts';
import type { Runner } from './runners.ts';

export interface Surface {
  readonly id: string;
  readonly title: Text;
  readonly expression: string;
  readonly start: readonly [number, number];
  readonly domain: Domain;
  /** Heights are shown on a logarithmic scale. */
  readonly logarithmic?: boolean;
  /** Learning rates that suit the surface, where the usual ones do not. */
  readonly rates?: Partial<Readonly<Record<Runner, number>>>;
  readonly minima: readonly (readonly [number, number])[];
}

/** A formula of the reader's own: nothing is known of it, so nothing is said of it. */
const own: Surface = {
  id: 'own',
  title: { en: 'Your own formula', zh: '自定义公式' },
  expression: 'x^2 + y^2',
  start: [-4, 3],
  domain: { x: [-5, 5], y: [-5, 5] },
  minima: [],
};

/**
 * The surface that an address means: by its formula where it names one, so that what is said of a surface (its title,
 * domain, scale and minima) is never said of another formula.
 */
export function surfaceOf(id: string, expression: string | null): Surface {
  if (expression === null) return surfaces.find((each) => each.id === id) ?? surfaces[0];
  const tight = (text: string) => text.replace(/\s/g, '');
  const known = surfaces.find((each) => tight(each.expression) === tight(expression));
  return known ?? { ...own, expression };
}

export const surfaces: readonly Surface[] = [
  {
    id: 'valley',
    title: { en: 'A long valley, x²/20 + y²', zh: '狭长山谷 x²/20 + y²' },
    expression: 'x^2 / 20 + y^2',
    start: [-7, 2],
    domain: { x: [-10, 10], y: [-5, 5] },
    minima: [[0, 0]],
  },
  {
    id: 'rosenbrock',
    title: { en: 'Rosenbrock’s banana', zh: 'Rosenbrock 香蕉函数' },
    expression: '(1 - x)^2 + 100 * (y - x^2)^2',
    start: [-1.5, 2],
    domain: { x: [-2, 2], y: [-1, 3] },
    logarithmic: true,
    rates: { sgd: 0.001, momentum: 0.0003, adagrad: 0.5, adam: 0.1 },
    minima: [[1, 1]],
  },
  {
    id: 'himmelblau',
    title: { en: 'Himmelblau: four minima', zh: 'Himmelblau：四个极小点' },
    expression: '(x^2 + y - 11)^2 + (x + y^2 - 7)^2',
    start: [0, 1],
    domain: { x: [-5, 5], y: [-5, 5] },
    logarithmic: true,
    rates: { sgd: 0.01, momentum: 0.003 },
    minima: [
      [3, 2],
      [-2.805118, 3.131312],
      [-3.77931, -3.283186],
      [3.584428, -1.848126],
    ],
  },
  {
    id: 'saddle',
    title: { en: 'A saddle', zh: '鞍点' },
    expression: 'x^2 - y^2 + y^4 / 8',
    start: [-2, 0.01],
    domain: { x: [-3, 3], y: [-3, 3] },
    rates: { sgd: 0.1, momentum: 0.03 },
    minima: [
      [0, 2],
      [0, -2],
    ],
  },
  {
    id: 'beale',
    title: { en: 'Beale: a plain with cliffs', zh: 'Beale：带峭壁的平原' },
    expression: '(1.5 - x + x*y)^2 + (2.25 - x + x*y^2)^2 + (2.625 - x + x*y^3)^2',
    start: [1, 2],
    domain: { x: [-4.5, 4.5], y: [-4.5, 4.5] },
    logarithmic: true,
    rates: { sgd: 0.005, momentum: 0.001, adagrad: 0.5, adam: 0.1 },
    minima: [[3, 0.5]],
  },
  {
    id: 'rastrigin',
    title: { en: 'Rastrigin: many hollows', zh: 'Rastrigin：许多凹坑' },
    expression: '20 + x^2 - 10*cos(2*pi*x) + y^2 - 10*cos(2*pi*y)',
    start: [-1.7, 1.3],
    domain: { x: [-2.5, 2.5], y: [-2.5, 2.5] },
    rates: { sgd: 0.002, momentum: 0.001, adagrad: 0.3, adam: 0.1 },
    minima: [[0, 0]],
  },
  {
    id: 'camel',
    title: { en: 'Three-hump camel', zh: '三峰骆驼函数' },
    expression: '2*x^2 - 1.05*x^4 + x^6/6 + x*y + y^2',
    start: [-1.8, 1.5],
    domain: { x: [-2.2, 2.2], y: [-2.2, 2.2] },
    rates: { sgd: 0.05, momentum: 0.02, adagrad: 0.3, adam: 0.1 },
    minima: [[0, 0]],
  },
];
