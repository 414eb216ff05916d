/** `textDataset`: pieces of a text, to predict the next token from those before; and Tiny Shakespeare. */
import { checkOptions } from '@ag/tensor/engine';
import { type MemoryDataset, memoryDataset } from '../dataset.ts';
import { DataError } from '../errors.ts';
import { type FileSet, obtainFiles, type SourceOptions } from '../files/obtain.ts';
import { decodeText } from '../formats/text.ts';

/** Options of {@link textDataset}. */
export interface TextDatasetOptions {
  /** Tokens of each piece. Default 128. */
  length?: number;
  /** Tokens between the beginnings of two pieces. Default `length`: they do not overlap. */
  stride?: number;
  /** The vocabulary, characters in their order; that of another text to which this one belongs. Default: those of this text, sorted. */
  characters?: readonly string[];
  /** Tokens of a text, in place of characters: of a tokenizer. */
  encode?: (text: string) => ArrayLike<number>;
  /** A name for the data set. Default `text`. */
  name?: string;
}

/** A data set of pieces of text. */
export interface TextDataset extends MemoryDataset {
  /** The characters by their numbers; empty where `encode` was given. */
  readonly characters: readonly string[];
  /** The text of characters' numbers. */
  decode(tokens: ArrayLike<number>): string;
}

/**
 * Pieces of a text as tokens: x `[n, length]` int32, y the same one token later. What is left at the end, shorter than a piece, is left out.
 *
 * @throws DataError `option` for a text that is shorter than a piece, `value` for a character that is not in the vocabulary
 *
 * @example
 * const data = textDataset('hello world', { length: 5 });
 * data.decode(data.rows([0]).y.data); // 'ello '
 */
export function textDataset(text: string, options: TextDatasetOptions = {}): TextDataset {
  checkOptions('textDataset', options, 'length stride characters encode name');
  const { length = 128, stride = length, encode, name = 'text' } = options;
  for (const [option, value] of Object.entries({ length, stride })) {
    if (Number.isInteger(value) && value >= 1) continue;
    throw new DataError(`textDataset: ${option}`, {
      code: 'option',
      expected: 'an integer, 1 or more',
      found: String(value),
    });
  }
  const characters = encode ? [] : (options.characters ?? [...new Set(text)].sort(byCodePoint));
  const tokens = encode ? encode(text) : numbersOf(text, characters, name);
  const count = Math.floor((tokens.length - 1 - length) / stride) + 1;
  if (count < 1) {
    throw new DataError(`${name}: the text is shorter than a piece`, {
      code: 'option',
      expected: `more than ${length} tokens`,
      found: String(tokens.length),
    });
  }
  const [x, y] = [0, 1].map((later) => {
    const data = new Int32Array(count * length);
    for (let n = 0; n < count; n++)
      for (let i = 0; i < length; i++) data[n * length + i] = tokens[n * stride + i + later];
    return { data, shape: [length] };
  });
  const info = { name, ...(characters.length > 0 && { classes: characters }) };
  return {
    ...memoryDataset({ x, y }, info),
    characters,
    decode: (list) => Array.from(list, (token) => characters[token] ?? '\ufffd').join(''),
  };
}

function byCodePoint(a: string, b: string): number {
  return (a.codePointAt(0) ?? 0) - (b.codePointAt(0) ?? 0);
}

function numbersOf(text: string, characters: readonly string[], name: string): Int32Array {
  const numbers = new Map(characters.map((character, i) => [character, i]));
  return Int32Array.from(Array.from(text), (character) => {
    const number = numbers.get(character);
    if (number !== undefined) return number;
    throw new DataError(`${name}: a character is not in the vocabulary`, {
      code: 'value',
      expected: `one of ${characters.length} characters`,
      found: JSON.stringify(character),
    });
  });
}

/** Options of {@link tinyShakespeare}. */
export interface TinyShakespeareOptions
  extends SourceOptions,
    Omit<TextDatasetOptions, 'name' | 'characters'> {
  /** Which part: the first 90 % of the text to train with, the next 5 % to validate, the last 5 % to test. Default `train`. */
  split?: 'train' | 'validation' | 'test';
}

/**
 * Where Tiny Shakespeare is published. Size and SHA-256 sum are those of TensorFlow Datasets,
 * tensorflow_datasets/url_checksums/tiny_shakespeare.txt in https://github.com/tensorflow/datasets.
 */
export const tinyShakespeareSource: FileSet = {
  name: 'tiny-shakespeare',
  folders: ['tinyshakespeare', 'tiny_shakespeare', 'shakespeare'],
  // Many a text is called so.
  borrowedNames: true,
  files: [
    {
      name: 'input.txt',
      aliases: ['tinyshakespeare.txt', 'shakespeare.txt'],
      bytes: 1115394,
      sha256: '86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed',
    },
  ],
  mirrors: ['https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare'],
  source: 'Karpathy: The unreasonable effectiveness of recurrent neural networks (2015), char-rnn',
};

/**
 * Tiny Shakespeare, 40,000 lines of plays, as pieces of characters: x `[n, length]` int32, y the same one character later. All parts have
 * the characters of the whole.
 *
 * @throws DataError when the file is missing, cannot be downloaded, or is not what it should be
 *
 * @example
 * const train = await tinyShakespeare({ length: 64 });
 * const test = await tinyShakespeare({ length: 64, split: 'test' });
 */
export async function tinyShakespeare(options: TinyShakespeareOptions = {}): Promise<TextDataset> {
  checkOptions(
    'tinyShakespeare',
    options,
    'split length stride encode dataDir download mirrors onProgress signal attempts stallTimeout retryDelay',
  );
  const { split = 'train', length, stride, encode, ...source } = options;
  const bounds: Readonly<Record<string, readonly [number, number]>> = {
    train: [0, 0.9],
    validation: [0.9, 0.95],
    test: [0.95, 1],
  };
  if (!Object.hasOwn(bounds, split)) {
    throw new DataError('tiny-shakespeare: split', {
      code: 'option',
      expected: `'train', 'validation' or 'test'`,
      found: JSON.stringify(split),
    });
  }
  const [found] = await obtainFiles(tinyShakespeareSource, source);
  const text = await decodeText(found.bytes, { file: found.path });
  const [from, to] = bounds[split].map((share) => Math.floor(share * text.length));
  const set = textDataset(text.slice(from, to), {
    name: tinyShakespeareSource.name,
    ...(length !== undefined && { length }),
    ...(stride !== undefined && { stride }),
    ...(encode ? { encode } : { characters: [...new Set(text)].sort(byCodePoint) }),
  });
  const info = { ...set.info, split, source: tinyShakespeareSource.source, files: [found.path] };
  return { ...set, info, split };
}
