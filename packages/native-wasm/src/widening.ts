/**
 * From 128-bit to 256-bit vectors while a program runs, once both have computed the same bits.
 *
 * The switch of V8 behind which the wide ones lie is experimental. So a program starts without it. When it has computed for a while, the
 * heaviest of its plans is run by both kinds of code on the same memory; if the self-test passes and no bit differs, the wide code
 * goes on, else the narrow code does.
 */
import type {
  Backend,
  BackendStats,
  Binding,
  DType,
  Executable,
  Memory,
  Program,
  TypedArray,
} from '@ag/tensor';
import { isTypedArray } from '@ag/tensor/engine';
import type { WasmBackend } from './backend.ts';
import { checkWideVectors, switchOffWideVectors, switchOnWideVectors } from './engine/choose.ts';
import { wasmSupport } from './engine/support.ts';

/** Milliseconds of computing before wide vectors are tried: what compiling everything twice should be small beside. */
const worthTrying = 200;

/** A step of more memory than this is not copied to be compared. */
const mostBytes = 2 ** 30;

/** Wide code is compared for as long as the optimizing compiler may take to replace the first version of it, at least. */
const trial = { runs: 3, mostRuns: 300, milliseconds: 100 } as const;

/** The switch and the self-test. */
export interface Switch {
  on(relaxedSimd: boolean): void;
  off(): void;
  check(backend: Backend): void;
}

const engineSwitch: Switch = {
  on: switchOnWideVectors,
  off: switchOffWideVectors,
  check: checkWideVectors,
};

interface Plan extends Executable {
  current: Executable;
  /** The vectors that `current` was compiled for: see `#generation`. */
  generation: number;
  milliseconds: number;
}

/**
 * A backend that goes over to 256-bit vectors once they have been seen to be right, where the engine has them (Node 24 and later on
 * x86-64), else the given one. The switch that this sets holds for the whole process.
 *
 * @param after milliseconds of computing before they are tried, default 200
 * @example
 * import { use } from '@ag/tensor';
 * import { wasm, widening } from '@ag/native-wasm';
 * use(widening(await wasm()));
 */
export function widening(backend: WasmBackend, after: number = worthTrying): Backend {
  return backend.relaxedSimd && wasmSupport().wideVectors.available
    ? new WideningBackend(backend, after)
    : backend;
}

/** See {@link widening}. */
export class WideningBackend implements Backend {
  readonly name = 'wasm';
  readonly arithmetic: 'separate' | 'fused';
  readonly #inner: WasmBackend;
  readonly #switch: Switch;
  #undecided = true;
  /** Increases when programs must be compiled anew. */
  #generation = 0;
  /** Milliseconds until wide vectors are tried. */
  #left: number;
  /** Of the plan that took longest in all. */
  #most = 0;

  constructor(inner: WasmBackend, after: number, given: Switch = engineSwitch) {
    this.#inner = inner;
    this.#switch = given;
    this.arithmetic = inner.arithmetic;
    this.#left = after;
  }

  allocate(bytes: number, zeroed?: boolean): Memory {
    return this.#inner.allocate(bytes, zeroed);
  }

  release(memory: Memory): void {
    this.#inner.release(memory);
  }

  write(memory: Memory, data: TypedArray): void {
    this.#inner.write(memory, data);
  }

  read(memory: Memory, dtype: DType, length: number): Promise<TypedArray> {
    return this.#inner.read(memory, dtype, length);
  }

  readSync(memory: Memory, dtype: DType, length: number): TypedArray {
    return this.#inner.readSync(memory, dtype, length);
  }

  prepare(program: Program): Executable {
    const plan: Plan = {
      program,
      current: this.#inner.prepare(program),
      generation: this.#generation,
      milliseconds: 0,
    };
    return plan;
  }

  run(executable: Executable, bindings: readonly Binding[], scalars: Float64Array): void {
    const plan = executable as Plan;
    if (plan.generation !== this.#generation) this.#compileAnew(plan);
    if (!this.#undecided) {
      this.#inner.run(plan.current, bindings, scalars);
      return;
    }
    if (this.#left <= 0 && plan.milliseconds >= this.#most) {
      this.#undecided = false;
      this.#runByBoth(plan, bindings, scalars);
      return;
    }
    const start = performance.now();
    this.#inner.run(plan.current, bindings, scalars);
    const milliseconds = performance.now() - start;
    plan.milliseconds += milliseconds;
    this.#left -= milliseconds;
    this.#most = Math.max(this.#most, plan.milliseconds);
  }

  dispose(executable: Executable): void {
    this.#inner.dispose((executable as Plan).current);
  }

  stats(): BackendStats {
    return this.#inner.stats();
  }

  #compileAnew(plan: Plan): void {
    const old = plan.current;
    plan.current = this.#inner.prepare(plan.program);
    plan.generation = this.#generation;
    this.#inner.dispose(old);
  }

  /** Runs a plan narrow, then wide on what lay in memory before. What is left there afterwards is right in any case. */
  #runByBoth(plan: Plan, bindings: readonly Binding[], scalars: Float64Array): void {
    const inner = this.#inner;
    const memories = [...new Set(bindings.filter((binding): binding is Memory => !isTypedArray(binding)))];
    const fits = memories.reduce((sum, { bytes }) => sum + bytes, 0) <= mostBytes;
    const before = fits ? memories.map((memory) => wordsOf(inner, memory)) : [];
    inner.run(plan.current, bindings, scalars);
    if (!fits) return;
    const after = memories.map((memory) => wordsOf(inner, memory));
    const put = (words: readonly TypedArray[]) => {
      memories.forEach((memory, i) => inner.write(memory, words[i]));
    };
    if (this.#isRight(plan, bindings, scalars, memories, after, () => put(before))) return;
    put(after);
    this.#switch.off();
    this.#useVectors(false);
  }

  #useVectors(paired: boolean): void {
    this.#inner.pairVectors(paired);
    this.#generation++;
  }

  /** Whether wide code leaves `expected` in the memories, again and again. `reset` puts back what lay there. */
  #isRight(
    plan: Plan,
    bindings: readonly Binding[],
    scalars: Float64Array,
    memories: readonly Memory[],
    expected: readonly TypedArray[],
    reset: () => void,
  ): boolean {
    const inner = this.#inner;
    try {
      this.#switch.on(inner.relaxedSimd);
      this.#useVectors(true);
      this.#switch.check(inner);
      this.#compileAnew(plan);
      const start = performance.now();
      for (let run = 0; run < trial.mostRuns; run++) {
        if (run >= trial.runs && performance.now() - start > trial.milliseconds) break;
        reset();
        inner.run(plan.current, bindings, scalars);
        if (!memories.every((memory, i) => areEqual(wordsOf(inner, memory), expected[i]))) return false;
      }
      return true;
    } catch {
      return false;
    }
  }
}

function wordsOf(backend: WasmBackend, memory: Memory): TypedArray {
  const words = memory.bytes >> 2;
  return 4 * words === memory.bytes
    ? backend.readSync(memory, 'int32', words)
    : backend.readSync(memory, 'uint8', memory.bytes);
}

function areEqual(a: TypedArray, b: TypedArray): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
