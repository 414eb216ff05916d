/** The tables beside PyTorch: ratios, and their distribution over random networks. */
import { expect, it } from 'vitest';
import type { Measurement } from '../measuring/measure.ts';
import { differingBits, distributionRows, quantile, torchRows, worstRows } from './torchReport.ts';

const found = (workload: string, name: string, engine: string, ms: number): Measurement => ({
  workload,
  case: name,
  variant: '',
  engine,
  kind: engine.startsWith('PyTorch') ? 'peer' : 'ag',
  version: '',
  ms,
  least: ms,
  most: ms,
  cpu: ms,
  first: 10 * ms,
  peak: 5e6 * ms,
  value: ms,
  unit: 'ms / step',
  check: {},
});

it('has quantiles as NumPy', () => {
  // np.quantile([1, 2, 4, 8], [0, 0.25, 0.5, 0.75, 1])
  expect([0, 0.25, 0.5, 0.75, 1].map((q) => quantile([1, 2, 4, 8], q))).toEqual([1, 1.75, 3, 5, 8]);
});

it('puts ratios, first steps and memory beside the milliseconds', () => {
  const rows = torchRows([
    found('W12', 'LSTM', 'PyTorch', 6),
    found('W12', 'LSTM', 'PyTorch compiled', 5),
    found('W12', 'LSTM', 'ag, Node 20', 8),
    found('W13', 'net', 'ag, Node 20', 2),
  ]);
  expect(rows).toEqual([
    [
      '',
      'work',
      'PyTorch',
      'PyTorch compiled',
      'ag, Node 20',
      'PyTorch ÷ ag, Node 20',
      'first step, ms',
      'memory, MB',
    ],
    ['W12', 'LSTM', '6', '5', '8', '0.75', '60 / 50 / 80', '30 / 25 / 40'],
    ['W13', 'net', '–', '–', '2', '–', '– / – / 20', '– / – / 10'],
  ]);
});

it('sorts random networks by family and by ratio', () => {
  const measurements = [2, 6, 3].flatMap((torch, seed) => [
    found('random', `${seed} ${seed < 2 ? 'recurrent' : 'transformer'}: text of it`, 'PyTorch', torch),
    found('random', `${seed} ${seed < 2 ? 'recurrent' : 'transformer'}: text of it`, 'ag, Node 20', 4),
  ]);
  expect(distributionRows(measurements).slice(1)).toEqual([
    ['all', 'ag, Node 20', '3', '0.50', '0.63', '0.75', '1.13', '1.50'],
    ['recurrent', 'ag, Node 20', '2', '0.50', '0.75', '1.00', '1.25', '1.50'],
    ['transformer', 'ag, Node 20', '1', '0.75', '0.75', '0.75', '0.75', '0.75'],
  ]);
  expect(worstRows(measurements, 2).slice(1)).toEqual([
    ['0', 'recurrent: text of it', 'ag, Node 20', '0.50', '2', '4'],
    ['2', 'transformer: text of it', 'ag, Node 20', '0.75', '3', '4'],
  ]);
});

it('tells where engines have other bits', () => {
  const check = (engine: string, loss: number) => ({
    ...found('W12', 'LSTM', engine, 1),
    check: { 'loss 0': loss },
  });
  expect(differingBits([check('PyTorch', 2), check('ag, Node 20', 1), check('base, Node 20', 3)])).toEqual(
    [],
  );
  expect(differingBits([check('ag, Node 20', 1), check('ag, Node 24', 1.0000001)])).toEqual([
    'W12, LSTM: ag, Node 24 and ag, Node 20 differ in bits',
  ]);
});
