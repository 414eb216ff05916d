/**
 * `@ag/mpi`: training of `@ag/train` on more than one machine, by the MPI library that is there.
 *
 * Reading order: `library/` (which library, and what stands for what in it), `communicator.js` (the thread that calls it),
 * `communication.ts` (how that thread is asked), `world.ts` (what `fit` sees).
 */
export { findLauncher, type Launcher } from './library/find.ts';
export { type MpiSupport, mpiSupport } from './support.ts';
export { type MpiOptions, type MpiWorld, mpi, type SumTimes } from './world.ts';
