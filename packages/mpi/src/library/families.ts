/**
 * What stands for an object in each family of MPI libraries. Their headers leave it to each of them until MPI 5.0, whose
 * standard ABI settles it.
 *
 * Sources: Open MPI 4.1 and 5.0 `mpi.h` (addresses of globals, here by name), MPICH 4.0 and 5.0 `mpi.h` (integers; Intel MPI,
 * MVAPICH and Cray MPICH keep to them), MPI 5.0, chapter 20 (`mpi_abi.h`).
 */

/** Libraries that can stand in for each other. */
export type FamilyName = 'Open MPI' | 'MPICH' | 'standard ABI';

/** One way of naming objects. */
export interface Family {
  readonly name: FamilyName;
  /** In the name of its file, where only that tells. */
  readonly named?: string;
  /** What `MPI_Get_library_version` says. */
  readonly says?: RegExp;
  /** How handles are passed. */
  readonly handles: 'int' | 'pointer';
  /** A number, or the name of a global whose address it is. */
  readonly objects: {
    readonly world: number | string;
    readonly errorsReturn: number | string;
    readonly float: number | string;
    readonly double: number | string;
    readonly int32: number | string;
    readonly byte: number | string;
    readonly sum: number | string;
    readonly max: number | string;
    readonly min: number | string;
  };
  /** `MPI_IN_PLACE`. */
  readonly inPlace: number;
  /** `MPI_THREAD_FUNNELED`. */
  readonly funneled: number;
}

/** Open MPI. */
const openMpi: Family = {
  name: 'Open MPI',
  says: /Open MPI/,
  handles: 'pointer',
  objects: {
    world: 'ompi_mpi_comm_world',
    errorsReturn: 'ompi_mpi_errors_return',
    float: 'ompi_mpi_float',
    double: 'ompi_mpi_double',
    int32: 'ompi_mpi_int32_t',
    byte: 'ompi_mpi_byte',
    sum: 'ompi_mpi_op_sum',
    max: 'ompi_mpi_op_max',
    min: 'ompi_mpi_op_min',
  },
  inPlace: 1,
  funneled: 1,
};

/** MPICH and what keeps to its numbers. */
const mpich: Family = {
  name: 'MPICH',
  named: 'libmpich',
  says: /MPICH|MVAPICH|Intel\(R\) MPI/,
  handles: 'int',
  objects: {
    world: 0x44000000,
    errorsReturn: 0x54000001,
    float: 0x4c00040a,
    double: 0x4c00080b,
    int32: 0x4c000439,
    byte: 0x4c00010d,
    sum: 0x58000003,
    max: 0x58000001,
    min: 0x58000002,
  },
  inPlace: -1,
  funneled: 1,
};

/** The standard ABI of MPI 5.0. */
const standardAbi: Family = {
  name: 'standard ABI',
  named: 'libmpi_abi',
  handles: 'pointer',
  objects: {
    world: 0x101,
    errorsReturn: 0x143,
    float: 0x210,
    double: 0x214,
    int32: 0x250,
    byte: 0x247,
    sum: 0x21,
    max: 0x23,
    min: 0x22,
  },
  inPlace: 1,
  funneled: 1024,
};

/** In the order in which they are asked: the standard ABI is told by its file, whoever made it. */
export const families: readonly Family[] = [standardAbi, openMpi, mpich];

/** The parameters of each function that is called; `handle` is an integer as wide as the family's handles. */
export const prototypes: Readonly<Record<string, readonly string[]>> = {
  MPI_Init_thread: ['void *', 'void *', 'int', 'void *'],
  MPI_Finalize: [],
  MPI_Abort: ['handle', 'int'],
  MPI_Comm_rank: ['handle', 'void *'],
  MPI_Comm_size: ['handle', 'void *'],
  MPI_Comm_set_errhandler: ['handle', 'handle'],
  MPI_Error_string: ['int', 'void *', 'void *'],
  MPI_Cancel: ['void *'],
  MPI_Test: ['void *', 'void *', 'void *'],
  MPI_Iallreduce: ['in place', 'void *', 'int', 'handle', 'handle', 'handle', 'void *'],
  MPI_Ibcast: ['void *', 'int', 'handle', 'int', 'handle', 'void *'],
  MPI_Iallgatherv: [
    ...['in place', 'int', 'handle'],
    ...['void *', 'void *', 'void *', 'handle', 'handle', 'void *'],
  ],
  MPI_Igatherv: [
    ...['void *', 'int', 'handle'],
    ...['void *', 'void *', 'void *', 'handle', 'int', 'handle', 'void *'],
  ],
  MPI_Ialltoallv: [
    ...['void *', 'void *', 'void *', 'handle'],
    ...['void *', 'void *', 'void *', 'handle', 'handle', 'void *'],
  ],
  MPI_Isend: ['void *', 'int', 'handle', 'int', 'int', 'handle', 'void *'],
  MPI_Irecv: ['void *', 'int', 'handle', 'int', 'int', 'handle', 'void *'],
};
