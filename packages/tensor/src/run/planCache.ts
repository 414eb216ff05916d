/**
 * The plans of each backend: found by structure, made when there is none, dropped when they are too many.
 */

import { bytesPerElement, type DType } from '../dtype.ts';
import {
  type Backend,
  type BackendStats,
  type Executable,
  type Memory,
  OutOfMemoryError,
} from '../kernel/backend.ts';
import { makePlan, type Plan } from '../plan/plan.ts';
import { hashOf, sameSignature, type Traversal } from '../plan/signature.ts';
import { sizeOf } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import type { Update } from '../variable.ts';
import { warn } from '../warn.ts';
import { spillAll } from './deviceValue.ts';
import { withoutGrowth } from './growth.ts';
import { runObservers } from './observe.ts';
import { backend } from './runtime.ts';
import { scopeNames } from './watch.ts';

/** An output of a plan; small ones have memory of their own that is read to the host after every run. */
export interface PlanOutput {
  readonly dtype: DType;
  readonly length: number;
  readonly bytes: number;
  memory: Memory | null;
}

/** A plan made ready on a backend. */
export interface ReadyPlan extends Plan {
  readonly executable: Executable;
  readonly hash: number;
  readonly fusion: boolean;
  readonly outputs: readonly PlanOutput[];
  lastUse: number;
  /** Held by compiled graphs, not to be evicted. */
  pins: number;
}

interface PlanCache {
  readonly plans: Map<number, ReadyPlan[]>;
  /** The plan found last: a training loop asks for one again and again. */
  latest: ReadyPlan | null;
  count: number;
  clock: number;
  made: number;
  evicted: number;
}

/** Plans kept for a backend; the least recently used goes first. */
const maxPlans = 256;

let fusion = true;
const caches = new WeakMap<Backend, PlanCache>();
/** Figures of the backend in use and of its plans. */
export interface Stats extends BackendStats {
  readonly backend: string;
  /** Plans in the cache. */
  readonly plans: number;
  /** Plans made since the start; steady work makes none. */
  readonly plansMade: number;
}

/** What is cached, compiled and held by the backend in use. */
export function stats(): Stats {
  const cache = caches.get(backend());
  return {
    backend: backend().name,
    plans: cache?.count ?? 0,
    plansMade: cache?.made ?? 0,
    ...backend().stats(),
  };
}

/** Turns fusion off (one kernel for each operation) or on again; for tests that compare both. Returns the former setting. */
export function setFusion(enabled: boolean): boolean {
  const before = fusion;
  fusion = enabled;
  return before;
}

/** The plan for a traversal: from the cache if one of equal structure is there. */
export function planFor(
  traversal: Traversal,
  outputs: readonly Tensor[],
  updates: readonly Update[],
): ReadyPlan {
  const target = backend();
  let cache = caches.get(target);
  if (!cache) {
    cache = { plans: new Map(), latest: null, count: 0, clock: 0, made: 0, evicted: 0 };
    caches.set(target, cache);
  }
  cache.clock++;
  const { latest } = cache;
  if (latest !== null && latest.fusion === fusion && sameSignature(latest.signature, traversal)) {
    latest.lastUse = cache.clock;
    for (const observer of runObservers()) observer.planFound(latest, cache.count, target);
    return latest;
  }
  const hash = fusion ? hashOf(traversal) : ~hashOf(traversal);
  const candidates = cache.plans.get(hash);
  if (candidates) {
    for (const plan of candidates) {
      if (sameSignature(plan.signature, traversal)) {
        plan.lastUse = cache.clock;
        cache.latest = plan;
        for (const observer of runObservers()) observer.planFound(plan, cache.count, target);
        return plan;
      }
    }
  }
  const plan = withoutGrowth(() =>
    makePlan(traversal, outputs, updates, {
      fusion,
      scopeOf: scopeNames(),
      ...(target.maximalBuffers !== undefined && { maxBuffers: target.maximalBuffers }),
    }),
  );
  const ready: ReadyPlan = {
    ...plan,
    executable: target.prepare(plan.program),
    hash,
    fusion,
    outputs: outputs.map(({ shape, dtype }) => {
      const length = sizeOf(shape);
      return { dtype, length, bytes: length * bytesPerElement(dtype), memory: null };
    }),
    lastUse: cache.clock,
    pins: 0,
  };
  if (candidates) candidates.push(ready);
  else cache.plans.set(hash, [ready]);
  cache.latest = ready;
  cache.count++;
  cache.made++;
  for (const observer of runObservers()) observer.planMade(ready, cache.count, target);
  if (cache.count > maxPlans) evict(target, cache, ready);
  return ready;
}

/**
 * Makes room on a device whose memory is exhausted: moves results nobody has read to the host and drops the plans that
 * nobody holds. What failed is worth another try afterwards; where there was nothing to free, `error` is thrown again.
 */
export function freeMemoryOrThrow(target: Backend, error: unknown): void {
  if (!(error instanceof OutOfMemoryError)) throw error;
  const spilled = spillAll(target);
  const cache = caches.get(target);
  const idle = [...(cache?.plans.values() ?? [])].flat().filter(({ pins }) => pins === 0);
  for (const plan of idle) drop(target, cache!, plan);
  if (!spilled && idle.length === 0) throw error;
}

/** Drops the plan that was not used for longest, never `latest`, which is about to run. */
function evict(target: Backend, cache: PlanCache, latest: ReadyPlan): void {
  let oldest: ReadyPlan | null = null;
  for (const list of cache.plans.values()) {
    for (const plan of list)
      if (plan.pins === 0 && plan !== latest && (oldest === null || plan.lastUse < oldest.lastUse))
        oldest = plan;
  }
  if (!oldest) return;
  drop(target, cache, oldest);
  cache.evicted++;
  if (cache.evicted === 2 * maxPlans) {
    warn(
      'AG_CHANGING_PLANS',
      `${cache.made} plans were made and ${cache.evicted} dropped again: the structure of the computation changes at almost every ` +
        'evaluation. Common causes: sizes that differ each time, numbers that decide which operations run. Pad to few sizes or use where.',
    );
  }
}

function drop(target: Backend, cache: PlanCache, plan: ReadyPlan): void {
  const list = cache.plans.get(plan.hash)!;
  list.splice(list.indexOf(plan), 1);
  if (list.length === 0) cache.plans.delete(plan.hash);
  for (const { memory } of plan.outputs) if (memory) target.release(memory);
  target.dispose(plan.executable);
  if (cache.latest === plan) cache.latest = null;
  cache.count--;
  for (const observer of runObservers()) observer.planDropped(plan, cache.count, target);
}
