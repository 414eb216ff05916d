/** What is said of the library of this machine. */
import { describe, expect, it } from 'vitest';
import { mpiSupport } from './index.ts';
import { launcher } from './testing/launch.ts';

describe('what there is of MPI', () => {
  it.skipIf(launcher === null)('names the library and its version', async () => {
    expect(await mpiSupport()).toMatchObject({
      library: expect.stringContaining('libmpi'),
      version: expect.stringMatching(/\d+\.\d+/),
      family: expect.stringMatching(/Open MPI|MPICH|standard ABI/),
      launcher: null,
      reason: null,
    });
  });

  it('says how to get one where there is none, and what is wrong with one that is named', async () => {
    const none = await mpiSupport({ AG_MPI_LIBRARY: '/nowhere/libmpi.so' });
    expect(none).toMatchObject({
      library: null,
      version: null,
      reason: expect.stringMatching(/^AG_MPI_LIBRARY is \/nowhere\/libmpi\.so, which cannot be used/),
    });
    // A library that is something else.
    const other = await mpiSupport({ AG_MPI_LIBRARY: 'libc.so.6' });
    expect(other.reason).toMatch(/cannot be used/);
  });
});
