/** The table with other libraries: which measurements it takes. */
import { expect, it } from 'vitest';
import type { Measurement } from '../measuring/measure.ts';
import { peerRows } from './peerReport.ts';

const found = (kind: Measurement['kind'], engine: string, ms: number, variant = ''): Measurement => ({
  workload: 'W5',
  case: '784-512-256-10',
  variant,
  engine,
  kind,
  version: '',
  ms,
  least: ms,
  most: ms,
  cpu: ms,
  value: ms,
  unit: 'ms / step',
  check: {},
});

it('compares the faster number of threads with the fastest library', () => {
  const measurements = [
    found('ag', 'ag 1t', 6, 'compiled'),
    found('ag', 'ag 2t', 4, 'compiled'),
    found('ag', 'ag 2t', 3, 'compiled, data on the device'),
    found('numpy', 'NumPy 1t', 5),
    found('numpy', 'NumPy 2t', 4.5),
    found('peer', 'tfjs-wasm', 200),
    found('peer', 'jax-js', 18),
  ];
  expect(peerRows(measurements)).toEqual([
    ['', 'case', 'unit', 'ag', 'NumPy', 'jax-js', 'tfjs-wasm', 'best library', 'speed of ag ÷ best'],
    ['W5', 'compiled', 'ms / step', '4', '4.5', '18', '200', 'jax-js', '4.5 ×'],
  ]);
});

it('says where no library could do it', () => {
  expect(peerRows([found('ag', 'ag 1t', 6, 'compiled')]).at(-1)).toEqual([
    'W5',
    'compiled',
    'ms / step',
    '6',
    '–',
    '–',
  ]);
});
