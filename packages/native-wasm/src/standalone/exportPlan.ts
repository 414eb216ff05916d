/**
 * `exportPlan`: a function of tensors as one WebAssembly module that runs without this library.
 *
 * It has no imports and no allocator: its memory holds weights, argument blocks and working memory at fixed places, and `run` calls the
 * kernels in order. A custom section says where inputs, outputs and variables lie.
 */
import { randomState, type Variable } from '@ag/tensor';
import { checkInteger, checkOptions, typeError, valueError } from '@ag/tensor/engine';
import type { Features, Target } from '../abi.ts';
import type { Callable } from '../assembler/functionBuilder.ts';
import { ModuleBuilder } from '../assembler/moduleBuilder.ts';
import * as control from '../control.ts';
import { type CompanionOptions, javascriptFor, typesFor } from './companion.ts';
import type { PlanDescription, PlanTensor } from './description.ts';
import { type Image, makeImage } from './image.ts';
import {
  hasOpenBatch,
  type Named,
  type PlanInputs,
  type Recording,
  record,
  unsupported,
} from './recording.ts';
import { cell, writeRun } from './runCode.ts';
import { ownSections, piecesOf } from './sections.ts';

/** Options of {@link exportPlan}. */
export interface ExportPlanOptions {
  /** The largest batch, where the first size of an input is `null`: any from 1 on can be run then. */
  readonly maxBatch?: number;
  /** How many steps are prepared, of a function that reads numbers anew at each run: a training step and its learning rates. */
  readonly steps?: number;
  /** `separate` (default) runs everywhere; `fused` needs relaxed SIMD, and gives the bits of a backend with it. */
  readonly arithmetic?: 'separate' | 'fused';
  /** Convolutions by minimal filtering, as in `wasm()`. Default true. */
  readonly winograd?: boolean;
  /** Whether the values of variables and constants are part of the module (default), or a file beside it. */
  readonly weights?: 'inside' | 'beside';
  /** Names of variables, such as `model.namedParameters()`. Default: their own. */
  readonly names?: Iterable<readonly [string, Variable]>;
}

/** A plan as files. */
export interface ExportedPlan {
  readonly wasm: Uint8Array<ArrayBuffer>;
  /** Bytes for memory from `description.weights.offset` on; null where they are inside. */
  readonly weights: Uint8Array<ArrayBuffer> | null;
  /** What the custom section `ag.plan` says. */
  readonly description: PlanDescription;
  /** An ES module that loads and calls it. `wasmFile`: what the module is called beside it, `./model.wasm` by default. */
  javascript(options?: CompanionOptions): string;
  /** The types of that ES module. */
  types(): string;
}

/**
 * A function of tensors, compiled or not, as one WebAssembly module that runs without this library: a network's answer, or a whole
 * training step with its optimizer. It computes the same bits as `wasm({ threads: 1 })` with the same `arithmetic`.
 *
 * ```ts
 * const plan = await exportPlan((x: Tensor) => model.forward(x), { x: { shape: [null, 784] } }, { maxBatch: 16 });
 * plan.wasm; // to be written to model.wasm, with plan.javascript() beside it
 * ```
 *
 * The function is traced with the inputs in their order. Variables that it updates are state: `run` gives them their next values, and
 * random numbers go on from the sequence's state. Gradients that wait for a step are dropped.
 *
 * @param inputs by name: tensors, or shapes; `null` as a first size leaves the batch open
 * @throws Error `AG_UNSUPPORTED` for what cannot run without JavaScript, naming the operation: routines of the host, loops, `mod` of
 * floats
 * @throws RangeError without `maxBatch` for an open batch, without `steps` for a function that reads numbers anew at each run
 */
