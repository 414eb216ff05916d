/**
 * The first kilobyte of linear memory: what the driver and the threads tell one another. Cells that different threads
 * write lie in different cache lines. `worker.js` repeats the few addresses it needs. Single constants, as in `opcodes.ts`.
 */

/** i64: number of the job in the high half, pieces nobody has claimed yet in the low half. */
export const ticket = 64;
/** Pieces of the current job that are finished. */
export const done = 128;
/** Record and number of pieces of the current job; written before the ticket. */
export const jobArguments = 192;
export const jobPieces = 196;
/** Workers that take part. */
export const ready = 200;
/** Workers asleep, and the cell they sleep on. */
export const sleepers = 256;
export const wake = 260;
/** Modules published to workers so far. */
export const published = 320;
/** Not 0: workers shall end. */
export const quit = 324;
/** Not 0: a worker failed. */
export const failed = 384;
/** A gather or scatter met an index outside its axis: 1, the argument block, the index. */
export const fault = 448;
export const faultArguments = 452;
export const faultIndex = 456;
/** Address of the first module published, a cell as in every module's head. */
export const firstModule = 512;
/** For each thread the modules it has loaded, 64 bytes apart. */
export const loaded = 576;
/** f64: digits of 2/π, 54 of them, for the reduction of large angles. */
export const twoOverPi = 1152;
/** Device memory starts here. */
export const end = 2048;
