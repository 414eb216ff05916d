/**
 * The memory of a module that runs by itself: it is what a bound executable leaves in memory, so kernels find everything where the
 * library would have put it. Weights lie first, then tables, argument blocks, inputs, outputs, working memory.
 *
 * A recording for each size of batch is lowered and bound. Sizes that follow one another and run the same kernels share their argument
 * blocks (a variant): a table says which words differ. So does one for what steps read on the host, and a list says where the
 * words of random keys stand.
 */
import { bytesPerElement, type Launch, type TypedArray, type Variable } from '@ag/tensor';
import type { Features, Stage } from '../abi.ts';
import * as control from '../control.ts';
import * as header from '../header.ts';
import { copyTo, type LoweredLaunch, WasmExecutable } from '../run/executable.ts';
import { dividedSums } from '../run/loweredProgram.ts';
import { Lowerings } from '../run/lowerings.ts';
import { type Block, LinearMemory } from '../run/memory.ts';
import type { Bound, Recording } from './recording.ts';
import { type Numbers, numbersOf } from './scalars.ts';
import { Table } from './table.ts';

/** A kernel call. */
export interface Call {
  readonly stage: Stage;
  readonly launch: Launch;
  /** Where its argument block lies. */
  readonly address: number;
}

/** Sizes of batch that run the same kernels on the same argument blocks. */
export interface Variant {
  readonly first: number;
  readonly last: number;
  readonly calls: readonly Call[];
  /** What differs from size to size. */
  readonly table: Table;
  /** New values that lie beside the old ones: from, to, bytes. */
  readonly copies: readonly (readonly [from: number, to: number, bytes: number])[];
}

export interface Image {
  readonly memory: LinearMemory;
  /** Variables in the order met, and where they lie. */
  readonly variables: ReadonlyMap<Variable, number>;
  /** Where inputs and outputs lie, by name. */
  readonly addresses: ReadonlyMap<string, number>;
  /** From where to where variables and constants lie. */
  readonly weights: readonly [start: number, end: number];
  readonly variants: readonly Variant[];
  /** Numbers that each step reads anew; null where there are none. */
  readonly steps: Table | null;
  /** Where the words of random keys stand: address, number of the key, word 0 or 1. */
  readonly keyWords: readonly (readonly [address: number, key: number, word: number])[];
  /** A few cells for counters, zero. */
  readonly cells: number;
  readonly end: number;
}

/** A size of batch, lowered. */
interface Sized {
  readonly recording: Recording;
  readonly executable: WasmExecutable;
  readonly calls: readonly { readonly stage: Stage; readonly launch: Launch }[];
  /** Equal where kernels are. */
  readonly key: string;
  readonly numbers: Numbers;
}

/** A cache line, for counters. */
const cellBytes = 64;

const wordBytes = 4;

/**
 * @param recordings one for each size of batch from `firstSize` on
 * @param steps how many steps are prepared
 */
export async function makeImage(
  recordings: readonly Recording[],
  firstSize: number,
  features: Features,
  steps: number | null,
): Promise<Image> {
  // Executables write their argument blocks here, and know where everything lies there.
  const workshop = new LinearMemory(false, 2 ** 32);
  const memory = new LinearMemory(false, 2 ** 32);
  const sized = recordings.map((recording) => lowered(recording, workshop, features, steps));
  const constants = new Constants(memory);
  const placed = new Map<unknown, Block>();
  const weightsStart = memory.allocate(0, false).address;
  const place = (key: unknown, bytes: number): Block => {
    const block = placed.get(key) ?? memory.allocate(bytes, false);
    placed.set(key, block);
    return block;
  };
  const variables = new Map<Variable, number>();
  const constantBlocks = new Map<Bound, Block>();
  for (const { recording } of sized) {
    for (const bound of recording.bindings) {
      if (bound.kind === 'constant') {
        constantBlocks.set(bound, constants.place(await bound.tensor.data()));
      } else if (bound.kind === 'variable' || bound.kind === 'update') {
        const { variable } = bound;
        if (variables.has(variable)) continue;
        const block = place(variable, variable.size * bytesPerElement(variable.dtype));
        copyTo(memory, block.address, await variable.value.data());
        variables.set(variable, block.address);
      }
    }
  }
  const weightsEnd = memory.allocate(0, false).address;
  const cells = memory.allocate(cellBytes).address;
  // The last size is the largest, and what it does not have a smaller one may.
  for (const { recording } of [...sized].reverse()) {
    for (const bound of recording.bindings) {
      if (bound.kind === 'input' || bound.kind === 'output') {
        const { shape, dtype } = bound.tensor;
        const elements = shape.reduce((product, size) => product * size, 1);
        place(`${bound.kind} ${bound.name}`, elements * bytesPerElement(dtype));
      } else if (bound.kind === 'update' && !bound.inPlace) {
        const { size, dtype } = bound.variable;
        place(`next ${[...variables.keys()].indexOf(bound.variable)}`, size * bytesPerElement(dtype));
      }
    }
  }
  const blockOf = (bound: Bound): Block => {
    if (bound.kind === 'constant') return constantBlocks.get(bound)!;
    if (bound.kind === 'variable') return placed.get(bound.variable)!;
    if (bound.kind !== 'update') return placed.get(`${bound.kind} ${bound.name}`)!;
    if (bound.inPlace) return placed.get(bound.variable)!;
    return placed.get(`next ${[...variables.keys()].indexOf(bound.variable)}`)!;
  };
  const arena = memory.allocate(Math.max(0, ...sized.map(({ executable }) => executable.arenaBytes)), false);
  const variants: Variant[] = [];
  for (let first = 0; first < sized.length; ) {
    let last = first;
    while (sized[last + 1]?.key === sized[first].key) last++;
    const group = sized.slice(first, last + 1);
    const rooms = group[0].calls.map((_, i) =>
      Math.max(...group.map(({ calls }) => calls[i].stage.argumentBlock.bytes)),
    );
    const words = group.map(({ executable, calls, recording, numbers }) => {
      executable.bind(recording.bindings.map(blockOf), numbers.start, arena.address);
      return wordsOf(workshop, executable, calls, rooms);
    });
    const block = memory.allocate(words[0].byteLength);
    memory.i32.set(words[0], block.address >>> 2);
    let address = block.address;
    const calls = group[0].calls.map((call, i) => {
      const own = { ...call, address };
      address += rooms[i];
      return own;
    });
    const table = Table.from(memory, () => words, block.address);
    const copies = group[0].recording.bindings.flatMap((bound): [number, number, number][] => {
      if (bound.kind !== 'update' || bound.inPlace) return [];
      const { variable } = bound;
      const bytes = variable.size * bytesPerElement(variable.dtype);
      return [[blockOf(bound).address, variables.get(variable)!, bytes]];
    });
    variants.push({ first: firstSize + first, last: firstSize + last, calls, table, copies });
    first = last + 1;
  }
  const live = livingWords(sized[0], workshop, arena.address);
  const blocks = variants[0].calls[0]?.address ?? 0;
  const result = {
    memory,
    variables,
    addresses: new Map(
      [...placed].flatMap(([key, { address }]) => (typeof key === 'string' ? [[key, address] as const] : [])),
    ),
    weights: [weightsStart, weightsEnd] as const,
    variants,
    steps: steps === null ? null : Table.from(memory, () => live.steps(steps), blocks),
    keyWords: live.keyWords().map(([word, key, half]) => [blocks + wordBytes * word, key, half] as const),
    cells,
  };
  if (!usesAngles(sized)) memory.u8.fill(0, control.twoOverPi, control.end);
  return { ...result, end: memory.allocate(0, false).address };
}

