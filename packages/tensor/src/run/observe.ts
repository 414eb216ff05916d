/**
 * Listening to nodes being made and to plans being run: development tools do while they work.
 *
 * Without a listener this costs one comparison for each node and each run.
 */
import type { Backend } from '../kernel/backend.ts';
import type { Tensor } from '../tensor.ts';
import type { ReadyPlan } from './planCache.ts';

type Listener = (tensor: Tensor) => void;

const listeners: Listener[] = [];

let call: object | null = null;

/** Runs work whose tensors all belong to one line of the user's, so that a listener looks for it once. */
export function asOneCall<T>(work: () => T): T {
  const outer = call;
  call ??= {};
  try {
    return work();
  } finally {
    call = outer;
  }
}

/** The same for all tensors of one such call; null outside. */
export function currentCall(): object | null {
  return call;
}

/** Called by every new tensor. */
export function noteCreation(tensor: Tensor): void {
  if (listeners.length > 0) for (const listener of listeners) listener(tensor);
}

/** Listens to new tensors from now on; returns what ends it. */
export function listenToCreation(watch: Listener): () => void {
  const own: Listener = (tensor) => watch(tensor);
  listeners.push(own);
  return () => {
    const position = listeners.indexOf(own);
    if (position >= 0) listeners.splice(position, 1);
  };
}

/** Listens to new tensors while `work` runs, in addition to who listened before. */
export function watchCreation<T>(watch: Listener, work: () => T): T {
  const stop = listenToCreation(watch);
  try {
    return work();
  } finally {
    stop();
  }
}

/** Listens to what happens to plans. `plans` are those the cache keeps. */
export interface RunObserver {
  planMade(plan: ReadyPlan, plans: number, backend: Backend): void;
  planFound(plan: ReadyPlan, plans: number, backend: Backend): void;
  planDropped(plan: ReadyPlan, plans: number, backend: Backend): void;
  ran(backend: Backend): void;
}

const observers: RunObserver[] = [];

/** Listens to plans from now on; returns what ends it. */
export function observeRuns(observer: RunObserver): () => void {
  observers.push(observer);
  return () => {
    const position = observers.indexOf(observer);
    if (position >= 0) observers.splice(position, 1);
  };
}

/** Who listens; the cache of plans and each run tell them. */
export function runObservers(): readonly RunObserver[] {
  return observers;
}
