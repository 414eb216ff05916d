/** What the environment says of a launcher, and which libraries are tried for it. */
import { describe, expect, it } from 'vitest';
import { candidates, findLauncher } from './find.ts';

describe('the launcher', () => {
  // As the launchers of Open MPI 4.1 and 5.0, MPICH 4.0 and 5.0 and Slurm 22.05 set them.
  it.each([
    [
      { OMPI_COMM_WORLD_SIZE: '8', OMPI_COMM_WORLD_RANK: '5', OMPI_COMM_WORLD_LOCAL_SIZE: '4' },
      { name: 'Open MPI', size: 8, rank: 5, local: 4 },
    ],
    [
      { PMI_SIZE: '2', PMI_RANK: '0', MPI_LOCALNRANKS: '2' },
      { name: 'MPICH', size: 2, rank: 0, local: 2 },
    ],
    [
      { SLURM_STEP_NUM_TASKS: '6', SLURM_PROCID: '3', SLURM_STEP_TASKS_PER_NODE: '3(x2)' },
      { name: 'Slurm', size: 6, rank: 3, local: 3 },
    ],
    // A batch script that starts no step.
    [{ SLURM_NTASKS: '6', SLURM_PROCID: '0' }, null],
    [{ PMI_SIZE: '', PMI_RANK: '' }, null],
    [{ PMI_SIZE: '2', PMI_RANK: '2' }, null],
    [{}, null],
  ])('%j', (environment, launcher) => {
    expect(findLauncher(environment)).toEqual(launcher);
  });
});

describe('the libraries', () => {
  const openMpi = { name: 'Open MPI', size: 2, rank: 0, local: 2 } as const;
  const names = (launcher: Parameters<typeof candidates>[0], platform: string): string[] =>
    candidates(launcher, { PATH: '' }, platform);

  it('are those that go with the launcher, first', () => {
    expect(names(openMpi, 'linux')[0]).toBe('libmpi.so.40');
    expect(names({ ...openMpi, name: 'MPICH' }, 'linux')).toEqual([
      'libmpi_abi.so.1',
      'libmpi_abi.so.0',
      'libmpich.so.12',
      'libmpi.so.12',
    ]);
    expect(names(null, 'linux')).toContain('libmpi.so.40');
    expect(names(openMpi, 'darwin')[0]).toBe('libmpi.40.dylib');
  });

  it('are the one that is named, and no other', () => {
    expect(candidates(openMpi, { AG_MPI_LIBRARY: '/opt/mpi/libmpi.so' })).toEqual(['/opt/mpi/libmpi.so']);
  });
});
