/** What the engine offers, and why something is missing. */

import { codedError } from '@ag/tensor/engine';
import { ModuleBuilder } from '../assembler/moduleBuilder.ts';
import * as w from '../assembler/opcodes.ts';

/** A feature of the engine; `reason` says why it is missing or how to get it, and is empty when it is there. */
export interface Feature {
  readonly available: boolean;
  readonly reason: string;
}

/** What the engine offers to the WebAssembly backend, and why something is missing. */
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

/** Whether the engine knows the instructions, fused or not. */
export const knowsRelaxedSimd = (): boolean =>
  accepts((f) => f.f32x4(1).f32x4(1).f32x4(1).op(w.f32x4_relaxed_madd));

let fuses: boolean | undefined;

/**
 * Whether `relaxed_madd` rounds once. An engine may round the product as well (JavaScriptCore does, and others where the
 * processor cannot multiply and add at once), as long as it always does: the specification makes it a constant of the
 * execution environment. (1 + ε)² − (1 + 2ε) for ε = 2⁻¹² is ε² then; else the product is rounded to 1 + 2ε, and 0 is left.
 */
export function fusesProducts(): boolean {
  fuses ??= productAndSum()(1 + 2 ** -12, -(1 + 2 ** -11)) !== 0;
  return fuses;
}

/** (a, c) → a·a + c by `relaxed_madd`. Numbers come in from outside, so that no compiler works them out by itself. */
export function productAndSum(): (a: number, c: number) => number {
  const module = new ModuleBuilder();
  const f = module.function('productAndSum', [w.f32, w.f32], [w.f32]);
  f.get(0).op(w.f32x4_splat).get(0).op(w.f32x4_splat).get(1).op(w.f32x4_splat).op(w.f32x4_relaxed_madd);
  f.lane(w.f32x4_extract_lane, 0);
  const { exports } = new WebAssembly.Instance(compiled(module.bytes()));
  return exports.productAndSum as (a: number, c: number) => number;
}

/**
 * A compiled module.
 * @throws Error that says what to do where the page or the host forbids compiling.
 */
export function compiled(bytes: Uint8Array<ArrayBuffer>): WebAssembly.Module {
  try {
    return new WebAssembly.Module(bytes);
  } catch (error) {
    const refused = refusal();
    throw refused === ''
      ? error
      : codedError(Error, 'AG_BACKEND_UNAVAILABLE', `wasm: ${refused}. ${useReference}`, { cause: error });
  }
}

/** What to do where nothing of this backend runs. */
export const useReference = 'Use the reference backend of @ag/tensor: use(reference()).';

/** Why not even an empty module may be compiled; empty where it may. */
function refusal(): string {
  try {
    new WebAssembly.Module(new ModuleBuilder().bytes());
    return '';
  } catch (error) {
    return (
      `this engine offers WebAssembly, but compiling it is forbidden here (${(error as Error).message}). A page's content ` +
      "security policy has to allow it: script-src 'wasm-unsafe-eval'. Hosts such as Cloudflare Workers compile nothing while they run"
    );
  }
}

/**
 * What this engine offers the backend.
 *
 * @example
 * const { simd, threads } = wasmSupport();
 * if (!threads.available) console.log(threads.reason);
 */
export function wasmSupport(): WasmSupport {
  const node = nodeProcess();
  const refused = typeof WebAssembly === 'undefined' ? '' : refusal();
  const simd =
    typeof WebAssembly === 'undefined'
      ? missing('this engine has no WebAssembly')
      : !accepts((f) => f.f32x4(1))
        ? missing(
            'this engine has no WebAssembly SIMD; browsers have it since 2021 (Safari 16.4), Node since 16',
          )
        : refused === ''
          ? present
          : missing(refused);
  const relaxedSimd = !simd.available
    ? missing(simd.reason)
    : knowsRelaxedSimd()
      ? fusesProducts()
        ? present
        : missing(roundsTwice)
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
  const sharedMemory = describeSharedMemory();
  const canStart = node !== undefined ? node.getBuiltinModule !== undefined : typeof Worker !== 'undefined';
  const threads = !sharedMemory.available
    ? missing(sharedMemory.reason)
    : canStart
      ? present
      : missing('this engine has no workers');
  return { simd, relaxedSimd, wideVectors, sharedMemory, threads };
}

/** Why `relaxed_madd` is of no use. */
export const roundsTwice =
  'relaxed SIMD of this engine rounds products before it adds them; they are computed with separate multiply and add';

function describeSharedMemory(): Feature {
  const { crossOriginIsolated } = globalThis as { crossOriginIsolated?: boolean };
  if (typeof SharedArrayBuffer === 'undefined') {
    return missing(
      crossOriginIsolated === false
        ? 'SharedArrayBuffer is missing: pages must be cross-origin isolated (headers ' +
            'Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp)'
        : `SharedArrayBuffer is missing${crossOriginIsolated ? ' although this page is cross-origin isolated' : ''}: this engine was built or started without it`,
    );
  }
  // Asked without making one, which would take address space from the memory that is made later.
  if (typeof WebAssembly !== 'undefined') {
    const module = new ModuleBuilder();
    module.importMemory('env', 'memory', 1, 1, true);
    module.function(null, [], [w.i32]).i32(0).memory(w.i32_atomic_load);
    if (WebAssembly.validate(module.bytes())) return present;
  }
  return missing('this engine has no shared WebAssembly memory');
}
