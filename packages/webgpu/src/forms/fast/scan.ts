/**
 * Running combinations of long lines: a workgroup a line, a tile of it at a time; few very long lines by several workgroups, in three
 * dispatches (the total of each part, what comes before each part, the parts).
 */
import type { ScanKernel } from '@ag/tensor';
import { count } from '@ag/tensor/engine';
import { combinerOf } from '../../emit/combine.ts';
import { KernelWriter, spread } from '../../emit/kernelWriter.ts';
import type { Dispatch, Form, FormRequest } from '../form.ts';
import { mergedAxes, offsetsAt } from './axes.ts';
import { busyWorkgroups } from './tileShapes.ts';

/** Elements at a time, and invocations of a workgroup. */
const tile = 256;
/** Shorter lines are done by an invocation each. */
const shortest = 256;
/** Elements of a part, at least. */
const shortestPart = 8 * tile;
const maxParts = 256;

interface Cut {
  readonly lines: number;
  readonly length: number;
  readonly parts: number;
  /** A multiple of the tile. */
  readonly partLength: number;
}

export const fastScan: Form = (request) => {
  const { launch, facts } = request;
  const { kernel, dims } = launch;
  if (kernel.form !== 'scan' || facts.software || facts.maxInvocations < tile) return null;
  const length = dims[dims.length - 1];
  const lines = count(dims.slice(0, -1));
  if (length < shortest || lines === 0) return null;
  const wanted = Math.min(maxParts, Math.floor(length / shortestPart), Math.ceil(busyWorkgroups / lines));
  const partLength = Math.ceil(length / Math.max(1, wanted) / tile) * tile;
  const cut: Cut = { lines, length, parts: Math.ceil(length / partLength), partLength };
  if (cut.parts === 1) return { launches: 1, dispatches: [scanDispatch(request, kernel, cut)] };
  return {
    launches: 1,
    dispatches: [
      totalsDispatch(request, kernel, cut),
      carriesDispatch(request, kernel, cut),
      scanDispatch(request, kernel, cut),
    ],
  };
};

/** Statements that say which line and part a workgroup has, where operands begin, and where the part lies. */
function placing(w: KernelWriter, { launch }: FormRequest, operands: readonly number[], cut: Cut): string[] {
  const at = offsetsAt(
    w,
    'o',
    'line',
    mergedAxes(
      launch.dims.slice(0, -1),
      operands.map((operand) => launch.operands[operand].strides.slice(0, -1)),
    ),
  );
  const parts = `u32(${w.argument(cut.parts)})`;
  return [
    ...(cut.parts === 1
      ? ['let line = group;', 'let begin = 0;']
      : [
          `let line = group / ${parts}; let part = group % ${parts};`,
          `let begin = i32(part) * ${w.argument(cut.partLength)};`,
        ]),
    `if (line >= u32(${w.argument(cut.lines)})) { return; }`,
    `let length = ${w.argument(cut.length)};`,
    `let end = min(length, begin + ${w.argument(cut.partLength)});`,
    ...at.lines,
    ...operands.map((operand, i) => `let base${operand} = ${w.offset(operand)} + ${at.offsets[i]};`),
  ];
}

/** The address of the element `element` of an operand's line, counted from where the scan begins. */
function addressText(w: KernelWriter, { launch }: FormRequest, { reverse }: ScanKernel, operand: number) {
  const step = launch.operands[operand].strides[launch.dims.length - 1];
  const from = reverse ? '(length - 1 - element)' : 'element';
  return `(base${operand} + ${from} * ${w.argument(step)})`;
}

/** What memory and workgroups hold: no bool. */
const heldType = (type: string): string => (type === 'bool' ? 'u32' : type);
const held = (type: string, text: string): string => (type === 'bool' ? `u32(${text})` : text);
const taken = (type: string, text: string): string => (type === 'bool' ? `(${text} != 0u)` : text);

