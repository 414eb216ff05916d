/**
 * A program as text: what a plan will do, launch by launch, for people who look at the compiler and for tests that compare
 * what it makes. Everything that a backend is told is in the text, so equal texts are equal programs.
 */
import type { Expression, Instruction, Kernel, Launch, Operand, Program } from './kernel.ts';

/**
 * The launches of a program with sizes, strides and expressions, and the buffers they address.
 *
 * ```
 * bindings: 3, scalars: 0
 * slots: none
 * %0 binding 0 float32 ×100
 * %1 binding 1 float32 ×100
 * %2 binding 2 float32 ×1
 *
 * 0 reduce sum float32 (float32 float32) "mul sum" [ | 100]
 *   x0 = %0 [1]
 *   x1 = %1 [1]
 *   each: (x0 · x1)
 *   %2 [] = float32 acc
 * ```
 */
export function toText(program: Program): string {
  const lines = [`bindings: ${program.bindingCount}, scalars: ${program.scalarCount}`];
  lines.push(`slots: ${program.slots.join(' ') || 'none'}`);
  if (program.aliases)
    lines.push(`written over: ${program.aliases.map(([target, old]) => `${target} over ${old}`).join(', ')}`);
  program.buffers.forEach((buffer, i) => {
    const place = buffer.kind === 'bound' ? `binding ${buffer.binding}` : `slot ${buffer.slot}`;
    lines.push(`%${i} ${place} ${buffer.dtype} ×${buffer.length}`);
  });
  program.launches.forEach((launch, i) => {
    lines.push('', ...launchText(launch, i));
  });
  return `${lines.join('\n')}\n`;
}

function launchText(launch: Launch, position: number): string[] {
  const { kernel, dims, operands } = launch;
  const band = launch.band === undefined ? '' : ` band ${launch.band}`;
  const axis = launch.axis ? ` axis ${launch.axis.size} step ${launch.axis.stride}` : '';
  const shapes = launch.shapes
    ? ` shapes ${launch.shapes.map((shape) => `[${shape.join(' ')}]`).join(' ')}`
    : '';
  const head = `${position} ${headOf(kernel)} "${launch.label}" [${groups(kernel, dims)}]${axis}${shapes}${band}`;
  const reads = readOperands(kernel);
  const literals =
    launch.literals.length > 0
      ? [`  numbers: ${launch.literals.map((scalar) => `$${scalar}`).join(' ')}`]
      : [];
  return [
    head,
    ...literals,
    ...operands.slice(0, reads).map((operand, i) => `  x${i} = ${operandText(operand)}`),
    ...bodyText(kernel, operands.slice(reads).map(operandText)),
    ...(kernel.form === 'loop' ? kernel.programs.flatMap(insideText) : []),
  ];
}

/** A program in a loop. */
function insideText(program: Program, i: number): string[] {
  const lines = toText(program).trimEnd().split('\n');
  return ['', `  program ${i}`, ...lines.map((line) => (line === '' ? '' : `    ${line}`))];
}

function headOf(kernel: Kernel): string {
  switch (kernel.form) {
    case 'map':
      return `map (${kernel.inputs.join(' ')})`;
    case 'reduce':
      return `reduce ${kernel.combine} ${kernel.dtype} (${[...kernel.inputs, ...kernel.extras].join(' ')})`;
    case 'contract':
      return `contract ${kernel.dtype}${kernel.extras.length > 0 ? ` (${kernel.extras.join(' ')})` : ''}`;
    case 'gather':
      return `gather ${kernel.dtype}`;
    case 'scatter':
      return `scatter ${kernel.combine} ${kernel.dtype}`;
    case 'scan':
      return `scan ${kernel.combine}${kernel.reverse ? ' reversed' : ''} ${kernel.dtype}`;
    case 'sort':
      return `sort${kernel.descending ? ' descending' : ''} ${kernel.dtype}`;
    case 'host':
    case 'loop':
      return `${kernel.form} ${kernel.name} (${kernel.inputs.join(' ')}) → (${kernel.outputs.join(' ')})`;
  }
}

/** Sizes of the axes, the groups of the kernel form apart. */
function groups(kernel: Kernel, dims: readonly number[]): string {
  const ranks =
    kernel.form === 'reduce'
      ? [kernel.outerRank, kernel.reducedRank]
      : kernel.form === 'contract'
        ? [kernel.batchRank, kernel.mRank, kernel.nRank, kernel.kRank]
        : [dims.length];
  const ends = ranks.map((_, i) => ranks.slice(0, i + 1).reduce((sum, rank) => sum + rank, 0));
  return ends.map((end, i) => dims.slice(end - ranks[i], end).join(' ')).join(' | ');
}

