/**
 * The choice of engine features at the start, and the switches of V8 behind which some of them lie. Nothing here changes
 * the process unless the user asked for it.
 */
import type { Backend, Program } from '@ag/tensor';
import { codedError, valueError, warn } from '@ag/tensor/engine';
import { exp } from '@ag/tensor/math';
import {
  fusesProducts,
  knowsRelaxedSimd,
  nodeProcess,
  roundsTwice,
  v8Version,
  type WasmSupport,
  wasmSupport,
} from './support.ts';

/** @throws RangeError unless `asked` is 'auto' or 1 … 8. */
export function chooseThreads(asked: number | 'auto', support: WasmSupport): number {
  if (asked !== 'auto' && !(Number.isInteger(asked) && asked >= 1 && asked <= 8)) {
    throw valueError(`wasm: threads must be 1 … 8 or 'auto', got ${asked}`);
  }
  const threads = asked === 'auto' ? Math.min(8, cores()) : asked;
  if (threads === 1 || support.threads.available) return threads;
  warn('AG_ONE_THREAD', `wasm: one thread: ${support.threads.reason}`);
  return 1;
}

function cores(): number {
  const os = nodeProcess()?.getBuiltinModule?.('node:os') as { availableParallelism(): number } | undefined;
  return os?.availableParallelism() ?? globalThis.navigator?.hardwareConcurrency ?? 1;
}

function setFlag(flag: string): void {
  const v8 = nodeProcess()?.getBuiltinModule?.('node:v8') as
    | { setFlagsFromString(flag: string): void }
    | undefined;
  v8?.setFlagsFromString(flag);
}

/** V8 before 12 moves all loads of a loop body to its front, which spoils tiles of many registers. */
export function keepsOrder(): boolean {
  return (v8Version() ?? 12) >= 12;
}

/** @throws Error when it is required and cannot be had. */
export function chooseRelaxedSimd(wanted: 'auto' | boolean): boolean {
  if (wanted === false) return false;
  if (wanted === true && !knowsRelaxedSimd()) setFlag('--experimental-wasm-relaxed-simd');
  const known = knowsRelaxedSimd();
  if (known && fusesProducts()) return true;
  if (wanted === 'auto') return false;
  const reason = known ? roundsTwice : 'this engine has no relaxed SIMD';
  throw codedError(Error, 'AG_BACKEND_UNAVAILABLE', `wasm: ${reason}; use wasm({ relaxedSimd: 'auto' })`);
}

/** Must come before anything is compiled. @throws Error where the switch does not exist. */
export function switchOnWideVectors(relaxedSimd: boolean): void {
  const { wideVectors } = wasmSupport();
  if (!wideVectors.available || !relaxedSimd) {
    throw codedError(
      Error,
      'AG_BACKEND_UNAVAILABLE',
      `wasm: ${wideVectors.reason || '256-bit vectors need relaxed SIMD'}; leave wideVectors out`,
    );
  }
  setFlag('--experimental-wasm-revectorize');
}

/** What is compiled from now on is as the module says. */
export function switchOffWideVectors(): void {
  setFlag('--no-experimental-wasm-revectorize');
}

const f = 'float32' as const;

/** A product of an odd shape, then its sigmoid. */
function selfTest(m: number, k: number, n: number): Program {
  const operand = (buffer: number, strides: number[]) => ({ buffer, offset: 0, dynamic: [], strides });
  const outputs = [{ dtype: f, accumulate: false }];
  return {
    slots: [],
    buffers: [m * k, k * n, m * n, m * n].map((length, binding) => ({ kind: 'bound', binding, dtype: f, length })),
    bindingCount: 4,
    scalarCount: 0,
    launches: [
      {
        kernel: {
          form: 'contract', batchRank: 0, mRank: 1, nRank: 1, kRank: 1, dtype: f, extras: [], outputs,
          epilogue: { instructions: [{ op: 'accumulator', dtype: f }], results: [0] },
        },
        dims: [m, n, k], operands: [operand(0, [k, 1]), operand(1, [n, 1]), operand(2, [n, 1])], literals: [], label: 'matmul',
      },
      {
        kernel: {
          form: 'map', rank: 1, inputs: [f], outputs,
          expression: { instructions: [{ op: 'load', operand: 0, dtype: f }, { op: 'sigmoid', a: 0, dtype: f }], results: [1] },
        },
        dims: [m * n], operands: [operand(2, [1]), operand(3, [1])], literals: [], label: 'sigmoid',
      },
    ],
  }; // biome-ignore format: records
}

/** Computes what is known. @throws Error when it comes out wrong: the switch is experimental. */
export function checkWideVectors(backend: Backend): void {
  const [m, k, n] = [61, 37, 83];
  const a = Float32Array.from({ length: m * k }, (_, i) => ((i * 7) % 23) / 23 - 0.5);
  const b = Float32Array.from({ length: k * n }, (_, i) => ((i * 11) % 29) / 29 - 0.5);
  const executable = backend.prepare(selfTest(m, k, n));
  const product = backend.allocate(4 * m * n);
  const sigmoid = backend.allocate(4 * m * n);
  // Often enough that the optimizing compiler has done its work.
  for (let i = 0; i < 400; i++) backend.run(executable, [a, b, product, sigmoid], new Float64Array(0));
  const result = backend.readSync!(sigmoid, f, m * n)!;
  for (let i = 0; i < m * n; i++) {
    let sum = 0;
    for (let t = 0; t < k; t++) sum += a[Math.floor(i / n) * k + t] * b[t * n + (i % n)];
    if (Math.abs(result[i] - 1 / (1 + exp(-sum))) > 1e-6) {
      throw codedError(
        Error,
        'AG_BACKEND_UNAVAILABLE',
        'wasm: wideVectors gives wrong results on this engine; leave it out',
      );
    }
  }
  backend.dispose(executable);
  backend.release(product);
  backend.release(sigmoid);
}