function scanDispatch(request: FormRequest, kernel: ScanKernel, cut: Cut): Dispatch {
  const w = new KernelWriter(request, [1]);
  const { type, initial, combine } = combinerOf(kernel.combine, kernel.dtype, (name) => w.use(name));
  w.declare(`var<workgroup> running: array<${type}, ${tile}>;`);
  const carries = cut.parts > 1 ? w.scratch(0, cut.lines * cut.parts * 4, heldType(type), false) : '';
  const body = [
    ...placing(w, request, [0, 1], cut),
    `var carry: ${type} = ${cut.parts > 1 ? taken(type, `${carries}[group]`) : initial};`,
    `for (var first = begin; first < end; first += ${tile}) {`,
    'let element = first + i32(lane);',
    `var own: ${type} = ${initial};`,
    `if (element < end) { own = ${w.load(0, addressText(w, request, kernel, 0))}; }`,
    'running[lane] = own;',
    'workgroupBarrier();',
    `for (var by = 1u; by < ${tile}u; by *= 2u) {`,
    `if (lane >= by) { own = ${combine('running[lane - by]', 'own')}; }`,
    'workgroupBarrier();',
    'running[lane] = own;',
    'workgroupBarrier();',
    '}',
    'if (element < end) {',
    w.store(1, addressText(w, request, kernel, 1), combine('carry', 'own')),
    '}',
    `carry = ${combine('carry', `running[${tile - 1}]`)};`,
    'workgroupBarrier();',
    '}',
  ];
  return w.finish(body, {
    workgroupSize: [tile, 1, 1],
    workgroups: spread(cut.lines * cut.parts, 1, request.facts.maxWorkgroups),
  });
}

/** The total of each part. */
function totalsDispatch(request: FormRequest, kernel: ScanKernel, cut: Cut): Dispatch {
  const w = new KernelWriter(request, []);
  const { type, initial, combine } = combinerOf(kernel.combine, kernel.dtype, (name) => w.use(name));
  w.declare(`var<workgroup> running: array<${type}, ${tile}>;`);
  const totals = w.scratch(1, cut.lines * cut.parts * 4, heldType(type), true);
  const body = [
    ...placing(w, request, [0], cut),
    `var own: ${type} = ${initial};`,
    `for (var element = begin + i32(lane); element < end; element += ${tile}) {`,
    `own = ${combine('own', w.load(0, addressText(w, request, kernel, 0)))};`,
    '}',
    'running[lane] = own;',
    'workgroupBarrier();',
    `for (var by = ${tile / 2}u; by > 0u; by /= 2u) {`,
    `if (lane < by) { own = ${combine('own', 'running[lane + by]')}; running[lane] = own; }`,
    'workgroupBarrier();',
    '}',
    `if (lane == 0u) { ${totals}[group] = ${held(type, 'own')}; }`,
  ];
  return w.finish(body, {
    workgroupSize: [tile, 1, 1],
    workgroups: spread(cut.lines * cut.parts, 1, request.facts.maxWorkgroups),
  });
}

/** What comes before each part: an invocation a line. */
function carriesDispatch(request: FormRequest, kernel: ScanKernel, cut: Cut): Dispatch {
  const w = new KernelWriter(request, []);
  const { type, initial, combine } = combinerOf(kernel.combine, kernel.dtype, (name) => w.use(name));
  const bytes = cut.lines * cut.parts * 4;
  const carries = w.scratch(0, bytes, heldType(type), true);
  const totals = w.scratch(1, bytes, heldType(type), false);
  const body = [
    `if (id >= u32(${w.argument(cut.lines)})) { return; }`,
    `let parts = u32(${w.argument(cut.parts)});`,
    `var carry: ${type} = ${initial};`,
    'for (var part = 0u; part < parts; part++) {',
    'let at = id * parts + part;',
    `${carries}[at] = ${held(type, 'carry')};`,
    `carry = ${combine('carry', taken(type, `${totals}[at]`))};`,
    '}',
  ];
  return w.finish(body, { workgroups: spread(cut.lines, 64, request.facts.maxWorkgroups) });
}
