/** The WGSL of a band: its launches in order, for the rows of a workgroup. */
import type { Launch, MapKernel, ReduceKernel } from '@ag/tensor';
import { count } from '@ag/tensor/engine';
import { emitExpression } from '../../emit/expression.ts';
import type { KernelWriter } from '../../emit/kernelWriter.ts';
import { digitsOf } from './axes.ts';
import type { BandPlan } from './band.ts';
import { combinerFor, nowhere } from './combine.ts';
import { treeCode } from './reduceCode.ts';
import { chain, powerAbove } from './reduceShape.ts';

/** A launch among those of a band. */
interface Member {
  readonly launch: Launch;
  /** Its first operand and first literal among those of all. */
  readonly operand: number;
  readonly literal: number;
  /** Begins its names. */
  readonly name: string;
}

export function bandBody(w: KernelWriter, plan: BandPlan): string[] {
  const { launches, rows, sharing, rowsOfGroup, written } = plan;
  for (const { place, span, name, type } of written.values())
    if (place === 'shared') {
      // Sizes in workgroup memory are structure: few of them.
      w.declare(`var<workgroup> ${name}: array<${type}, ${powerAbove(span * rowsOfGroup)}>;`);
    }
  const values = [...written.values()].filter(({ place }) => place === 'value');
  const lines = [
    sharing === 1
      ? 'let share = 0u; let own = lane;'
      : rowsOfGroup === 1
        ? 'let share = lane; let own = 0u;'
        : `let share = lane % ${sharing}u; let own = lane / ${sharing}u;`,
    `let rows = u32(${w.argument(rows)});`,
    `let place = group * ${rowsOfGroup}u + own;`,
    'let inside = place < rows;',
    'let row = i32(min(place, rows - 1u));',
    ...values.map(({ name, type }) => `var ${name}: ${type};`),
  ];
  let operand = 0;
  let literal = 0;
  launches.forEach((launch, i) => {
    const member: Member = { launch, operand, literal, name: `m${i}` };
    operand += launch.operands.length;
    literal += launch.literals.length;
    const { kernel } = launch;
    lines.push('{');
    if (kernel.form === 'map') lines.push(...mapCode(w, plan, member, kernel));
    else if (kernel.form === 'reduce') lines.push(...reduceCode(w, plan, member, kernel));
    lines.push('}');
    lines.push(...meeting(plan, launches, i));
  });
  return lines;
}

/** Waits for what later launches read. */
function meeting({ sharing, written }: BandPlan, launches: readonly Launch[], i: number): string[] {
  if (sharing === 1) return [];
  const { kernel, operands } = launches[i];
  const outputs = 'outputs' in kernel ? operands.slice(operands.length - kernel.outputs.length) : [];
  const read = outputs.filter(({ buffer }) =>
    launches.slice(i + 1).some((later) => later.operands.some((operand) => operand.buffer === buffer)),
  );
  if (read.length === 0) return [];
  const far = read.some(({ buffer }) => written.get(buffer)!.place === 'global');
  return far ? ['storageBarrier();', 'workgroupBarrier();'] : ['workgroupBarrier();'];
}

/** How a member's operands are reached from places within the row, given as texts of what each adds. */
class Reaching {
  readonly #w: KernelWriter;
  readonly #plan: BandPlan;
  readonly #member: Member;

  constructor(w: KernelWriter, plan: BandPlan, member: Member) {
    this.#w = w;
    this.#plan = plan;
    this.#member = member;
  }

  /** Statements that say where the row of each operand begins. */
  rows(): string[] {
    const { launch, operand, name } = this.#member;
    const { rows } = this.#plan;
    return launch.operands.map(({ strides }, i) => {
      const step = (strides[0] ?? 0) * (launch.dims[0] / rows);
      const by = step === 0 ? '' : ` + row * ${this.#w.argument(step)}`;
      return `let ${name}at${i} = ${this.#w.offset(operand + i)}${by};`;
    });
  }

