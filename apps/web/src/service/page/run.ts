/** Something on a page that can be started, paused and begun again. */
export interface Run {
  /** Whether there is anything to run: false until the worker has answered. */
  readonly ready: boolean;
  readonly running: boolean;
  /** Whether it can go no further. */
  readonly ended: boolean;
  play(): void;
  pause(): void;
  /** Does one step, or the least that it can, and rests. */
  step?(): void;
  reset(): void;
}