/** How many operands come before those that are written. */
function readOperands(kernel: Kernel): number {
  switch (kernel.form) {
    case 'map':
      return kernel.inputs.length;
    case 'reduce':
      return kernel.inputs.length + kernel.extras.length;
    case 'contract':
      return 2 + kernel.extras.length;
    case 'host':
    case 'loop':
      return kernel.inputs.length;
    case 'gather':
    case 'scatter':
      return 2;
    case 'scan':
    case 'sort':
      return 1;
  }
}

function operandText({ buffer, offset, dynamic, strides }: Operand): string {
  const moved = dynamic.map(({ scalar, factor }) => ` + $${scalar}·${factor}`).join('');
  return `${buffer < 0 ? 'position' : `%${buffer}`}${offset ? ` + ${offset}` : ''}${moved} [${strides.join(' ')}]`;
}

function bodyText(kernel: Kernel, written: readonly string[]): string[] {
  switch (kernel.form) {
    case 'map':
      return resultsText(kernel.expression, kernel.outputs, written);
    case 'reduce': {
      const { lines, results } = expressionText(kernel.prologue);
      return [
        ...lines,
        `  each: ${results.join(', ')}`,
        ...resultsText(kernel.epilogue, kernel.outputs, written),
      ];
    }
    case 'contract':
      return resultsText(kernel.epilogue, kernel.outputs, written);
    default:
      return written.map((place) => `  ${place} =`);
  }
}

function resultsText(
  expression: Expression,
  outputs: readonly { readonly accumulate: boolean; readonly dtype: string }[],
  written: readonly string[],
): string[] {
  const { lines, results } = expressionText(expression);
  return [
    ...lines,
    ...results.map(
      (result, i) => `  ${written[i]} ${outputs[i].accumulate ? '+=' : '='} ${outputs[i].dtype} ${result}`,
    ),
  ];
}

const infix: Readonly<Record<string, string>> = {
  add: '+', sub: '−', mul: '·', div: '/', equal: '=', notEqual: '≠', less: '<', lessEqual: '≤', and: '∧', or: '∨',
}; // biome-ignore format: a table

/** What is used once stands where it is used; the rest gets a name. */
function expressionText({ instructions, results }: Expression): { lines: string[]; results: string[] } {
  const uses = new Uint32Array(instructions.length);
  const use = (...positions: readonly number[]): void => {
    for (const position of positions) uses[position]++;
  };
  for (const instruction of instructions) use(...operandsOf(instruction));
  use(...results);
  const lines: string[] = [];
  const texts: string[] = [];
  instructions.forEach((instruction, i) => {
    const text = instructionText(instruction, texts);
    const named = uses[i] > 1 && operandsOf(instruction).length > 0;
    if (named) lines.push(`  t${i} = ${text}`);
    texts.push(named ? `t${i}` : text);
  });
  return { lines, results: results.map((position) => texts[position]) };
}

function operandsOf(instruction: Instruction): number[] {
  const { a, b, c } = instruction as { a?: number; b?: number; c?: number };
  return [a, b, c].filter((position) => position !== undefined);
}

function instructionText(instruction: Instruction, texts: readonly string[]): string {
  switch (instruction.op) {
    case 'load':
      return `x${instruction.operand}`;
    case 'coordinate':
      return `at x${instruction.operand}`;
    case 'literal':
      return `#${instruction.literal}:${instruction.dtype}`;
    case 'constant':
      return `${Object.is(instruction.value, -0) ? '-0' : instruction.value}:${instruction.dtype}`;
    case 'accumulator':
      return 'acc';
    case 'cast':
      return `${instruction.dtype}(${texts[instruction.a]})`;
    case 'where':
      return `(${texts[instruction.a]} ? ${texts[instruction.b]} : ${texts[instruction.c]})`;
    case 'threefry':
      return `threefry.${instruction.stream}(${[instruction.a, instruction.b, instruction.c].map((x) => texts[x]).join(', ')})`;
    default: {
      const operands = operandsOf(instruction).map((position) => texts[position]);
      const sign = infix[instruction.op];
      return sign ? `(${operands.join(` ${sign} `)})` : `${instruction.op}(${operands.join(', ')})`;
    }
  }
}
