/**
 * Training data that can be replaced while a network learns from them.
 *
 * The pass over the old data ends with the batch under way, and the next one is over the new data. Where a run goes on
 * from the middle of a pass whose data were replaced at that very step, the pass ends at once, as it did before.
 */
import type { Batch, DataLoader } from '@ag/datasets';
import type { TrainingData } from '@ag/train';

export class Supply implements TrainingData {
  #now: DataLoader;
  #next: DataLoader | null = null;

  constructor(loader: DataLoader) {
    this.#now = loader;
  }

  /** From the next pass on. */
  replace(loader: DataLoader): void {
    this.#next = loader;
  }

  /** At once: for a run that is at rest and goes on from a checkpoint of these data. */
  reset(loader: DataLoader): void {
    this.#now = loader;
    this.#next = null;
  }

  get length(): number {
    return this.#now.length;
  }

  setEpoch(epoch: number): void {
    if (this.#next) this.reset(this.#next);
    this.#now.setEpoch(epoch);
  }

  state() {
    return this.#now.state();
  }

  loadState(state: { epoch: number; position: number; seed: number }): void {
    this.#now.loadState(state);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Batch, void, undefined> {
    if (this.#next) return;
    for await (const batch of this.#now) {
      if (this.#next) return;
      yield batch;
    }
  }
}
