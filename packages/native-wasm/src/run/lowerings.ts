/**
 * Launches that differ only in their buffers and scalars are lowered once for a program: a network of many equal layers,
 * or of one layer for each of a thousand weights, has few that are really different.
 */
import { kernelKey, type Launch, type Operand, type Program } from '@ag/tensor';
import { ArgumentBlock, type Features, type LowerContext, type Stage } from '../abi.ts';
import { lower } from '../lower.ts';

/** A launch that was lowered, and what it became. */
interface Known {
  readonly launch: Launch;
  readonly stages: readonly Stage[];
}

/** Lowers the launches of a program. */
export class Lowerings {
  readonly #program: Program;
  readonly #features: Features;
  readonly #isConstant: LowerContext['isConstant'];
  readonly #known = new Map<string, Known>();

  /** `isConstant` as in `LowerContext`. */
  constructor(program: Program, features: Features, isConstant?: LowerContext['isConstant']) {
    this.#program = program;
    this.#features = features;
    this.#isConstant = isConstant;
  }

  /** The stages of a launch; `rows` as in `LowerContext`. */
  stagesOf(launch: Launch, rows?: number): readonly Stage[] {
    const key = this.#keyOf(launch, rows);
    const known = key === null ? undefined : this.#known.get(key);
    if (known !== undefined) return stagesFor(launch, known);
    const context = { ...this.#features, program: this.#program, launch };
    const stages = lower(
      rows === undefined ? { ...context, isConstant: this.#isConstant } : { ...context, rows },
    );
    if (key !== null) this.#known.set(key, { launch, stages });
    return stages;
  }

  /** All that decides what a launch becomes; null where it is not worth or not possible to say. */
  #keyOf(launch: Launch, rows: number | undefined): string | null {
    const { kernel, dims, operands, literals, axis } = launch;
    if (kernel.form === 'host' || kernel.form === 'loop') return null;
    // What a program in a loop keeps for all its steps belongs to one launch.
    if (this.#isConstant !== undefined) return null;
    const { buffers } = this.#program;
    const order: number[] = [];
    let key = `${kernelKey(kernel)} ${rows} ${dims} ${axis?.size} ${axis?.stride}`;
    const scalars = scalarsOf(launch);
    for (const { buffer, offset, dynamic, strides } of operands) {
      // Which of them are the same one matters, which one it is does not.
      if (buffer >= 0 && !order.includes(buffer)) order.push(buffer);
      key += `|${order.indexOf(buffer)} ${buffers[buffer]?.dtype} ${offset} ${strides}`;
      for (const { scalar, factor } of dynamic) key += ` +${scalars.indexOf(scalar)}*${factor}`;
    }
    for (const scalar of literals) key += ` ${scalars.indexOf(scalar)}`;
    return key;
  }
}

/** What a launch reads of the scalars of a run: its literals, and what moves its operands. */
function scalarsOf({ literals, operands }: Launch): readonly number[] {
  const moving = operands.flatMap(({ dynamic }) => dynamic.map(({ scalar }) => scalar));
  return moving.length === 0 ? literals : [...literals, ...moving];
}

function stagesFor(launch: Launch, { launch: first, stages }: Known): readonly Stage[] {
  const from = scalarsOf(first);
  const to = scalarsOf(launch);
  const scalarOf = (scalar: number) => to[from.indexOf(scalar)];
  const operandOf = (operand: Operand): Operand => {
    const i = first.operands.findIndex(({ buffer }) => buffer === operand.buffer);
    const dynamic = operand.dynamic.map(({ scalar, factor }) => ({ scalar: scalarOf(scalar), factor }));
    return { ...operand, buffer: launch.operands[i].buffer, dynamic };
  };
  return stages.map((stage) => ({
    ...stage,
    argumentBlock: ArgumentBlock.for(stage.argumentBlock, operandOf, scalarOf),
  }));
}
