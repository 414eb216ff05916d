/** The workloads, their units, and the goals set for two cores of a 2020s server. */

export interface Goal {
  /** On Node 20 to 23, and from Node 24 on. */
  readonly old: number;
  readonly recent: number;
  /** What NumPy did, at its best, on the machine that the goals were set for. */
  readonly numpy: number;
}

export interface WorkloadReport {
  readonly title: string;
  readonly unit: string;
  /** From milliseconds for a step to the unit; the case says how much work a step is. */
  readonly value: (ms: number, name: string) => number;
  readonly higherIsBetter: boolean;
  /** By part of the variant's or case's name, '' for all others. */
  readonly goals: Readonly<Record<string, Goal>>;
}

const perSecond = (ms: number): number => 1000 / ms;
const same = (ms: number): number => ms;
const goal = (old: number, recent: number, numpy: number): Goal => ({ old, recent, numpy });

/** Milliseconds a step, to be compared with PyTorch, not with a goal. */
function step(title: string): WorkloadReport {
  return { title, unit: 'ms / step', value: same, higherIsBetter: false, goals: {} };
}

/** Workloads that are timed step by step. */
export const reports: Readonly<Record<string, WorkloadReport>> = {
  W1: {
    title: 'XOR 2-2-1, SGD',
    unit: 'steps/s',
    value: perSecond,
    higherIsBetter: true,
    goals: { 'define-by-run': goal(80_000, 80_000, 61_000), compiled: goal(1_000_000, 1_000_000, 61_000) },
  },
  W2: {
    title: 'two layers 1000-100-10, 64 rows, SGD',
    unit: 's / 2000 steps',
    value: (ms) => 2 * ms,
    higherIsBetter: false,
    goals: { '': goal(0.6, 0.5, 0.46) },
  },
  W3: {
    title: 'Boston 13-10-1, batch 16, SGD',
    unit: 'steps/s',
    value: perSecond,
    higherIsBetter: true,
    goals: { 'define-by-run': goal(70_000, 70_000, 59_700), compiled: goal(400_000, 400_000, 59_700) },
  },
  W4: {
    title: 'MNIST 784-50-100-10, batch 100, SGD',
    unit: 's / epoch',
    value: (ms) => 0.6 * ms,
    higherIsBetter: false,
    goals: { '': goal(0.165, 0.14, 0.155) },
  },
  W5: {
    title: 'MNIST 784-512-256-10, batch 128, Adam',
    unit: 'ms / step',
    value: same,
    higherIsBetter: false,
    goals: { '': goal(3.4, 2.9, 2.87) },
  },
  W6: {
    title: 'CNN on 28×28, batch 64, Adam',
    unit: 'ms / step',
    value: same,
    higherIsBetter: false,
    goals: { '': goal(12.5, 11, 29) },
  },
  W7: {
    title: 'matrix products',
    unit: 'GFLOP/s',
    value: (ms, name) => gigaflops(name) / (ms / 1000),
    higherIsBetter: true,
    goals: { '512': goal(100, 115, 330) },
  },
  W8: {
    title: 'elementwise and reductions, result on the device',
    unit: 'ms',
    value: same,
    higherIsBetter: false,
    goals: {
      'sigmoid(a·b+c) 1M': goal(0.55, 0.45, 1.6),
      'sum 1M': goal(0.06, 0.05, 0.16),
      softmax: goal(0.55, 0.45, 1.5),
    },
  },
  W9: {
    title: 'transformer d 128, 4 layers, 512 tokens, Adam',
    unit: 'ms / step',
    value: same,
    higherIsBetter: false,
    goals: { '': goal(32, 27, 41) },
  },
  W12: step('LSTM 64→128, 32×50, Adam'),
  W13: step('residual network with group norm, 32×3×32×32, Adam'),
  W14: step('depthwise-separable network with batch norm, 32×3×32×32, Adam'),
  W15: step('GPT, width 256, 4 layers, 4×128 tokens, Adam'),
  W16: step('784-2048-2048-10, batch 256, Adam'),
  random: step('random networks'),
  W17: { ...step('inference of one sample, 784-512-256-10'), unit: 'ms' },
};

export const workloadNames: readonly string[] = [
  'W1',
  'W2',
  'W3',
  'W4',
  'W5',
  'W6',
  'W7',
  'W8',
  'W9',
  'W10',
  'W11',
  ...['W12', 'W13', 'W14', 'W15', 'W16', 'W17'],
];

/** The goal for a case in a variant, on a Node of a major version, and how many times NumPy's speed it means. */
export function goalOf(
  workload: string,
  variant: string,
  name: string,
  major: number,
): { readonly value: number; readonly ratio: number } | null {
  const { goals, higherIsBetter } = reports[workload];
  const key = Object.keys(goals).find(
    (part) => part !== '' && (variant.startsWith(part) || name.includes(part)),
  );
  const found = goals[key ?? ''];
  if (!found) return null;
  const value = major >= 24 ? found.recent : found.old;
  return { value, ratio: higherIsBetter ? value / found.numpy : found.numpy / value };
}

/** 10⁹ operations of a product from the name of its case: `n` or `m×k×n`. */
function gigaflops(name: string): number {
  const sizes = name.split(' ').at(-1)!.split('×').map(Number);
  const [m, k, n] = sizes.length === 3 ? sizes : [sizes[0], sizes[0], sizes[0]];
  return (2 * m * k * n) / 1e9;
}
