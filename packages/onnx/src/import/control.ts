/**
 * Operators that run graphs: branches and loops.
 */
import { concat, stack, type Tensor } from '@ag/tensor';
import { valueError } from '@ag/tensor/engine';
import { fileError } from '../errors.ts';
import type { Call, Rules } from './call.ts';
import { Value } from './value.ts';

/** A branch that is chosen by a condition that has to be known. */
function choose(call: Call): readonly Value[] {
  const taken = call.number(0) !== 0;
  return call.subgraph(taken ? 'then_branch' : 'else_branch', []);
}

/** The steps written out one after the other: how many there are is known, or read as they go. */
function loop(call: Call): readonly Value[] {
  const body = call.graph('body');
  const most = call.has(0) ? call.number(0) : Number.POSITIVE_INFINITY;
  let carried = call.inputs.slice(2).map((_, i) => call.value(2 + i));
  const collected: Tensor[][] = Array.from({ length: body.output.length - 1 - carried.length }, () => []);
  let going = call.has(1) ? call.value(1) : null;
  for (let i = 0; i < most; i++) {
    if (going && going.read().data[0] === 0) break;
    const step = new Value(null, { type: 'int64', shape: [], data: [i] });
    const condition = going ?? new Value(null, { type: 'bool', shape: [], data: [1] });
    const [next, ...values] = call.subgraph('body', [step, condition, ...carried]);
    if (!call.has(1) && most === Number.POSITIVE_INFINITY && next === going)
      throw valueError('the loop never ends');
    going = next;
    carried = values.slice(0, carried.length);
    values.slice(carried.length).forEach((value, j) => {
      collected[j].push(value.tensor);
    });
  }
  return [...carried, ...collected.map((rows) => stackedRows(rows))];
}

function stackedRows(rows: readonly Tensor[]): Value {
  if (rows.length === 0) throw valueError('a loop of no steps collects rows whose shape is not known');
  return new Value(stack(rows));
}

function scan(call: Call): readonly Value[] {
  const body = call.graph('body');
  const early = call.opset < 9;
  if (early) throw call.refuse('Scan with a batch axis, as it was before version 9,');
  const count = call.int('num_scan_inputs');
  const states = call.inputs.length - count;
  if (states < 0) throw fileError(`${count} sequences among ${call.inputs.length} inputs`);
  const sequences = Array.from({ length: count }, (_, i) => call.tensor(states + i));
  const outputs = body.output.length - states;
  const list = (name: string, n: number): readonly number[] =>
    call.ints(name) ?? new Array<number>(n).fill(0);
  const inputAxes = list('scan_input_axes', count).map((axis, i) =>
    call.axis(axis, sequences[i].shape.length),
  );
  const inputDirections = list('scan_input_directions', count);
  const outputAxes = list('scan_output_axes', outputs);
  const outputDirections = list('scan_output_directions', outputs);
  const length = sequences[0]?.shape[inputAxes[0]] ?? 0;
  let carried = Array.from({ length: states }, (_, i) => call.value(i));
  const collected: Tensor[][] = Array.from({ length: outputs }, () => []);
  for (let t = 0; t < length; t++) {
    const rows = sequences.map((x, i) => {
      const axis = inputAxes[i];
      const at = inputDirections[i] === 1 ? length - 1 - t : t;
      return new Value(x.slice(at, at + 1, { axis }).squeeze(axis));
    });
    const values = call.subgraph('body', [...carried, ...rows]);
    carried = values.slice(0, states);
    values.slice(states).forEach((value, i) => {
      collected[i].push(value.tensor);
    });
  }
  const results = collected.map((rows, i) => {
    if (rows.length === 0) return stackedRows(rows);
    const axis = call.axis(outputAxes[i], rows[0].shape.length + 1);
    const ordered = outputDirections[i] === 1 ? rows.toReversed() : rows;
    return new Value(
      concat(
        ordered.map((row) => row.unsqueeze(axis)),
        axis,
      ),
    );
  });
  return [...carried, ...results];
}

export const control: Rules = { If: choose, Loop: loop, Scan: scan };
