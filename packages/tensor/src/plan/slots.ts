/**
 * Memory for values that live within a run only: slots, shared by values that are not needed at the same time.
 */
import { bytesPerElement } from '../dtype.ts';
import type { BufferSpec, Launch } from '../kernel/kernel.ts';

/** Each value takes the best-fitting slot that is free from its first write to its last use. */
export function assignSlots(
  buffers: readonly BufferSpec[],
  launches: readonly Launch[],
): { specs: BufferSpec[]; slots: number[] } {
  const specs = [...buffers];
  // The launches of a band may run in turns, so all their values are needed at once.
  const steps: Launch[][] = [];
  launches.forEach((launch, i) => {
    const together = launch.band !== undefined && launch.band === launches[i - 1]?.band;
    if (together) steps[steps.length - 1].push(launch);
    else steps.push([launch]);
  });
  const operandsOf = (step: readonly Launch[]) => step.flatMap((launch) => launch.operands);
  const last = new Map<number, number>();
  steps.forEach((step, i) => {
    for (const { buffer } of operandsOf(step)) if (buffer >= 0) last.set(buffer, i);
  });
  const slots: number[] = [];
  const free = new Set<number>();
  const slotOf = new Map<number, number>();
  steps.forEach((step, i) => {
    for (const { buffer } of operandsOf(step)) {
      const spec = buffer >= 0 ? specs[buffer] : null;
      if (spec?.kind !== 'slot' || spec.slot >= 0) continue;
      const bytes = spec.length * bytesPerElement(spec.dtype);
      const slot = takeSlot(slots, free, bytes);
      slotOf.set(buffer, slot);
      specs[buffer] = { ...spec, slot };
    }
    for (const { buffer } of operandsOf(step)) {
      if (last.get(buffer) === i && slotOf.has(buffer)) free.add(slotOf.get(buffer)!);
    }
  });
  return {
    specs: specs.map((spec) =>
      spec.kind === 'slot' && spec.slot < 0 ? { ...spec, slot: takeSlot(slots, free, 0) } : spec,
    ),
    slots,
  };
}

function takeSlot(slots: number[], free: Set<number>, bytes: number): number {
  let best = -1;
  let largest = -1;
  for (const slot of free) {
    const size = slots[slot];
    if (size === bytes) {
      // None fits better, and in a deep network there are thousands of them.
      best = slot;
      break;
    }
    if (size >= bytes && (best < 0 || size < slots[best])) best = slot;
    if (largest < 0 || size > slots[largest]) largest = slot;
  }
  // Too large by far wastes memory that a later value needs; too small grows rather than adding a slot.
  if (best >= 0 && slots[best] > 4 * bytes + 4096) best = -1;
  if (best < 0 && largest >= 0 && slots[largest] < bytes) best = largest;
  if (best < 0) return slots.push(bytes) - 1;
  free.delete(best);
  slots[best] = Math.max(slots[best], bytes);
  return best;
}
