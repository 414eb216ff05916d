/**
 * The order of routines that meet those of other processes. All processes must come to them in one order, whatever the sizes of
 * their parts make of the kernels around; and while a meeting that was split goes on, everything is computed that can do
 * without its result.
 */
import type { Launch } from '../kernel/kernel.ts';
import { collectivePart } from '../ops/op.ts';
import type { Cluster } from './cluster.ts';

/** For each cluster that begins a meeting, the one that must come before it: in the order in which the tensors were made. */
export function meetingOrder(clusters: readonly Cluster[]): ReadonlyMap<Cluster, Cluster> {
  const before = new Map<Cluster, Cluster>();
  const meetings = clusters
    .filter(({ root }) => root !== null && ['whole', 'start'].includes(collectivePart(root.op) ?? ''))
    .sort((a, b) => a.root!.origin.serial - b.root!.origin.serial);
  for (let i = 1; i < meetings.length; i++) before.set(meetings[i], meetings[i - 1]);
  return before;
}

/**
 * The launches with those behind that need what is still on its way: the waits first, as all that follows needs one of them,
 * then the rest. Each group keeps its order.
 */
export function postponeWaits(launches: readonly Launch[]): readonly Launch[] {
  const isWait = ({ kernel }: Launch): boolean => kernel.form === 'host' && kernel.collective === 'finish';
  if (!launches.some(isWait)) return launches;
  const early: Launch[] = [];
  const waits: Launch[] = [];
  const late: Launch[] = [];
  /** Buffers that a postponed launch writes or reads: who changes those or reads what it wrote comes behind it. */
  const written = new Set<number>();
  const read = new Set<number>();
  const writtenBehindWaits = new Set<number>();
  for (const launch of launches) {
    const { operands } = launch;
    const outputs = operands.length - writes(launch);
    const reads = operands.slice(0, outputs).map(({ buffer }) => buffer);
    const changes = operands.slice(outputs).map(({ buffer }) => buffer);
    const wait = isWait(launch);
    const postponed =
      wait ||
      reads.some((buffer) => written.has(buffer)) ||
      changes.some((buffer) => written.has(buffer) || read.has(buffer));
    if (!postponed) {
      early.push(launch);
      continue;
    }
    for (const buffer of reads) read.add(buffer);
    for (const buffer of changes) written.add(buffer);
    // What was begun with a result of another meeting waits behind what made it.
    if (wait && !reads.some((buffer) => writtenBehindWaits.has(buffer))) {
      waits.push(launch);
      continue;
    }
    for (const buffer of changes) writtenBehindWaits.add(buffer);
    late.push(launch);
  }
  return [...early, ...waits, ...late];
}

/** How many of a launch's operands, the last ones, are written. */
function writes({ kernel }: Launch): number {
  return 'outputs' in kernel ? kernel.outputs.length : 1;
}