export async function exportPlan<X extends never[]>(
  f: (...inputs: X) => unknown,
  inputs: PlanInputs,
  options: ExportPlanOptions = {},
): Promise<ExportedPlan> {
  checkOptions('exportPlan', options, 'maxBatch steps arithmetic winograd weights names');
  if (typeof f !== 'function')
    throw typeError('exportPlan: the first argument must be a function of tensors');
  const { arithmetic = 'separate', maxBatch, steps = null, weights = 'inside' } = options;
  const open = hasOpenBatch(inputs);
  if (maxBatch !== undefined) checkInteger(maxBatch, 'exportPlan', 'maxBatch', 1);
  if (steps !== null) checkInteger(steps, 'exportPlan', 'steps', 1);
  if (open !== (maxBatch !== undefined))
    throw valueError(
      open
        ? 'exportPlan: an input leaves the size of the batch open; say up to which: { maxBatch: 16 }'
        : 'exportPlan: maxBatch is for inputs whose first size is null, as in { x: { shape: [null, 784] } }',
    );
  const features: Features = {
    relaxedSimd: arithmetic === 'fused',
    tallTiles: true,
    winograd: options.winograd !== false,
    threads: 1,
  };
  const sizes = Array.from({ length: maxBatch ?? 1 }, (_, i) => i + 1);
  const recordings = sizes.map((size) => record(f, inputs, size));
  const [recording] = recordings;
  const { keys } = recording;
  if (open && (keys.length > 0 || recording.literals.some(({ read }) => read)))
    throw valueError(
      'exportPlan: a function that draws random numbers, or reads others anew at each run, is exported for one size of batch: give its inputs a first size instead of null',
    );
  const image = await makeImage(recordings, open ? 1 : 0, features, steps);
  const random = randomState();
  const counters = [random.drawn >>> 0, Math.floor(random.drawn / 2 ** 32), ...random.words];
  image.memory.i32.set(counters, (image.cells + cell.drawn) >>> 2);

  const module = new ModuleBuilder();
  const target: Target = { ...features, module, thread: 0 };
  writeRun(target, image, steps, keys.length, kernelsOf(target, image));
  const description = describe(recordings, image, options, maxBatch ?? null);
  const content = (from: number, to: number) => image.memory.u8.slice(from, to);
  const [start, end] = image.weights;
  const pieces =
    weights === 'inside'
      ? piecesOf(content(0, image.end), 0)
      : [...piecesOf(content(0, start), 0), ...piecesOf(content(end, image.end), end)];
  // Kernels read up to 64 bytes beyond the end of an array.
  const pages = Math.ceil((image.end + 64) / 65536);
  return {
    wasm: module.bytes(ownSections(pages, pieces, JSON.stringify(description))),
    weights: weights === 'inside' ? null : content(start, end),
    description,
    javascript: (companion = {}) => javascriptFor(description, companion),
    types: () => typesFor(description),
  };
}

/** The function of each kernel, written when it is first asked for. */
function kernelsOf(target: Target, image: Image): (key: string) => Callable {
  const known = new Map<string, Callable>();
  for (const { calls } of image.variants) {
    for (const { stage, launch } of calls) {
      if (known.has(stage.key)) continue;
      const needHostFunctions = () => {
        throw unsupported(`'mod' in ${launch.label}`, 'the remainder of floats is computed by JavaScript');
      };
      known.set(stage.key, stage.emit({ ...target, needHostFunctions }));
    }
  }
  return (key) => known.get(key)!;
}

function describe(
  recordings: readonly Recording[],
  image: Image,
  { arithmetic = 'separate', steps, names = [] }: ExportPlanOptions,
  maxBatch: number | null,
): PlanDescription {
  const first = recordings[0];
  const last = recordings[recordings.length - 1];
  const list = (kind: 'input' | 'output', of: (recording: Recording) => readonly Named[]): PlanTensor[] =>
    of(last).map(([name, { shape, dtype }], i) => {
      const open = shape.length > 0 && of(first)[i][1].shape[0] !== shape[0];
      const offset = image.addresses.get(`${kind} ${name}`);
      return {
        name,
        dtype,
        shape: open ? [null, ...shape.slice(1)] : [...shape],
        // Of an input that nothing is computed from there is no place.
        offset: offset ?? null,
      };
    });
  const nameOf = new Map([...names].map(([name, variable]) => [variable, name]));
  const taken = new Set<string>();
  const state = [...image.variables].map(([variable, offset]): PlanTensor => {
    const wanted = nameOf.get(variable) ?? variable.name;
    let name = wanted;
    for (let i = 2; taken.has(name); i++) name = `${wanted}#${i}`;
    taken.add(name);
    return { name, dtype: variable.dtype, shape: [...variable.shape], offset };
  });
  return {
    version: 1,
    arithmetic,
    maxBatch,
    steps: steps ?? null,
    inputs: list('input', ({ inputs }) => inputs),
    outputs: list('output', ({ outputs }) => outputs),
    state,
    weights: { offset: image.weights[0], bytes: image.weights[1] - image.weights[0] },
    step: steps === undefined ? null : image.cells + cell.step,
    random: first.keys.length === 0 ? null : image.cells + cell.drawn,
    fault: control.faultIndex,
  };
}
