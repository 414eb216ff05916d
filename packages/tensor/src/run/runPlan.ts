/**
 * Running a plan: memory for its results, bindings for its leaves, and the commit of new values. What is written lies apart
 * from what is there until the whole plan has run; only then do variables change.
 */

import type { TypedArray } from '../dtype.ts';
import { codedError } from '../errors.ts';
import type { Backend, Binding, Memory } from '../kernel/backend.ts';
import type { Leaf } from '../node.ts';
import type { Tensor } from '../tensor.ts';
import type { Update, Variable } from '../variable.ts';
import { collectiveError } from './collective.ts';
import { cannotReadNow, type DeviceValue, ownedValue, readNow } from './deviceValue.ts';
import { noteEvaluation } from './growth.ts';
import { runObservers } from './observe.ts';
import type { PlanOutput, ReadyPlan } from './planCache.ts';
import { backend } from './runtime.ts';
import { noteSlowRun } from './slowDefault.ts';

/** Results up to this size are copied to the host at once where the backend can; larger ones stay on the device. */
const hostBytes = 64 * 1024;

/** Where results go: those up to 64 KiB to the host and others to the device, all to the host, or all to the device to stay. */
export type Destination = 'small to host' | 'host' | 'keep';

let running = false;

/** Whether a plan runs now. */
export function isRunning(): boolean {
  return running;
}

/** Memory or host array that holds a leaf's elements. What is read again and again is uploaded once, from `least` bytes on. */
export function bindLeaf(tensor: Tensor, least = 1024): Binding {
  const target = backend();
  const leaf = tensor.leaf!;
  switch (leaf.kind) {
    case 'variable':
      return leaf.variable.memoryOf(leaf.version, target);
    case 'device':
      return leaf.device.bindingOn(target);
    case 'host': {
      if (leaf.device?.isOn(target)) return leaf.device.bindingOn(target);
      if (++leaf.uses < 3 || leaf.data.byteLength < least) return leaf.data;
      const memory = target.allocate(leaf.data.byteLength, false);
      target.write(memory, leaf.data);
      leaf.device = ownedValue(
        leaf,
        target,
        memory,
        tensor.dtype,
        leaf.data.length,
        leaf.data.byteLength,
        false,
      );
      return memory;
    }
    default:
      throw codedError(Error, 'AG_INTERNAL', `a ${leaf.kind} cannot be bound to memory`);
  }
}

/**
 * Runs a plan whose leaves are bound and commits its updates; returns where each output's elements are. Used by
 * `evaluate` and by prepared graphs. `leaves` may be empty when no binding can be a variable's previous memory. `check`
 * sees the last output before anything is committed.
 */
export function runPlan(
  plan: ReadyPlan,
  bindings: Binding[],
  scalars: Float64Array,
  leaves: readonly Tensor[],
  updates: readonly Update[],
  destination: Destination,
  check: ((elements: TypedArray) => void) | null = null,
): Leaf[] {
  const target = backend();
  const { outputs, boundLeaves } = plan;
  // What may still be refused is never written over the present value.
  const inPlace = (i: number): boolean => check === null && plan.inPlace[i];
  const firstUpdate = boundLeaves + outputs.length;
  const fresh = new Set<Memory>();
  const results: Leaf[] = [];
  let bound = 0;
  let begun = false;
  try {
    for (let i = 0; i < outputs.length; i++) {
      const output = outputs[i];
      if (destination !== 'keep' && output.bytes <= hostBytes && target.readSync) {
        output.memory ??= target.allocate(output.bytes, false);
        bindings[boundLeaves + i] = output.memory;
      } else {
        const memory = target.allocate(output.bytes, false);
        fresh.add(memory);
        bindings[boundLeaves + i] = memory;
      }
    }
    const read = previousValuesRead(leaves);
    for (; bound < updates.length; bound++) {
      const { variable } = updates[bound];
      bindings[firstUpdate + bound] = variable.targetOf(target, inPlace(bound), read.has(variable));
    }
    running = true;
    begun = true;
    target.run(plan.executable, bindings, scalars);
    running = false;
    noteEvaluation();
    noteSlowRun(plan.program);
    for (const observer of runObservers()) observer.ran(target);
    if (check) {
      const { dtype, length } = outputs[outputs.length - 1];
      const elements = readNow(target, bindings[firstUpdate - 1] as Memory, dtype, length);
      if (elements === null)
        throw cannotReadNow(
          `detectAnomaly: the backend '${target.name}' cannot read synchronously, so results cannot be checked before they count`,
          'look for anomalies on another one: await moveTo(await wasm(), model)',
        );
      check(elements);
    }
    for (let i = 0; i < outputs.length; i++)
      results.push(resultLeaf(outputs[i], bindings[boundLeaves + i] as Memory, target, destination));
    for (let i = 0; i < updates.length; i++) {
      updates[i].variable.commit(bindings[firstUpdate + i] as Memory, target, inPlace(i));
    }
    return results;
  } catch (error) {
    results.forEach((leaf, i) => {
      // Results that were read to the host have given their memory back already.
      fresh.delete(bindings[boundLeaves + i] as Memory);
      if (leaf.kind === 'device') leaf.device.release();
    });
    for (const memory of fresh) target.release(memory);
    for (let i = 0; i < bound; i++) updates[i].variable.abandon(bindings[firstUpdate + i] as Memory, target);
    throw begun && plan.collective ? collectiveError(error) : error;
  } finally {
    running = false;
  }
}

const noVariables: ReadonlySet<Variable> = new Set();

/** The variables whose previous value is among the leaves: it must not be written over. */
function previousValuesRead(leaves: readonly Tensor[]): ReadonlySet<Variable> {
  let found: Set<Variable> | null = null;
  for (const { leaf } of leaves) {
    if (leaf?.kind === 'variable' && leaf.version < leaf.variable.version) {
      found ??= new Set();
      found.add(leaf.variable);
    }
  }
  return found ?? noVariables;
}

function resultLeaf(output: PlanOutput, memory: Memory, target: Backend, destination: Destination): Leaf {
  const { bytes, dtype, length } = output;
  const staged = memory === output.memory;
  const data = staged || destination === 'host' ? readNow(target, memory, dtype, length) : null;
  if (data !== null) {
    if (!staged) target.release(memory);
    return { kind: 'host', data, uses: 0, device: null };
  }
  // It cannot be read yet: the memory becomes the tensor's own.
  if (staged) output.memory = null;
  const leaf = { kind: 'device', device: null } as unknown as { kind: 'device'; device: DeviceValue };
  leaf.device = ownedValue(leaf, target, memory, dtype, length, bytes, destination === 'keep');
  return leaf;
}
