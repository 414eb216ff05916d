/** Tokenizers: ids and texts of Hugging Face's library for files of every kind that is read; and those made here. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadTokenizer } from './huggingFace.ts';
import { pattern } from './patterns.ts';
import { type Part, preTokenizer } from './stages.ts';
import { byteTokenizer, characterTokenizer } from './tokenizer.ts';
import { bytePairTokenizer } from './trained.ts';

interface Fixture {
  readonly splits: readonly {
    readonly part: Part;
    readonly rows: readonly (readonly [string, string[]])[];
  }[];
  readonly cases: readonly {
    readonly name: string;
    readonly size: number;
    readonly file: object;
    readonly rows: readonly (readonly [
      text: string,
      ids: number[],
      plain: number[],
      decoded: string,
      all: string,
    ])[];
  }[];
}

const { cases, splits } = JSON.parse(
  readFileSync(new URL('../../fixtures/tokenizerFiles.json', import.meta.url), 'utf8'),
) as Fixture;

describe('files of Hugging Face', () => {
  it.each(cases)('$name', ({ file, size, rows }) => {
    const tokenizer = loadTokenizer(file);
    expect(tokenizer.size).toBe(size);
    for (const [text, ids, plain, decoded, all] of rows) {
      const what = JSON.stringify(text);
      expect(tokenizer.encode(text), what).toEqual(ids);
      expect(tokenizer.encode(text, { special: false }), what).toEqual(plain);
      expect(tokenizer.decode(ids), what).toBe(decoded);
      expect(tokenizer.decode(ids, { special: true }), what).toBe(all);
    }
    const again = loadTokenizer(new TextEncoder().encode(JSON.stringify(file)));
    expect(again.encode(rows[0][0])).toEqual(rows[0][1]);
    const token = tokenizer.idToToken(300 % size)!;
    expect(tokenizer.tokenToId(token)).toBe(300 % size);
  });

  it('cut in every way', () => {
    for (const { part, rows } of splits) {
      const cut = preTokenizer(part);
      for (const [text, pieces] of rows)
        expect(cut(text, true), `${JSON.stringify(part)} ${text}`).toEqual(pieces);
    }
  });

  it('are refused by name where they ask for something else', () => {
    const model = { type: 'BPE', vocab: { a: 0 }, merges: [] };
    const refused: [object | string, string][] = [
      [{}, 'no tokenizer.json'],
      ['{', 'this is no JSON'],
      [{ model: { type: 'Unigram', vocab: [] } }, "the model 'Unigram' is not known here"],
      [{ model: { type: 'BPE' } }, 'no "vocab"'],
      [{ model: { ...model, merges: ['a b'] } }, "merge 1, 'a b', needs the token 'b'"],
      [{ model: { ...model, merges: ['a'] } }, 'merge 1 must be a pair'],
      [{ model: { ...model, vocab: { a: -1 } } }, "the token 'a' has the id -1"],
      [{ model: { ...model, vocab: { a: 1e12 } } }, "the token 'a' has the id"],
      [{ model, normalizer: { type: 'Precompiled' } }, 'the normalizer "Precompiled"'],
      [{ model, pre_tokenizer: { type: 'UnicodeScripts' } }, 'the pre-tokenizer "UnicodeScripts"'],
      [{ model, decoder: { type: 'CTC' } }, 'the decoder "CTC"'],
      [{ model, post_processor: { type: 'Other' } }, "the post-processor 'Other'"],
      [
        { model, pre_tokenizer: { type: 'Split', pattern: { Regex: 'a++' }, behavior: 'Isolated' } },
        'the pattern a++',
      ],
      // Time that doubles with each letter.
      ...['(a+)+b', '(?:a|a)*b', '(a+){2,}b'].map((regex): [object, string] => [
        { model, pre_tokenizer: { type: 'Split', pattern: { Regex: regex }, behavior: 'Isolated' } },
        'a group that repeats',
      ]),
      [
        { model, pre_tokenizer: { type: 'Split', pattern: { Regex: '\\h' }, behavior: 'Isolated' } },
        '\\h in the pattern',
      ],
      [
        { model: { type: 'WordPiece', vocab: { a: 0 }, unk_token: '[UNK]' } },
        "the token for the unknown, '[UNK]'",
      ],
    ];
    for (const [file, message] of refused) expect(() => loadTokenizer(file), message).toThrow(message);
  });

  it('read long words in little time', () => {
    const tokenizer = loadTokenizer(cases[0].file);
    const start = performance.now();
    const ids = tokenizer.encode('lowest'.repeat(20_000));
    expect(performance.now() - start).toBeLessThan(10_000);
    expect(tokenizer.decode(ids)).toBe('lowest'.repeat(20_000));
  });
});

it('patterns lose their case where they say so', () => {
  const words = pattern(String.raw`(?i:'s|k[a-c]x)|(b)\s`);
  expect("'S KAX \u212aax B b\u0085b\ufeff".match(words)).toEqual(["'S", 'KAX', '\u212aax', 'b\u0085']);
});

it('characters, in the order of their numbers', () => {
  const tokenizer = characterTokenizer('banana 😀');
  expect(tokenizer.size).toBe(5);
  expect(tokenizer.encode('a😀nb ')).toEqual([1, 4, 3, 2, 0]);
  expect(tokenizer.decode([2, 1, 3])).toBe('ban');
  expect([tokenizer.tokenToId('n'), tokenizer.idToToken(4)]).toEqual([3, '😀']);
  expect(() => tokenizer.encode('x')).toThrow("'x' is none of the 5 characters");
  expect(() => tokenizer.decode([5])).toThrow('ids are whole numbers in 0 … 4, got 5');
  const open = characterTokenizer(['ab', 'c'], { unknown: '?' });
  expect(open.decode(open.encode('abzc'))).toBe('ab?c');
  expect(() => characterTokenizer('')).toThrow('the text is empty');
});

it('bytes', () => {
  const tokenizer = byteTokenizer();
  expect(tokenizer.encode('é\0')).toEqual([195, 169, 0]);
  expect(tokenizer.decode([239, 187, 191, 195, 169, 255])).toBe('\ufeffé\ufffd');
  expect(() => tokenizer.decode([256])).toThrow('0 … 255, got 256');
});

it('pairs learned here: by hand', () => {
  // "ab" occurs 4 times, then "ab c" is the most frequent.
  const tokenizer = bytePairTokenizer(['abc|abc|abd', 'ab'], { size: 259, special: ['<end>'] });
  const id = (text: string): number => tokenizer.encode(text)[0];
  expect(tokenizer.size).toBe(259);
  expect([tokenizer.idToToken(0), tokenizer.idToToken(257), tokenizer.idToToken(258)]).toEqual([
    '<end>',
    'ab',
    'abc',
  ]);
  expect(tokenizer.encode('abc<end>abd')).toEqual([258, 0, 257, id('d')]);
  const text = 'Grüße, 日本 😀 \n\t abcab';
  expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
  expect(() => bytePairTokenizer([], { size: 100 })).toThrow('size must be at least 256');
});
