/**
 * Bands as one kernel: softmax, norms, a loss, whatever goes over the same rows (see `Launch.band`).
 *
 * A workgroup has one row, or several short ones, and goes through the launches of the band one after another. What lies between them
 * stays in workgroup memory where it fits; it never leaves the kernel unless somebody else reads it. Where invocations do not
 * share rows, as on a processor that plays a device, nobody has to wait for anybody.
 */
import type { Launch, Program } from '@ag/tensor';
import { count, localTo } from '@ag/tensor/engine';
import type { Facts } from '../../device/facts.ts';
import { valueType } from '../../emit/dtypes.ts';
import { KernelWriter, spread } from '../../emit/kernelWriter.ts';
import type { Form, FormRequest, Step } from '../form.ts';
import { bandBody } from './bandCode.ts';
import { powerAbove } from './reduceShape.ts';

/** Where the rows of a buffer that the band writes are found by its later launches. */
export type Place = 'value' | 'shared' | 'global';

/** A buffer that the band writes. */
export interface Written {
  readonly place: Place;
  /** Whether it is written to its memory. */
  readonly stored: boolean;
  /** Elements from row to row. */
  readonly span: number;
  /** Of the variable or of the array in workgroup memory. */
  readonly name: string;
  readonly type: string;
}

export interface BandPlan {
  readonly launches: readonly Launch[];
  readonly rows: number;
  /** Invocations that share a row, a power of two, and rows of a workgroup. */
  readonly sharing: number;
  readonly rowsOfGroup: number;
  readonly written: ReadonlyMap<number, Written>;
}

/** Rows so long and so few are better shared by workgroups. */
const fewRows = 32;
const longRow = 16 * 1024;
/** Elements of a row that an invocation takes, where several share it. */
const ownElements = 4;

export const band: Form = (request) => {
  const launches = bandAt(request);
  for (let end = launches.length; end >= 2; end--) {
    const step = bandOf(request, launches.slice(0, end));
    if (step !== null) return step;
  }
  return null;
};

/** The launches of the band from the one asked about on. */
function bandAt({ program, position }: FormRequest): Launch[] {
  const { launches } = program;
  const number = launches[position].band;
  if (number === undefined) return [];
  let end = position + 1;
  while (launches[end]?.band === number) end++;
  return launches.slice(position, end);
}

function bandOf(request: FormRequest, launches: readonly Launch[]): Step | null {
  const { program, facts } = request;
  const plan = planBand(program, facts, launches);
  if (plan === null || buffersOf(request, plan) > facts.maxBuffers) return null;
  const operands = launches.flatMap((launch) => launch.operands);
  const written: number[] = [];
  let first = 0;
  for (const { kernel, operands: own } of launches) {
    const outputs = 'outputs' in kernel ? kernel.outputs.length : 0;
    for (let i = own.length - outputs; i < own.length; i++)
      if (plan.written.get(own[i].buffer)!.stored) written.push(first + i);
    first += own.length;
  }
  const together: Launch = {
    ...launches[0],
    operands,
    literals: launches.flatMap(({ literals }) => literals),
    label: launches.map(({ label }) => label).join(' | '),
  };
  const w = new KernelWriter({ ...request, launch: together }, written);
  const body = bandBody(w, plan);
  const groups = Math.ceil(plan.rows / plan.rowsOfGroup);
  return {
    launches: launches.length,
    dispatches: [
      w.finish(body, {
        workgroupSize: [plan.sharing * plan.rowsOfGroup, 1, 1],
        workgroups: spread(groups, 1, facts.maxWorkgroups),
      }),
    ],
  };
}

/** Storage buffers that the kernel binds. */
function buffersOf({ bufferOf }: FormRequest, { launches, written }: BandPlan): number {
  const bound = new Set<number>();
  for (const { operands } of launches)
    for (const { buffer } of operands) {
      if (buffer < 0) continue;
      const own = written.get(buffer);
      if (own === undefined || own.stored) bound.add(bufferOf(buffer));
    }
  return bound.size;
}

export function planBand(program: Program, facts: Facts, launches: readonly Launch[]): BandPlan | null {
  const rows = Math.min(...launches.map(({ dims }) => dims[0]));
  if (rows === 0 || launches.some(({ dims }) => count(dims) === 0)) return null;
  const longest = Math.max(...launches.map(({ dims }) => count(dims) / rows));
  if (!facts.software && rows < fewRows && longest > longRow) return null;
  const threads = facts.software ? 64 : Math.min(256, facts.maxInvocations);
  const sharing =
    facts.software || longest <= 2 * ownElements
      ? 1
      : Math.min(threads, powerAbove(Math.ceil(longest / ownElements)));
  const rowsOfGroup = sharing === 1 ? 64 : Math.max(1, Math.min(threads, 64) / sharing);
  const local = new Set(localTo(program, launches));
  const written = new Map<number, Written>();
  // Sums and extremes are combined in workgroup memory, too: a word and a position for each invocation.
  let left = facts.maxWorkgroupMemory - sharing * rowsOfGroup * 24;
  launches.forEach(({ kernel, operands, dims }, i) => {
    if (kernel.form !== 'map' && kernel.form !== 'reduce') return;
    const outputs = operands.slice(operands.length - kernel.outputs.length);
    outputs.forEach(({ buffer, strides }, o) => {
      const type = valueType(kernel.outputs[o].dtype);
      const span = (strides[0] * dims[0]) / rows;
      const readLater = launches
        .slice(i + 1)
        .some((later) => later.operands.some((operand) => operand.buffer === buffer));
      let place: Place = 'global';
      if (readLater && sharing === 1 && span === 1) place = 'value';
      else if (readLater && sharing > 1 && 4 * powerAbove(span * rowsOfGroup) <= left) {
        place = 'shared';
        left -= 4 * powerAbove(span * rowsOfGroup);
      }
      const stored = place === 'global' || !local.has(buffer);
      written.set(buffer, { place, stored, span, name: `row${written.size}`, type });
    });
  });
  return { launches, rows, sharing, rowsOfGroup, written };
}
