/**
 * Sorting of long lines by a bitonic network (K. E. Batcher, AFIPS 1968): runs of 1024 in workgroup memory, longer ones step by step
 * through memory. Keys are sorted together with positions, and equal keys by these, so the order is stable.
 */
import type { SortKernel } from '@ag/tensor';
import { count } from '@ag/tensor/engine';
import { KernelWriter, spread } from '../../emit/kernelWriter.ts';
import type { Dispatch, Form, FormRequest } from '../form.ts';
import { sortKey } from '../sort.ts';
import { mergedAxes, offsetsAt } from './axes.ts';
import { powerAbove } from './reduceShape.ts';

/** What a workgroup sorts in its memory: 8 KiB. */
const run = 1024;
const threads = 256;
/** Shorter lines are sorted by counting. A processor that plays a device does that for longer ones. */
const shortest = { device: 64, software: 4096 };

/** How lines lie in the working memory: filled up to a power of two. */
interface Lines {
  readonly lines: number;
  readonly length: number;
  readonly padded: number;
}

export const fastSort: Form = (request) => {
  const { launch, facts } = request;
  const { kernel, dims } = launch;
  if (kernel.form !== 'sort' || facts.maxInvocations < threads) return null;
  const length = dims[dims.length - 1];
  const count_ = count(dims.slice(0, -1));
  if (length < (facts.software ? shortest.software : shortest.device) || count_ === 0) return null;
  const at: Lines = { lines: count_, length, padded: Math.max(run, powerAbove(length)) };
  if (at.padded > run && at.padded * count_ * 4 > facts.maxBinding) return null;
  const dispatches = [runsDispatch(request, kernel, at)];
  for (let size = 2 * run; size <= at.padded; size *= 2) {
    for (let stride = size / 2; stride >= run; stride /= 2)
      dispatches.push(strideDispatch(request, kernel, at, size, stride));
    dispatches.push(mergeDispatch(request, kernel, at, size));
  }
  return { launches: 1, dispatches };
};

/** Compares the pairs at `i` and `j`, and swaps them where `upward` says otherwise. `keys` and `places` name arrays. */
function exchange(keys: string, places: string): string[] {
  return [
    `let a = ${keys}[i]; let b = ${keys}[j]; let p = ${places}[i]; let q = ${places}[j];`,
    'if ((b < a || (b == a && q < p)) == upward) {',
    `${keys}[i] = b; ${keys}[j] = a; ${places}[i] = q; ${places}[j] = p;`,
    '}',
  ];
}

/** Steps of a merge within workgroup memory, from `half` downwards; `whole` is the number of the first element in its line. */
function steps(half: string, upward: string): string[] {
  return [
    `for (var stride = ${half}; stride > 0u; stride /= 2u) {`,
    `for (var pair = lane; pair < ${run / 2}u; pair += ${threads}u) {`,
    'let i = 2u * stride * (pair / stride) + pair % stride;',
    'let j = i + stride;',
    `let upward = ${upward};`,
    ...exchange('keys', 'places'),
    '}',
    'workgroupBarrier();',
    '}',
  ];
}

function declareRuns(w: KernelWriter, type: string): void {
  w.declare(`var<workgroup> keys: array<${type}, ${run}>;`);
  w.declare(`var<workgroup> places: array<u32, ${run}>;`);
}

/** Statements that write the run in workgroup memory: as positions where it is the whole line, else to the working memory. */
function writeRun(w: KernelWriter, request: FormRequest, at: Lines, last: boolean, type: string): string[] {
  const loop = (body: string[]) => [
    `for (var e = lane; e < ${run}u; e += ${threads}u) {`,
    'let place = first + e;',
    ...body,
    '}',
  ];
  if (last) return loop(storePosition(w, request, at, 'places[e]'));
  const [keys, places] = working(w, at, type, true);
  return loop([
    `let into = line * u32(${w.argument(at.padded)}) + place;`,
    `${keys}[into] = keys[e]; ${places}[into] = places[e];`,
  ]);
}

function storePosition(w: KernelWriter, { launch }: FormRequest, at: Lines, position: string): string[] {
  const last = launch.dims.length - 1;
  return [
    `if (place < u32(${w.argument(at.length)})) {`,
    w.store(1, `(base1 + i32(place) * ${w.argument(launch.operands[1].strides[last])})`, `i32(${position})`),
    '}',
  ];
}

function working(w: KernelWriter, { lines, padded }: Lines, type: string, written: boolean) {
  const bytes = lines * padded * 4;
  return [w.scratch(0, bytes, type, written), w.scratch(1, bytes, 'u32', written)] as const;
}

