/**
 * Bands: launches over the same rows as one job. Values against float64 arithmetic, bits against the same launches one after
 * another and between numbers of threads, memory for a few rows.
 */
import { gradients } from '@ag/graph';
import { evaluate, type Program, type Tensor, tensor, use } from '@ag/tensor';
import { afterAll, describe, expect, it } from 'vitest';
import { type WasmBackend, wasm } from '../index.ts';
import { lowerProgram } from './bands.ts';

const features = { relaxedSimd: false, tallTiles: true, threads: 2 };

const open: WasmBackend[] = [];
afterAll(() => {
  for (const backend of open) backend.close();
});

/** A backend, with a list of what it was asked to prepare; without bands if `whole`. */
async function start(threads: number, whole = false) {
  const backend = await wasm({ threads });
  open.push(backend);
  await backend.startThreads();
  const programs: Program[] = [];
  const prepare = backend.prepare.bind(backend);
  backend.prepare = (given) => {
    const launches = whole ? given.launches.map(({ band: _, ...launch }) => launch) : given.launches;
    programs.push({ ...given, launches });
    return prepare({ ...given, launches });
  };
  return { backend, programs };
}

/** Numbers from −6 to 6 without a pattern, some of them far away where `far`. */
function numbers(count: number, far = false): Float32Array {
  let state = 12345;
  return Float32Array.from({ length: count }, (_, i) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return far && i % 11 === 3 ? -1e9 : (state / 2 ** 32) * 12 - 6;
  });
}

/** Row by row in float64. */
function rowwise(x: Float32Array, columns: number, f: (row: number[]) => number[]): number[] {
  return Array.from({ length: x.length / columns }, (_, i) =>
    f([...x.subarray(i * columns, (i + 1) * columns)]),
  ).flat();
}

const total = (row: readonly number[]) => row.reduce((sum, value) => sum + value, 0);
const powers = (row: number[]) => {
  const most = row.reduce((a, b) => Math.max(a, b));
  return row.map((value) => Math.exp(value - most));
};
const softmax = (row: number[]) => {
  const all = powers(row);
  const sum = total(all);
  return all.map((power) => power / sum);
};
const normalized = (row: number[]) => {
  const mean = total(row) / row.length;
  const variance = total(row.map((value) => (value - mean) ** 2)) / row.length;
  return row.map((value) => (value - mean) / Math.sqrt(variance + 1e-5));
};

// Name, tensors, float64 values of a row.
const functions: [string, (x: Tensor) => Tensor, (row: number[]) => number[]][] = [
  ['softmax', (x) => x.softmax(), softmax],
  [
    'log-softmax',
    (x) => x.logSoftmax(),
    (row) => {
      const most = row.reduce((a, b) => Math.max(a, b));
      const log = Math.log(total(powers(row)));
      return row.map((value) => value - most - log);
    },
  ],
  [
    'normalization',
    (x) => {
      const centered = x.sub(x.mean(-1, { keepDims: true }));
      return centered.div(centered.square().mean(-1, { keepDims: true }).add(1e-5).sqrt());
    },
    normalized,
  ],
  [
    'gradient of a softmax',
    (x) => gradients(x.softmax().square().sum(), [x])[0],
    (row) => {
      const y = softmax(row);
      const inner = total(y.map((value) => 2 * value * value));
      return y.map((value) => value * (2 * value - inner));
    },
  ],
];
const shapes = [[1024, 129], [403, 900], [5000, 3], [64, 2048], [130, 1031]]; // biome-ignore format: short

describe('bands', () => {
  it.each(functions)('%s: values, and bits for any number of threads', async (_, f, exact) => {
    const backends = [await start(1, true), await start(1), await start(2), await start(3)];
    for (const [rows, columns] of shapes as [number, number][]) {
      for (const far of [false, true]) {
        const x = numbers(rows * columns, far);
        const wanted = far && exact === normalized ? null : rowwise(x, columns, exact);
        let expected: Float32Array | null = null;
        for (const { backend } of backends) {
          use(backend);
          const value = tensor(x, { shape: [rows, columns] });
          // Several runs, because workers may be too late for the first.
          for (let run = 0; run < 3; run++) {
            const y = (await f(value).data()) as Float32Array;
            if (expected === null) {
              expected = y;
              const scale = wanted?.reduce((most, v) => Math.max(most, v > -1e8 ? Math.abs(v) : 0), 0) ?? 0;
              wanted?.forEach((v, i) => {
                if (!(Math.abs(y[i] - v) <= 1e-5 * (scale + Math.abs(v))))
                  expect(y[i], `${rows}×${columns} at ${i}`).toBe(v);
              });
            }
            expect(
              Buffer.compare(Buffer.from(y.buffer), Buffer.from(expected.buffer)),
              `${backend.threads} threads`,
            ).toBe(0);
          }
        }
      }
    }
  });

  it('are one job of the driver, with the rows between its kernels in memory of the threads', async () => {
    const { backend, programs } = await start(2);
    use(backend);
    await tensor(numbers(512 * 512), { shape: [512, 512] })
      .softmax()
      .data();
    const { lowered, local } = lowerProgram(programs[programs.length - 1], features);
    const [band, ...members] = lowered.flatMap(({ stages }) => stages);
    expect(band.key).toBe('band');
    expect(band.members).toBe(4);
    expect(members.map(({ key }) => key.split(' ')[0])).toEqual(['reduce', 'map', 'reduce', 'map']);
    expect(local.size).toBe(3);
  });

  it('need memory for a few rows beside the result', async () => {
    const { backend } = await start(2);
    use(backend);
    const x = tensor(numbers(1024 * 1024), { shape: [1024, 1024] }).mul(1);
    evaluate([x], { keep: true });
    const { bytes } = backend.stats();
    const y = x.softmax();
    evaluate([y], { keep: true });
    expect(backend.stats().bytes - bytes).toBeLessThan(1.2 * 4 * 2 ** 20);
  });

  it('run kernel after kernel where there is little to gain: small, few rows, rows of megabytes', async () => {
    const { backend, programs } = await start(2);
    use(backend);
    for (const shape of [
      [8, 8],
      [4, 70_000],
      [17, 70_000],
    ]) {
      await tensor(numbers(shape[0] * shape[1]), { shape })
        .softmax()
        .data();
      const { lowered, local } = lowerProgram(programs[programs.length - 1], features);
      expect(lowered.flatMap(({ stages }) => stages).some(({ key }) => key === 'band')).toBe(false);
      expect(local.size).toBe(0);
    }
  });
});
