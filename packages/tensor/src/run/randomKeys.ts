/**
 * Keys of random numbers, and the global sequence that is drawn from where a call names none.
 *
 * Keys are made by Threefry (Salmon et al. 2011), so they can be split, and the same key always gives the same numbers.
 */
import { checkInteger, describeValue } from '../check.ts';
import { codedError, typeError } from '../errors.ts';
import type { Tensor } from '../tensor.ts';
import { beforeEachRun } from './tracing.ts';

/** Two 32-bit words that decide all numbers drawn with them. Make one with `key(seed)`, more with `splitKey`. */
export interface Key {
  readonly words: readonly [number, number];
  /** For compiled steps: the words at each run. @internal */
  readonly read?: () => readonly [number, number];
  /** For functions that are mapped over keys: the words as uint32 scalars; `words` mean nothing then. @internal */
  readonly tensors?: readonly [Tensor, Tensor];
}

let globalKey: Key = { words: [0, 0x9e3779b9] };
let drawn = 0;
let keySource: (() => Key) | null = null;

/** Starts the global sequence of keys anew. */
export function manualSeed(seed: number): void {
  globalKey = keyOf(seed, 'manualSeed');
  drawn = 0;
}

/** The state of the global sequence of keys, for checkpoints. */
export function randomState(): { readonly words: readonly [number, number]; readonly drawn: number } {
  return { words: globalKey.words, drawn };
}

/** Restores what `randomState` gave. */
export function restoreRandomState(state: {
  readonly words: readonly [number, number];
  readonly drawn: number;
}): void {
  globalKey = { words: [state.words[0], state.words[1]] };
  drawn = state.drawn;
}

/** A key from a whole number up to 2⁵³. */
export function key(seed: number): Key {
  return keyOf(seed, 'key');
}

function keyOf(seed: number, operation: string): Key {
  checkInteger(seed, operation, 'the seed');
  return { words: [seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0] };
}

/** `n` keys that are independent of each other and of `from`. */
export function splitKey(from: Key, n = 2): Key[] {
  checkKey(from, 'splitKey');
  checkInteger(n, 'splitKey', 'n', 0);
  if (from.tensors) {
    throw codedError(
      Error,
      'AG_READ_WHILE_TRACING',
      'splitKey: the key is one of many that vmap maps over and has no numbers here; split it outside: vmap(f)(splitKey(key, n), …)',
    );
  }
  return Array.from({ length: n }, (_, i) => ({ words: threefry(from.words, [i, 0x5eed]) }));
}

/** The next key of the global sequence. */
export function nextKey(): Key {
  if (keySource) return keySource();
  return drawKey();
}

function drawKey(): Key {
  const i = drawn++;
  return { words: threefry(globalKey.words, [i >>> 0, Math.floor(i / 2 ** 32) >>> 0]) };
}

/**
 * While `work` runs, under a trace, keys are taken anew at each run of what it builds: before it, and in the order in which `work`
 * asked for them, whatever the order in which a plan comes to read them. So a step draws the same numbers compiled or not.
 */
export function withRunKeys<T>(work: () => T): T {
  const outer = keySource;
  const words: (readonly [number, number])[] = [];
  keySource = () => {
    const i = words.length;
    words.push([0, 0]);
    return { words: [0, 0], read: () => words[i] };
  };
  try {
    return work();
  } finally {
    keySource = outer;
    if (words.length > 0) {
      beforeEachRun(() => {
        for (let i = 0; i < words.length; i++) words[i] = drawKey().words;
        return undefined;
      });
    }
  }
}

/** While `work` runs, keys are made of those it would have got and of the number of a part, so that each part of a batch draws numbers of its own. */
export function foldingKeys<T>(part: () => number, work: () => T): T {
  const fold = (words: readonly [number, number]): [number, number] => threefry(words, [part(), 0x70617274]);
  return withKeysFrom((outer) => {
    const own = outer();
    const { read } = own;
    return read ? { words: fold(own.words), read: () => fold(read()) } : { words: fold(own.words) };
  }, work);
}

/** While `work` runs, keys come from `source`, which may take them from where they came before. */
export function withKeysFrom<T>(source: (outer: () => Key) => Key, work: () => T): T {
  const before = keySource;
  keySource = () => {
    const own = keySource;
    keySource = before;
    try {
      return source(nextKey);
    } finally {
      keySource = own;
    }
  };
  try {
    return work();
  } finally {
    keySource = before;
  }
}

export function checkKey(own: Key, operation: string): Key {
  if (Array.isArray((own as Partial<Key> | null)?.words)) return own;
  throw typeError(`${operation}: expected a key, got ${describeValue(own)}; make one with key(seed)`);
}

/** Threefry-2x32 with 20 rounds on the host: see `ops/random.ts`. Both words of the result. */
export function threefry(
  keyWords: readonly [number, number],
  counter: readonly [number, number],
): [number, number] {
  const rotations = [13, 15, 26, 6, 17, 29, 16, 24];
  const k = [keyWords[0], keyWords[1], (0x1bd11bda ^ keyWords[0] ^ keyWords[1]) >>> 0];
  let x0 = (counter[0] + k[0]) >>> 0;
  let x1 = (counter[1] + k[1]) >>> 0;
  for (let round = 0; round < 20; round++) {
    const r = rotations[round % 8];
    x0 = (x0 + x1) >>> 0;
    x1 = (((x1 << r) | (x1 >>> (32 - r))) ^ x0) >>> 0;
    if (round % 4 === 3) {
      const turn = (round + 1) / 4;
      x0 = (x0 + k[turn % 3]) >>> 0;
      x1 = (x1 + k[(turn + 1) % 3] + turn) >>> 0;
    }
  }
  return [x0, x1];
}
