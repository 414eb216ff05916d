/** What there is of MPI on this machine: `agrad doctor` shows it. */
import { Communication } from './communication.ts';
import { candidates, findLauncher, type Launcher } from './library/find.ts';

/** What {@link mpiSupport} found. */
export interface MpiSupport {
  /** The library that `mpi()` would take, by the name or path it was found under; null where there is none. */
  readonly library: string | null;
  /** What the library says of itself, such as "Open MPI v4.1.4"; null without a library. */
  readonly version: string | null;
  /** What names its objects: `'Open MPI'`, `'MPICH'` or `'standard ABI'`; null without a library. */
  readonly family: string | null;
  /** What started this process with others; null where it stands alone. */
  readonly launcher: Launcher | null;
  /** Why there is no library, and how to get one; null where there is one. */
  readonly reason: string | null;
}

/**
 * Which MPI library this machine has, without starting anything.
 *
 * @param environment variables of the environment; `AG_MPI_LIBRARY` names a library by its path
 */
export async function mpiSupport(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Promise<MpiSupport> {
  const launcher = findLauncher(environment);
  const communication = Communication.start(candidates(launcher, environment), 0, true);
  const { path, version, family, failures } = communication.loaded;
  await communication.ended();
  return {
    library: path ?? null,
    version: version ?? null,
    family: family ?? null,
    launcher,
    reason: path === undefined ? missing(environment, failures) : null,
  };
}

/** That no library was found, which were tried, and how to get one. */
export function missing(
  environment: Readonly<Record<string, string | undefined>>,
  failures: readonly string[],
): string {
  if (environment.AG_MPI_LIBRARY) {
    return `AG_MPI_LIBRARY is ${environment.AG_MPI_LIBRARY}, which cannot be used: ${failures.join('; ')}`;
  }
  return (
    'no MPI library was found. Install Open MPI or MPICH (Debian and Ubuntu: apt install openmpi-bin, or mpich; macOS: brew ' +
    'install open-mpi; clusters: module load openmpi), or set AG_MPI_LIBRARY to the path of libmpi. ' +
    `Tried: ${failures.map((failure) => failure.split(':')[0]).join(', ')}`
  );
}