function lowered(
  recording: Recording,
  workshop: LinearMemory,
  features: Features,
  steps: number | null,
): Sized {
  const program = dividedSums(recording.program, features);
  const lowerings = new Lowerings(program, features);
  const launches: LoweredLaunch[] = program.launches.map((launch) => ({
    launch,
    stages: lowerings.stagesOf(launch).filter((stage) => stage.units > 0),
  }));
  const calls = launches.flatMap(({ launch, stages }) => stages.map((stage) => ({ launch, stage })));
  const kernels = calls.map(({ stage }) => ({ key: stage.key, position: 0, users: 1 }));
  const executable = new WasmExecutable(workshop, program, launches, kernels, 1);
  const kinds = recording.bindings.map((bound) => `${bound.kind}${bound.kind === 'update' && bound.inPlace}`);
  const key = [...kinds, ...calls.map(({ stage }) => stage.key)].join('\n');
  return { recording, executable, calls, key, numbers: numbersOf(recording, steps) };
}

/**
 * The argument blocks as they are now, each with zeros up to the bytes that are its own. What only the driver reads of them is 0 too, so that
 * it does not count as a difference.
 */
function wordsOf(
  memory: LinearMemory,
  executable: WasmExecutable,
  calls: readonly { readonly stage: Stage }[],
  rooms = calls.map(({ stage }) => stage.argumentBlock.bytes),
): Int32Array {
  const words = new Int32Array(rooms.reduce((sum, room) => sum + room, 0) / wordBytes);
  let from = executable.first / wordBytes;
  let to = 0;
  calls.forEach(({ stage }, i) => {
    const length = stage.argumentBlock.bytes / wordBytes;
    words.set(memory.i32.subarray(from, from + length), to);
    for (const field of [header.position, header.bytes, header.grain, header.pieces])
      words[to + field / wordBytes] = 0;
    from += length;
    to += rooms[i] / wordBytes;
  });
  return words;
}

/** What changes in the argument blocks from step to step. */
function livingWords({ executable, calls, numbers }: Sized, memory: LinearMemory, arena: number) {
  const at = (scalars: Float64Array): Int32Array => {
    executable.settle(scalars, arena);
    return wordsOf(memory, executable, calls);
  };
  return {
    *steps(count: number): Generator<Int32Array> {
      for (const scalars of numbers.steps(count)) yield at(scalars);
    },
    keyWords(): [word: number, key: number, half: number][] {
      const before = at(numbers.start);
      return numbers.keyWords.flatMap(({ scalar, key, word: half }) => {
        const other = Float64Array.from(numbers.start);
        other[scalar] = 1;
        const after = at(other);
        return [...after.keys()]
          .filter((word) => after[word] !== before[word])
          .map((word): [number, number, number] => [word, key, half]);
      });
    },
  };
}

/** Sines and cosines of large angles read digits of 2/π. */
function usesAngles(sized: readonly Sized[]): boolean {
  return sized.some(({ calls }) =>
    calls.some(({ launch }) => /"(sin|cos|tan)"/.test(JSON.stringify(launch.kernel))),
  );
}

/** Arrays that the plan reads, each once however often they were made. */
class Constants {
  readonly #memory: LinearMemory;
  readonly #known: { readonly data: TypedArray; readonly block: Block }[] = [];

  constructor(memory: LinearMemory) {
    this.#memory = memory;
  }

  place(data: TypedArray): Block {
    const equal = this.#known.find(
      (one) =>
        one.data.constructor === data.constructor &&
        one.data.length === data.length &&
        one.data.every((element, i) => Object.is(element, data[i])),
    );
    if (equal) return equal.block;
    const block = this.#memory.allocate(data.byteLength, false);
    copyTo(this.#memory, block.address, data);
    this.#known.push({ data, block });
    return block;
  }
}
