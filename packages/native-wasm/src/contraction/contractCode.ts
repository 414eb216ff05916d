/**
 * What the steps of a contraction's kernel share: its variables, and addresses made of them.
 *
 * The steps are `blocks.ts` (units, blocks of k, blocks of rows), `lists.ts` (zeros) and `strips.ts`.
 */
import { kernelParameters, type Target } from '../abi.ts';
import type { Callable, FunctionBuilder } from '../assembler/functionBuilder.ts';
import type { ModuleBuilder } from '../assembler/moduleBuilder.ts';
import { call, I32, type I32Variable, type Int, i32, i32Parameters } from '../assembler/values.ts';
import { type ContractFields, scratchParts } from './argumentBlock.ts';
import type { Arithmetic } from './elements.ts';
import { emitEpilogue, operandWords } from './epilogue.ts';
import { runsFunction, tilesFunction } from './microKernel.ts';
import { packFunction, tableFunction } from './panels.ts';

/** All i32, in the order in which they are numbered. */
const variableNames = [
  // For passing use.
  'x', 'y',
  // The thread's working memory.
  'scratch',
  // The units that are computed together share a batch and columns: the first of them, how many, their rows and columns.
  'batch', 'unit', 'count', 'm', 'mEnd', 'n', 'columns',
  // The factors in this batch, and offsets of the columns of B.
  'a', 'b', 'bColumns',
  // The end of the rows for which a block of B is used before it is made again.
  'superEnd',
  // The block of k, offsets of its k in A and B, and whether it is the last.
  'k', 'kCount', 'aColumns', 'bRows', 'last',
  // The block of rows: its start and height, offsets of the rows in A or panels, and how many tiles there are.
  'i', 'rows', 'aRows', 'aTiles',
  // The strip: its column and where its sums lie.
  'j', 'c',
  // The first column that is read from panels.
  'from',
  // Where the panels of B are, for this block of k.
  'bPanels',
  // Strips of B that have lists worth using.
  'stripsListed',
  // Whether A, and the block of B, are finite: 0 when nobody has looked yet, else 1, or 2 for no.
  'finiteA', 'finiteB',
  // Which lists the current rows use: 0 none, else the field of those of tiles or of strips.
  'listing',
  // The list of the current strip, and the one in use.
  'stripList', 'list',
  // Flags for the tiles.
  'state',
  // How many blocks of k came before this one.
  'block',
  // Totals of the current strip; 0 after blocks whose sums go on.
  'totals',
] as const; // biome-ignore format: a table

/** A kernel as it is written. */
export class ContractCode {
  readonly module: ModuleBuilder;
  readonly arithmetic: Arithmetic;
  readonly fields: ContractFields;
  readonly parts: ReturnType<typeof scratchParts>;
  /** Columns of a strip. */
  readonly strip: number;
  /** Whether zeros are looked for: in B, and in A but where rows are read in place in runs. */
  readonly zeros: boolean;
  readonly pack: Callable;
  readonly tiles: Callable;
  readonly listedTiles: Callable;
  readonly epilogue: Callable;
  readonly f: FunctionBuilder;
  readonly variables: Readonly<Record<(typeof variableNames)[number], I32Variable>>;
  readonly argumentBlock: I32Variable;
  readonly begin: I32Variable;
  readonly end: I32Variable;
  readonly #table: Callable;

  constructor(target: Target, arithmetic: Arithmetic, fields: ContractFields) {
    const { module } = target;
    const { aLayout } = fields;
    this.module = module;
    this.arithmetic = arithmetic;
    this.fields = fields;
    this.parts = scratchParts(fields.others.length);
    this.strip = arithmetic.stripRow / arithmetic.size;
    this.zeros = fields.looksForZeros;
    this.#table = tableFunction(module);
    this.pack = packFunction(module, arithmetic);
    const tilesOf = (listed: boolean) =>
      aLayout === 'runs'
        ? runsFunction(module, arithmetic, listed)
        : tilesFunction(module, arithmetic, aLayout, listed);
    this.tiles = tilesOf(false);
    this.listedTiles = this.zeros ? tilesOf(true) : this.tiles;
    this.epilogue = emitEpilogue(target, fields.epilogue, arithmetic, this.parts.operands, fields.sumStrip);
    const f = module.function(null, kernelParameters, []);
    this.f = f;
    [this.argumentBlock, this.begin, this.end] = i32Parameters(f);
    const variables = variableNames.map((name) => [name, i32(f)]);
    this.variables = Object.fromEntries(variables);
  }

  /** A field of the argument block. */
  field(at: number): I32 {
    return this.argumentBlock.load(at);
  }

  /** The address of what a field says the place of in working memory. */
  inScratch(at: number): I32 {
    return this.variables.scratch.add(this.field(at));
  }

  /** The smaller of two values, each computed once. */
  minimum(first: I32, second: Int): I32 {
    const { x, y } = this.variables;
    const { f } = this;
    // What is on the stack.
    const one = new I32(f, () => undefined);
    return new I32(f, () => {
      first.write();
      y.set(second);
      x.ltS(y).select(x.tee(one), y).write();
    });
  }

  /** The table of offsets of `count` positions of a group of axes from `start` on, made at `destination` in working memory. */
  offsets(group: number, start: I32, count: Int, destination: number): I32 {
    const { argumentBlock, variables, f } = this;
    const address = argumentBlock.add(this.field(group));
    return call(f, this.#table, address, start, count, variables.scratch.add(destination));
  }

  /** The address of an operand in the current batch. */
  batchAddress(address: number, group: number): I32 {
    return this.field(address).add(this.offsets(group, this.variables.batch, 1, 128).load());
  }

  /** Where in working memory the words of an operand of the epilogue stand. */
  operandWord(index: number, word: number): number {
    return this.parts.operands + operandWords.bytes * index + word;
  }

  /** How rows share in tiles: their number, the height of most, how many are higher by one. */
  tileCounts(): [I32, I32, I32] {
    const { aTiles, rows } = this.variables;
    return [aTiles, rows.divU(aTiles), rows.remU(aTiles)];
  }

  /** The address of the strip at column `j`. */
  stripAddress(): I32 {
    const { j, from, kCount, b, bColumns, bRows, bPanels } = this.variables;
    const { size } = this.arithmetic;
    return j.geS(from).ifElse(
      () => bPanels.add(j.sub(from).mul(kCount.add(1)).mul(size)),
      () => b.add(bColumns.add(j.mul(4)).load()).add(bRows.load()),
    );
  }

  /** Bytes from one row of the strip at column `j` to the next. */
  stripStep(): I32 {
    const { j, from } = this.variables;
    return j.geS(from).select(this.arithmetic.stripRow, this.field(this.fields.bStep));
  }

  /** Bytes from one panel of B to the next. */
  panelDistance(): I32 {
    return this.variables.kCount.add(1).mul(this.arithmetic.stripRow);
  }

  /** Strips read in place lie side by side, panels one after the other: `each` for either part, with its strips from `j` on. */
  eachPartOfB(each: (panels: boolean) => void): void {
    const { j, from, columns } = this.variables;
    j.set(0);
    from.if(() => each(false));
    j.tee(from)
      .ltS(columns)
      .if(() => each(true));
  }
}
