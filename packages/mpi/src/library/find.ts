/**
 * Which libraries to try, and what the launcher says. `mpirun`, `mpiexec` and `srun` tell a process its number by variables
 * of the environment; without one there is a world of one process, and no library is needed.
 */
import { existsSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

/** What started this process, as the environment has it. */
export interface Launcher {
  readonly name: 'Open MPI' | 'MPICH' | 'Slurm';
  /** Processes that it started. */
  readonly size: number;
  readonly rank: number;
  /** Processes that it started on this machine. */
  readonly local: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

const launchers = [
  {
    name: 'Open MPI',
    size: 'OMPI_COMM_WORLD_SIZE',
    rank: 'OMPI_COMM_WORLD_RANK',
    local: 'OMPI_COMM_WORLD_LOCAL_SIZE',
  },
  { name: 'MPICH', size: 'PMI_SIZE', rank: 'PMI_RANK', local: 'MPI_LOCALNRANKS' },
  // `srun`, whichever interface it offers. A batch script itself is no step, and has no such variable.
  { name: 'Slurm', size: 'SLURM_STEP_NUM_TASKS', rank: 'SLURM_PROCID', local: 'SLURM_STEP_TASKS_PER_NODE' },
] as const;

/** What started this process, or null where nothing of the kind did. */
export function findLauncher(environment: Environment): Launcher | null {
  for (const { name, ...variables } of launchers) {
    const [size, rank] = [variables.size, variables.rank].map((name) => count(environment[name]));
    if (size === null || rank === null || size < 1 || rank >= size) continue;
    // Slurm's is a list such as `4(x2),3`, of which the first is near enough.
    const local = count(environment[variables.local]?.replace(/\D.*$/, '')) ?? size;
    return { name, size, rank, local: Math.max(1, Math.min(size, local)) };
  }
  return null;
}

function count(text: string | undefined): number | null {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : null;
}

/** File names by platform: the standard ABI, Open MPI's, MPICH's and those that keep to its numbers. */
const names: Readonly<
  Record<'linux' | 'darwin', Readonly<Record<'abi' | 'open' | 'mpich', readonly string[]>>>
> = {
  linux: {
    abi: ['libmpi_abi.so.1', 'libmpi_abi.so.0'],
    open: ['libmpi.so.40'],
    mpich: ['libmpich.so.12', 'libmpi.so.12'],
  },
  darwin: {
    abi: ['libmpi_abi.1.dylib'],
    open: ['libmpi.40.dylib'],
    mpich: ['libmpi.12.dylib', 'libpmpi.12.dylib'],
  },
};

/**
 * Libraries to try, in order: the one that is named by `AG_MPI_LIBRARY`, and no other; else those that go with the launcher
 * first, beside the launcher's program and where the system looks.
 */
export function candidates(
  launcher: Launcher | null,
  environment: Environment,
  platform: string = process.platform,
): string[] {
  if (environment.AG_MPI_LIBRARY) return [environment.AG_MPI_LIBRARY];
  const { abi, open, mpich } = names[platform === 'darwin' ? 'darwin' : 'linux'];
  // Open MPI's launcher hands ranks to its own library alone, and so does MPICH's, whose library may speak the standard ABI.
  const order =
    launcher?.name === 'Open MPI'
      ? [open, abi]
      : launcher?.name === 'MPICH'
        ? [abi, mpich]
        : [abi, open, mpich];
  const folders = libraryFolders(environment);
  return order
    .flat()
    .flatMap((file) => [
      ...folders.map((folder) => join(folder, file)).filter((path) => existsSync(path)),
      file,
    ]);
}

/** Beside the launcher that would be run: MPI is often installed for itself, with a folder of programs and one of libraries. */
function libraryFolders({ PATH = '' }: Environment): string[] {
  const folders = new Set<string>();
  for (const folder of PATH.split(delimiter)) {
    const program = join(folder, 'mpirun');
    if (folder !== '' && existsSync(program)) {
      folders.add(join(dirname(folder), 'lib'));
      folders.add(join(dirname(dirname(realpathSync(program))), 'lib'));
    }
  }
  return [...folders].filter((folder) => existsSync(folder));
}
