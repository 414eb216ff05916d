/** What the engine offers, and why something is missing. */
import { ModuleBuilder } from './assembler.ts';
import * as w from './opcodes.ts';

/** A feature of the engine; `reason` says why it is missing or how to get it, and is empty when it is there. */
export interface Feature {
  readonly available: boolean;
  readonly reason: string;
}

export interface WasmSupport {
  /** 128-bit vectors: needed. */
  readonly simd: Feature;
  /** Multiply and add in one instruction: a fifth to a half faster in products. */
  readonly relaxedSimd: Feature;
  /** Pairs of 128-bit operations as one of 256 bits, which `wasm({ wideVectors: true })` asks for. */
  readonly wideVectors: Feature;
  /** Memory that several threads see. */
  readonly sharedMemory: Feature;
  /** Workers that compute: shared memory and a way to start them. */
  readonly threads: Feature;
}

const present: Feature = { available: true, reason: '' };
const missing = (reason: string): Feature => ({ available: false, reason });

/** Part of Node's `process` that is used here; undefined in browsers. */
export interface NodeProcess {
  readonly arch?: string;
  readonly versions?: { readonly node?: string; readonly v8?: string };
  getBuiltinModule?(name: string): unknown;
}

export function nodeProcess(): NodeProcess | undefined {
  const { process } = globalThis as { process?: NodeProcess };
  return process?.versions?.node !== undefined ? process : undefined;
}

/** Major version of V8 in Node, else undefined. */
export function v8Version(): number | undefined {
  const version = nodeProcess()?.versions?.v8;
  return version === undefined ? undefined : Number.parseInt(version, 10);
}

/** Whether the engine accepts a function whose body leaves one v128. */
function accepts(body: (f: ReturnType<ModuleBuilder['function']>) => void): boolean {
  const module = new ModuleBuilder();
  body(module.function(null, [], [w.v128]));
  return WebAssembly.validate(module.bytes());
}

export const hasRelaxedSimd = (): boolean =>
  accepts((f) => f.f32x4(1).f32x4(1).f32x4(1).op(w.f32x4_relaxed_madd));

/**
 * What this engine offers the backend.
 *
 * @example
 * const { simd, threads } = wasmSupport();
 * if (!threads.available) console.log(threads.reason);
 */
export function wasmSupport(): WasmSupport {
  const node = nodeProcess();
  const simd =
    typeof WebAssembly === 'undefined'
      ? missing('this engine has no WebAssembly')
      : accepts((f) => f.f32x4(1))
        ? present
        : missing(
            'this engine has no WebAssembly SIMD; browsers have it since 2021 (Safari 16.4), Node since 16',
          );
  const relaxedSimd = !simd.available
    ? missing(simd.reason)
    : hasRelaxedSimd()
      ? present
      : missing(
          node
            ? 'off in this Node; start it with --experimental-wasm-relaxed-simd or use wasm({ relaxedSimd: true })'
            : 'this engine has no relaxed SIMD; products are computed with separate multiply and add',
        );
  // Asked by version: older ones do not throw at an unknown flag, they print a complaint.
  const canPair = (v8Version() ?? 0) >= 13 && node?.arch === 'x64' && relaxedSimd.available;
  const wideVectors = canPair
    ? present
    : missing('256-bit vectors need Node 24 or later on x86-64, and relaxed SIMD');
  const sharedMemory = hasSharedMemory()
    ? present
    : missing(
        'SharedArrayBuffer is missing: pages must be cross-origin isolated (headers ' +
          'Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp)',
      );
  const canStart = node !== undefined ? node.getBuiltinModule !== undefined : typeof Worker !== 'undefined';
  const threads = !sharedMemory.available
    ? missing(sharedMemory.reason)
    : canStart
      ? present
      : missing('this engine has no workers');
  return { simd, relaxedSimd, wideVectors, sharedMemory, threads };
}

function hasSharedMemory(): boolean {
  if (typeof SharedArrayBuffer === 'undefined') return false;
  try {
    return (
      new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }).buffer instanceof SharedArrayBuffer
    );
  } catch {
    return false;
  }
}
