/**
 * The first kilobyte of linear memory: what the driver and the threads tell one another. Cells that different threads
 * write lie in different cache lines. `worker.js` repeats the few addresses it needs.
 */
export const control = {
  /** i64: number of the job in the high half, pieces nobody has claimed yet in the low half. */
  ticket: 64,
  /** Pieces of the current job that are finished. */
  done: 128,
  /** Record and number of pieces of the current job; written before the ticket. */
  jobArguments: 192,
  jobPieces: 196,
  /** Workers that take part. */
  ready: 200,
  /** Workers asleep, and the cell they sleep on. */
  sleepers: 256,
  wake: 260,
  /** Modules published to workers so far. */
  published: 320,
  /** Not 0: workers shall end. */
  quit: 324,
  /** Not 0: a worker failed. */
  failed: 384,
  /** A gather or scatter met an index outside its axis: 1, the argument block, the index. */
  fault: 448,
  faultArguments: 452,
  faultIndex: 456,
  /** Address of the first module published, a cell as in every module's head. */
  firstModule: 512,
  /** For each thread the modules it has loaded, 64 bytes apart. */
  loaded: 576,
  /** f64: digits of 2/π, 54 of them, for the reduction of large angles. */
  twoOverPi: 1152,
  /** Device memory starts here. */
  end: 2048,
} as const;
