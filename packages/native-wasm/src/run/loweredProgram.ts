/**
 * A program with those of its loops, lowered before any code is written: so the kernels of all of them come in one module, which
 * has each helper once.
 */
import type { Launch, Program } from '@ag/tensor';
import { count } from '@ag/tensor/engine';
import type { Features, Stage } from '../abi.ts';
import { withPartialSums } from '../contraction/partialSums.ts';
import { convolutionOf } from '../winograd/shapes.ts';
import { lowerProgram } from './bands.ts';
import type { LoweredLaunch } from './executable.ts';
import { type LoweredBody, lowerBody } from './loop.ts';

export interface LoweredProgram {
  readonly program: Program;
  readonly lowered: readonly LoweredLaunch[];
  readonly local: ReadonlySet<number>;
  /** What it is beside that, where it is a program of a loop. */
  readonly body: LoweredBody | null;
  /** The programs of each loop in it. */
  readonly loops: ReadonlyMap<Launch, readonly LoweredProgram[]>;
}

/** Lowers a program and those in it. */
export function lowerWithLoops(given: Program, features: Features): LoweredProgram {
  const program = dividedSums(given, features);
  return withLoops(program, lowerProgram(program, features), null, features);
}

/** A program whose long sums are divided. What minimal filtering computes divides its sums itself. */
export function dividedSums(program: Program, features: Features): Program {
  return withPartialSums(program, (launch) => features.winograd === true && convolutionOf(launch) !== null);
}

function withLoops(
  program: Program,
  { lowered, local }: Pick<LoweredProgram, 'lowered' | 'local'>,
  body: LoweredBody | null,
  features: Features,
): LoweredProgram {
  const loops = new Map<Launch, readonly LoweredProgram[]>();
  for (const launch of program.launches) {
    const { kernel } = launch;
    if (kernel.form !== 'loop') continue;
    const programs = kernel.programs.map((given, i) => {
      const own = lowerBody(dividedSums(given, features), i === 0, kernel, features);
      return withLoops(own.program, own, own, features);
    });
    loops.set(launch, programs);
  }
  return { program, lowered, local, body, loops };
}

/** The stages of one program, those in it not counted. */
export function stagesOf({ lowered, body }: LoweredProgram): Stage[] {
  const stages = lowered.flatMap((launch) => launch.stages);
  return body === null ? stages : [...stages, body.steps];
}

/** The stages of a program, then those of the programs in it. */
export function allStagesOf(program: LoweredProgram): Stage[] {
  const inner = [...program.loops.values()].flat();
  return [...stagesOf(program), ...inner.flatMap(allStagesOf)];
}

/** A rough guess at the nanoseconds of a run that threads could share, loops included. */
export function sharedWork({ lowered, loops }: LoweredProgram): number {
  let sum = 0;
  for (const { launch, stages } of lowered) {
    const { dims, kernel } = launch;
    // Not where there are few pieces.
    if (stages.some(({ units, grain }) => units >= 8 * grain))
      sum += count(dims) * (kernel.form === 'contract' ? 0.04 : 0.3);
    const steps = kernel.form === 'loop' ? kernel.steps : 0;
    for (const inner of loops.get(launch) ?? []) sum += steps * sharedWork(inner);
  }
  return sum;
}