/** Where the line `line` of an operand begins. */
function bases(w: KernelWriter, { launch }: FormRequest, operands: readonly number[]): string[] {
  const found = offsetsAt(
    w,
    'o',
    'line',
    mergedAxes(
      launch.dims.slice(0, -1),
      operands.map((operand) => launch.operands[operand].strides.slice(0, -1)),
    ),
  );
  return [
    ...found.lines,
    ...operands.map((operand, i) => `let base${operand} = ${w.offset(operand)} + ${found.offsets[i]};`),
  ];
}

/** Which line and which run of it a workgroup has. */
function place(w: KernelWriter, at: Lines): string[] {
  const runs = `u32(${w.argument(at.padded / run)})`;
  return [
    `let line = group / ${runs};`,
    `if (line >= u32(${w.argument(at.lines)})) { return; }`,
    `let first = (group % ${runs}) * ${run}u;`,
  ];
}

/** Reads keys and sorts runs, every second one downwards. */
function runsDispatch(request: FormRequest, kernel: SortKernel, at: Lines): Dispatch {
  const { launch, facts } = request;
  const whole = at.padded === run;
  const w = new KernelWriter(request, whole ? [1] : []);
  const { type, keyOf } = sortKey(w, kernel);
  const last = launch.dims.length - 1;
  declareRuns(w, type);
  const length = w.argument(at.length);
  const address = `(base0 + i32(first + e) * ${w.argument(launch.operands[0].strides[last])})`;
  const body = [
    ...place(w, at),
    ...bases(w, request, whole ? [0, 1] : [0]),
    `for (var e = lane; e < ${run}u; e += ${threads}u) {`,
    // What fills a line up comes last.
    `var own: ${type} = ${type === 'i32' ? '0x7fffffff' : '0xffffffffu'};`,
    `if (first + e < u32(${length})) { own = ${keyOf(w.load(0, address))}; }`,
    'keys[e] = own; places[e] = first + e;',
    '}',
    'workgroupBarrier();',
    `for (var size = 2u; size <= ${run}u; size *= 2u) {`,
    ...steps('size / 2u', '((first + i) & size) == 0u'),
    '}',
    ...writeRun(w, request, at, whole, type),
  ];
  return finish(w, body, at, facts.maxWorkgroups);
}

/** One step of a merge whose partners lie farther apart than a run. */
function strideDispatch(
  request: FormRequest,
  kernel: SortKernel,
  at: Lines,
  size: number,
  stride: number,
): Dispatch {
  const w = new KernelWriter(request, []);
  const { type } = sortKey(w, kernel);
  const [keys, places] = working(w, at, type, true);
  const pairs = (at.lines * at.padded) / 2;
  const body = [
    `if (id >= u32(${w.argument(pairs)})) { return; }`,
    `let stride = u32(${w.argument(stride)});`,
    'let i = 2u * stride * (id / stride) + id % stride;',
    'let j = i + stride;',
    // Lines are powers of two long, so that a number within its line has the same low bits; the last merge goes upwards in all.
    `let upward = ((i & ${`u32(${w.argument(at.padded - 1)})`}) & u32(${w.argument(size)})) == 0u;`,
    ...exchange(keys, places),
  ];
  return w.finish(body, { workgroups: spread(pairs, 64, request.facts.maxWorkgroups) });
}

/** The rest of a merge, within runs; the last one writes the positions. */
function mergeDispatch(request: FormRequest, kernel: SortKernel, at: Lines, size: number): Dispatch {
  const last = size === at.padded;
  const w = new KernelWriter(request, last ? [1] : []);
  const { type } = sortKey(w, kernel);
  declareRuns(w, type);
  const [keys, places] = working(w, at, type, true);
  const body = [
    ...place(w, at),
    ...(last ? bases(w, request, [1]) : []),
    `let into0 = line * u32(${w.argument(at.padded)}) + first;`,
    `for (var e = lane; e < ${run}u; e += ${threads}u) { keys[e] = ${keys}[into0 + e]; places[e] = ${places}[into0 + e]; }`,
    'workgroupBarrier();',
    ...steps(`${run / 2}u`, `((first + i) & u32(${w.argument(size)})) == 0u`),
    ...writeRun(w, request, at, last, type),
  ];
  return finish(w, body, at, request.facts.maxWorkgroups);
}

function finish(w: KernelWriter, body: string[], at: Lines, most: number): Dispatch {
  return w.finish(body, {
    workgroupSize: [threads, 1, 1],
    workgroups: spread((at.lines * at.padded) / run, 1, most),
  });
}