  address(i: number, within: string): string {
    return `(${this.#member.name}at${i} + ${within})`;
  }

  load(i: number, within: string): string {
    const own = this.#plan.written.get(this.#member.launch.operands[i].buffer);
    if (own?.place === 'value') return own.name;
    if (own?.place === 'shared') return `${own.name}[${this.#shared(own.span, within)}]`;
    return this.#w.load(this.#member.operand + i, this.address(i, within));
  }

  store(i: number, within: string, value: string): string[] {
    const own = this.#plan.written.get(this.#member.launch.operands[i].buffer)!;
    return [
      ...(own.place === 'value' ? [`${own.name} = ${value};`] : []),
      ...(own.place === 'shared' ? [`${own.name}[${this.#shared(own.span, within)}] = ${value};`] : []),
      ...(own.stored ? [this.#w.store(this.#member.operand + i, this.address(i, within), value)] : []),
    ];
  }

  #shared(span: number, within: string): string {
    return this.#plan.rowsOfGroup === 1 ? within : `(i32(own) * ${this.#w.argument(span)} + ${within})`;
  }
}

/** Sizes of a launch's axes for one row: the first one's part. */
function rowSizes({ dims }: Launch, rows: number, rank: number): number[] {
  return [dims[0] / rows, ...dims.slice(1, rank)];
}

/** What each operand adds at digits of axes `from` …; sizes of 1 left out. */
function withinTexts(
  w: KernelWriter,
  operands: readonly { readonly strides: readonly number[] }[],
  sizes: readonly number[],
  digits: readonly string[],
  from: number,
): string[] {
  return operands.map(({ strides }) => {
    const terms = sizes.flatMap((size, axis) => {
      const stride = strides[from + axis] ?? 0;
      if (size === 1 || stride === 0) return [];
      return [stride === 1 ? digits[axis] : `${digits[axis]} * ${w.argument(stride)}`];
    });
    return terms.length === 0 ? '0' : `(${terms.join(' + ')})`;
  });
}

/** Places of a number that counts through the axes that are longer than 1. */
function placesOf(w: KernelWriter, name: string, index: string, sizes: readonly number[]) {
  const long = sizes.flatMap((size, axis) => (size === 1 ? [] : [axis]));
  const { lines, digits } = digitsOf(
    w,
    name,
    index,
    long.map((axis) => sizes[axis]),
  );
  const all = sizes.map(() => '0');
  long.forEach((axis, i) => {
    all[axis] = digits[i];
  });
  return { lines, digits: all };
}

function mapCode(w: KernelWriter, plan: BandPlan, member: Member, kernel: MapKernel): string[] {
  const { launch, name, literal } = member;
  const reach = new Reaching(w, plan, member);
  const sizes = rowSizes(launch, plan.rows, launch.dims.length);
  const { lines, digits } = placesOf(w, `${name}d`, 'element', sizes);
  const within = withinTexts(w, launch.operands, sizes, digits, 0);
  const inputs = kernel.inputs.length;
  const expression = emitExpression(kernel.expression, {
    load: (i) => reach.load(i, within[i]),
    coordinate: (i) => reach.address(i, within[i]),
    literal: (i, dtype) => w.literal(literal + i, dtype),
    prefix: `${name}v`,
    use: (used) => w.use(used),
  });
  const stores = kernel.outputs.flatMap((_, o) =>
    reach.store(inputs + o, within[inputs + o], expression.results[o]),
  );
  const elements = count(sizes);
  const body = [...lines, ...expression.lines, ...stores];
  return [
    ...reach.rows(),
    ...(elements === 1
      ? ['if (inside && share == 0u) {', 'let element = 0u;', ...body, '}']
      : [
          `let ${name}end = select(0u, u32(${w.argument(elements)}), inside);`,
          `for (var element = share; element < ${name}end; element += ${plan.sharing}u) {`,
          ...body,
          '}',
        ]),
  ];
}

function reduceCode(w: KernelWriter, plan: BandPlan, member: Member, kernel: ReduceKernel): string[] {
  const { launch, name, literal } = member;
  const { sharing, rowsOfGroup } = plan;
  const { outerRank } = kernel;
  const reach = new Reaching(w, plan, member);
  const outer = rowSizes(launch, plan.rows, outerRank);
  const reduced = launch.dims.slice(outerRank);
  const results = count(outer);
  const terms = count(reduced);
  const combiner = combinerFor(w, kernel.combine, kernel.dtype);
  const context = (within: readonly string[], prefix: string, accumulator?: string) => ({
    load: (i: number) => reach.load(i, within[i]),
    coordinate: (i: number) => reach.address(i, within[i]),
    literal: (i: number, dtype: Parameters<KernelWriter['literal']>[1]) => w.literal(literal + i, dtype),
    prefix,
    use: (used: string) => w.use(used),
    ...(accumulator !== undefined && { accumulator }),
  });
  const atResult = placesOf(w, `${name}o`, 'result', outer);
  const outerWithin = withinTexts(w, launch.operands, outer, atResult.digits, 0);
  const atTerm = placesOf(w, `${name}r`, 'term', reduced);
  const inputs = kernel.inputs.length;
  const within = withinTexts(w, launch.operands.slice(0, inputs), reduced, atTerm.digits, outerRank).map(
    (text, i) =>
      outerWithin[i] === '0' ? text : text === '0' ? outerWithin[i] : `(${outerWithin[i]} + ${text})`,
  );
  const prologue = emitExpression(kernel.prologue, context(within, `${name}p`));
  const found = combiner.finds ? 'found' : 'total';
  const epilogue = emitExpression(kernel.epilogue, context(outerWithin, `${name}e`, found));
  const first = inputs + kernel.extras.length;
  const end = [
    ...(combiner.finds ? [`let found = select(totalAt, 0, totalAt == ${nowhere});`] : []),
    ...epilogue.lines,
    ...kernel.outputs.flatMap((_, o) => reach.store(first + o, outerWithin[first + o], epilogue.results[o])),
  ];
  const many = `u32(${w.argument(terms)})`;
  const chained = kernel.dtype === 'float32' && (kernel.combine === 'sum' || kernel.combine === 'prod');
  const term = (state: string) => [
    ...atTerm.lines,
    ...prologue.lines,
    combiner.take(state, prologue.results[0], 'i32(term)'),
  ];
  /** All terms from `start` on in steps. */
  const loop = (begin: string, step: number): string[] =>
    chained
      ? [
          `for (var start = ${begin}; start < terms; start += ${step * chain}u) {`,
          combiner.declare('link'),
          `let stop = min(start + ${step * chain}u, terms);`,
          `for (var term = start; term < stop; term += ${step}u) {`,
          ...term('link'),
          '}',
          combiner.merge('total', 'link', 'linkAt'),
          '}',
        ]
      : [`for (var term = ${begin}; term < terms; term += ${step}u) {`, ...term('total'), '}'];
  const threads = sharing * rowsOfGroup;
  const tree = treeCode(w, combiner, 'total', threads, sharing, 'own', 'share');
  const together = [
    ...atResult.lines,
    combiner.declare('total'),
    ...loop('share', sharing),
    ...tree,
    'if (inside && share == 0u) {',
    ...end,
    '}',
  ];
  const setup = [...reach.rows(), `let terms = ${many};`];
  if (results === 1) return [...setup, 'let result = 0u;', ...together];
  const all = `u32(${w.argument(results)})`;
  if (sharing > 1 && terms >= 4 * sharing && results < sharing)
    return [...setup, `for (var result = 0u; result < ${all}; result++) {`, ...together, '}'];
  return [
    ...setup,
    `let results = select(0u, ${all}, inside);`,
    `for (var result = share; result < results; result += ${sharing}u) {`,
    ...atResult.lines,
    combiner.declare('total'),
    ...loop('0u', 1),
    ...end,
    '}',
  ];
}
