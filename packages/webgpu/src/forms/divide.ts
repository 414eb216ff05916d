/**
 * Kernels that read and write more buffers than the device binds: divided by what they write, each part computing what it needs of the
 * expression again. Plans leave room for two results (`Backend.maximalBuffers`), so a part of one always fits.
 */
import type { ContractKernel, Expression, Instruction, Launch, MapKernel, ReduceKernel } from '@ag/tensor';
import { codedError } from '@ag/tensor/engine';
import type { FormRequest } from './form.ts';

type Divisible = MapKernel | ReduceKernel | ContractKernel;

/** Launches that do what one does, in an order in which nothing is written over that a later one reads; null where it fits. */
export function divided({ launch, facts, bufferOf }: FormRequest): readonly Launch[] | null {
  const { kernel } = launch;
  if (kernel.form !== 'map' && kernel.form !== 'reduce' && kernel.form !== 'contract') return null;
  if (buffersOf(launch, bufferOf).size <= facts.maxBuffers || kernel.outputs.length < 2) return null;
  const parts: Launch[] = [];
  let outputs: number[] = [];
  kernel.outputs.forEach((_, i) => {
    const wider = partOf(launch, kernel, [...outputs, i]);
    if (outputs.length > 0 && buffersOf(wider, bufferOf).size > facts.maxBuffers) {
      parts.push(partOf(launch, kernel, outputs));
      outputs = [i];
    } else {
      outputs.push(i);
    }
  });
  parts.push(partOf(launch, kernel, outputs));
  return inOrder(parts, bufferOf);
}

function buffersOf({ operands }: Launch, bufferOf: (buffer: number) => number): Set<number> {
  return new Set(operands.flatMap(({ buffer }) => (buffer < 0 ? [] : [bufferOf(buffer)])));
}

/** Whoever reads what another writes over goes first. */
function inOrder(parts: readonly Launch[], bufferOf: (buffer: number) => number): Launch[] {
  const rest = [...parts];
  const ordered: Launch[] = [];
  const reads = (part: Launch): number[] =>
    split(part).read.map(({ buffer }) => (buffer < 0 ? -1 : bufferOf(buffer)));
  const writes = (part: Launch): number[] => split(part).written.map(({ buffer }) => bufferOf(buffer));
  while (rest.length > 0) {
    const next = rest.findIndex((part) => {
      const own = new Set(writes(part));
      return rest.every((other) => other === part || !reads(other).some((buffer) => own.has(buffer)));
    });
    if (next < 0)
      throw codedError(
        Error,
        'AG_UNSUPPORTED',
        `${parts[0].label}: a kernel writes over what it reads in more buffers than this device binds; use variables without inPlace`,
      );
    ordered.push(...rest.splice(next, 1));
  }
  return ordered;
}

function split({ kernel, operands }: Launch): {
  readonly read: Launch['operands'];
  readonly written: Launch['operands'];
} {
  const written = (kernel as Divisible).outputs.length;
  return { read: operands.slice(0, -written), written: operands.slice(-written) };
}

/** The launch with some of its outputs. */
function partOf(launch: Launch, kernel: Divisible, outputs: readonly number[]): Launch {
  const first = launch.operands.length - kernel.outputs.length;
  const kept = outputs.map((i) => kernel.outputs[i]);
  const written = outputs.map((i) => launch.operands[first + i]);
  if (kernel.form === 'map') {
    const needed = loadsOf(kernel.expression, outputs);
    return {
      ...launch,
      kernel: {
        ...kernel,
        inputs: needed.map((operand) => kernel.inputs[operand]),
        outputs: kept,
        expression: picked(kernel.expression, outputs, (operand) => needed.indexOf(operand)),
      },
      operands: [...needed.map((operand) => launch.operands[operand]), ...written],
    };
  }
  // What is combined stays; of what the epilogue reads, some.
  const before = kernel.form === 'contract' ? 2 : kernel.inputs.length;
  const needed = loadsOf(kernel.epilogue, outputs).filter((operand) => operand >= before);
  const epilogue = picked(kernel.epilogue, outputs, (operand) =>
    operand < before ? operand : before + needed.indexOf(operand),
  );
  return {
    ...launch,
    kernel: {
      ...kernel,
      extras: needed.map((operand) => kernel.extras[operand - before]),
      outputs: kept,
      epilogue,
    },
    operands: [
      ...launch.operands.slice(0, before),
      ...needed.map((operand) => launch.operands[operand]),
      ...written,
    ],
  };
}

/** Positions of instructions that some results need. */
function neededFor({ instructions, results }: Expression, outputs: readonly number[]): Set<number> {
  const needed = new Set<number>();
  const stack = outputs.map((i) => results[i]);
  for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
    if (needed.has(at)) continue;
    needed.add(at);
    stack.push(...sourcesOf(instructions[at]));
  }
  return needed;
}

function sourcesOf(instruction: Instruction): number[] {
  const sources: number[] = [];
  if ('a' in instruction) sources.push(instruction.a);
  if ('b' in instruction) sources.push(instruction.b);
  if ('c' in instruction) sources.push(instruction.c);
  return sources;
}

/** Operands that these results load or ask the coordinates of, in their order. */
function loadsOf(expression: Expression, outputs: readonly number[]): number[] {
  const operands = new Set<number>();
  for (const at of neededFor(expression, outputs)) {
    const instruction = expression.instructions[at];
    if (instruction.op === 'load' || instruction.op === 'coordinate') operands.add(instruction.operand);
  }
  return [...operands].sort((a, b) => a - b);
}

/** The expression of some results, with operands numbered anew. */
function picked(
  expression: Expression,
  outputs: readonly number[],
  operandOf: (operand: number) => number,
): Expression {
  const needed = neededFor(expression, outputs);
  const places = new Map<number, number>();
  const instructions: Instruction[] = [];
  expression.instructions.forEach((instruction, at) => {
    if (!needed.has(at)) return;
    places.set(at, instructions.length);
    const moved = (source: number): number => places.get(source) ?? 0;
    instructions.push({
      ...instruction,
      ...('a' in instruction && { a: moved(instruction.a) }),
      ...('b' in instruction && { b: moved(instruction.b) }),
      ...('c' in instruction && { c: moved(instruction.c) }),
      ...('operand' in instruction && { operand: operandOf(instruction.operand) }),
    });
  });
  return { instructions, results: outputs.map((i) => places.get(expression.results[i]) ?? 0) };
}
