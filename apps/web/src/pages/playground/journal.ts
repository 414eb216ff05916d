/**
 * What was changed while a network learned, and at which step.
 *
 * A run that goes back and on again meets the same changes at the same steps, so it makes the same losses. A new change
 * after going back takes the place of those that had followed.
 */
export interface Change<Settings> {
  /** After so many steps; −1 is how it began. */
  readonly step: number;
  /** What is changed: of changes of the same in a row, at the same step, the last one counts. */
  readonly what: string;
  /** All that can be changed by settings, as it is from here on; null where something else was changed. */
  readonly settings: Settings | null;
  /** Makes the change. */
  readonly apply: () => void;
}

export class Journal<Settings> {
  #changes: Change<Settings>[] = [];

  /** Remembers a change, and forgets those that had come later. */
  add(change: Change<Settings>): void {
    this.#changes = this.#changes.filter(({ step }) => step <= change.step);
    const last = this.#changes.at(-1);
    if (last?.step === change.step && last.what === change.what) this.#changes.pop();
    this.#changes.push(change);
  }

  /** The changes made after so many steps, first to last. */
  at(step: number): readonly Change<Settings>[] {
    return this.#changes.filter((change) => change.step === step);
  }

  /** What held while the step itself was taken: what a checkpoint of it goes on from. */
  before(step: number): Change<Settings> | undefined {
    return this.#changes.findLast((change) => change.settings !== null && change.step < step);
  }
}
