/**
 * Safetensors at the edge: names that objects treat differently from others, shapes without elements, and headers that lie.
 * What is written is what the official library reads, and the other way round (`fixtures/safetensorsOdd.py`).
 */
import { readFileSync } from 'node:fs';
import { tensor, Variable, zeros } from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import { oddFile, oddMetadata, oddTensors } from '../../fixtures/oddTensors.ts';
import * as nn from '../index.ts';

type Content = [name: string, dtype: string, shape: number[], data: (number | boolean)[]][];
interface Side {
  readonly file: string;
  readonly metadata: [string, string][];
  readonly content: Content;
}
const fixtures = JSON.parse(
  readFileSync(new URL('../../fixtures/safetensorsOdd.json', import.meta.url), 'utf8'),
) as { ours: Side; theirs: Side };

const sorted = <T extends readonly [string, ...unknown[]]>(list: readonly T[]): T[] =>
  [...list].sort(([a], [b]) => (a < b ? -1 : 1));

function contentOf({ tensors, names }: nn.LoadedSafetensors): Content {
  return names.map((name) => {
    const { dtype, shape } = tensors[name];
    const data = [...tensors[name].dataSync()];
    return [name, dtype, [...shape], dtype === 'bool' ? data.map(Boolean) : data];
  });
}

describe('odd names and shapes', () => {
  it('are written as the official library reads them', async () => {
    const file = await oddFile();
    expect(Buffer.from(file).toString('base64')).toBe(fixtures.ours.file);
    expect(sorted(fixtures.ours.content)).toEqual(
      sorted(
        oddTensors.map(([name, t]) => {
          const data = [...t.dataSync()];
          return [name, t.dtype, [...t.shape], t.dtype === 'bool' ? data.map(Boolean) : data] as const;
        }),
      ),
    );
    expect(fixtures.ours.metadata).toEqual(Object.entries(oddMetadata));
  });

  it('are read as the official library wrote them', () => {
    const loaded = nn.loadSafetensors(Buffer.from(fixtures.theirs.file, 'base64'));
    expect(sorted(contentOf(loaded))).toEqual(sorted(fixtures.theirs.content));
    expect(sorted(Object.entries(loaded.metadata))).toEqual(sorted(fixtures.theirs.metadata));
  });

  it('come back', async () => {
    const loaded = nn.loadSafetensors(await oddFile());
    expect(sorted(contentOf(loaded))).toEqual(sorted(fixtures.ours.content));
    expect(Object.entries(loaded.metadata)).toEqual(Object.entries(oddMetadata));
  });

  it('are found only where they are', async () => {
    const { tensors, metadata } = nn.loadSafetensors(await nn.saveSafetensors({ w: zeros([1]) }));
    for (const name of ['constructor', '__proto__', 'toString', 'v']) {
      expect(tensors[name], name).toBeUndefined();
      expect(metadata[name], name).toBeUndefined();
    }
  });

  it('keep the order of the file in `names`', () => {
    const { names } = nn.loadSafetensors(fileOf('{"b":E4,"10":E0,"2":E0,"a":E4}', 8));
    expect(names).toEqual(['b', '10', '2', 'a']);
  });

  it('refuses texts that UTF-8 has no bytes for', async () => {
    const half = '\ud83d';
    await expect(nn.saveSafetensors({ [half]: zeros([1]) })).rejects.toThrow(/surrogate/);
    await expect(nn.saveSafetensors({}, { metadata: { a: half } })).rejects.toThrow(/'a'.*surrogate/);
    await expect(nn.saveSafetensors({ '🙂': zeros([1]) })).resolves.toBeInstanceOf(Uint8Array);
  });
});

/** A file with the header; E4 stands for the next entry of one float, E0 for an empty one behind it. */
function fileOf(header: string | Uint8Array, bytes = 0, length?: bigint): Uint8Array {
  let at = 0;
  const text =
    typeof header === 'string'
      ? header.replace(/E([04])/g, (_, size: string) => {
          const start = at;
          at += Number(size);
          return JSON.stringify({ dtype: 'F32', shape: [Number(size) / 4], data_offsets: [start, at] });
        })
      : header;
  const json = typeof text === 'string' ? new TextEncoder().encode(text) : text;
  const file = new Uint8Array(8 + json.length + bytes);
  new DataView(file.buffer).setBigUint64(0, length ?? BigInt(json.length), true);
  file.set(json, 8);
  return file;
}

const one = (changes: object, bytes = 4): Uint8Array =>
  fileOf(JSON.stringify({ w: { dtype: 'F32', shape: [1], data_offsets: [0, 4], ...changes } }), bytes);

describe('headers that lie', () => {
  it.each<[string, Uint8Array, RegExp]>([
    ['a header of 2⁶³ bytes', fileOf('{}', 0, 2n ** 63n), /header should have 92233720368547\d+ bytes/],
    ['a header longer than the file', fileOf('{}', 4, 7n), /should have 7 bytes, the file has 14/],
    ['a header cut off', fileOf('{"w":E4}', 4, 20n), /no JSON/],
    ['a byte order mark', fileOf('\ufeff{"w":E4}', 4), /no JSON/],
    ['bytes that are no UTF-8', fileOf(Uint8Array.of(0x7b, 0xff, 0x7d)), /no JSON/],
    ['half a surrogate pair as bytes', fileOf(Uint8Array.of(0x22, 0xed, 0xa0, 0xbd, 0x22)), /no JSON/],
    ['brackets without end', fileOf('['.repeat(100_000)), /no JSON/],
    ['no object', fileOf('null'), /no JSON object/],
    ['a name twice', fileOf('{"w":E4,"v":E4,"w":E4}', 12), /'w' stands twice/],
    ['a name twice, written differently', fileOf('{"w":E4,"\\u0077":E4}', 8), /'w' stands twice/],
    ['a dtype twice', fileOf('{"w":{"dtype":"F32","dtype":"U8"}}'), /'dtype' stands twice/],
    ['metadata twice', fileOf('{"__metadata__":{},"__metadata__":{}}'), /'__metadata__' stands twice/],
    ['an entry that is null', fileOf('{"w":null}'), /entry of 'w' is no object/],
    ['an entry that is a list', fileOf('{"w":[]}'), /entry of 'w' is no object/],
    ['metadata that are numbers', fileOf('{"__metadata__":{"epoch":3}}'), /metadata 'epoch' is no text/],
    ['metadata in a list', fileOf('{"__metadata__":["a"]}'), /no object of texts/],
    ['metadata that are a text', fileOf('{"__metadata__":"a"}'), /no object of texts/],
    ['a dtype from the prototype', one({ dtype: 'constructor' }), /dtype constructor; known are F64/],
    ['a dtype in a list', one({ dtype: ['F32'] }), /dtype \[F32\]; known/],
    ['no dtype', one({ dtype: undefined }), /dtype undefined; known/],
    ['a shape of fractions', one({ shape: [0.5] }), /no valid shape/],
    ['a shape of texts', one({ shape: ['1'] }), /no valid shape/],
    ['a shape that is a number', one({ shape: 1 }), /no valid shape/],
    ['a shape of NaN, which JSON has as null', one({ shape: [Number.NaN] }), /no valid shape/],
    ['a shape of −0', fileOf('{"w":{"dtype":"U8","shape":[-0],"data_offsets":[0,0]}}'), /no valid shape/],
    [
      'a size beyond all numbers',
      fileOf('{"w":{"dtype":"U8","shape":[1e999],"data_offsets":[0,0]}}'),
      /no valid shape/,
    ],
    [
      'sizes whose product overflows',
      one({ shape: [2 ** 50, 2 ** 50] }),
      /needs 5.07\d*e\+30 bytes and has 4/,
    ],
    ['sizes whose product is infinite', one({ shape: new Array(30).fill(2 ** 50) }), /needs Infinity bytes/],
    [
      'sizes whose product is 4 bytes in 64 bits',
      one({ shape: [2 ** 31 - 2 ** 16 + 1, 2 ** 31 + 2 ** 16 + 1] }),
      /needs 184467440737095\d+ bytes/,
    ],
    [
      'offsets beyond the file',
      one({ data_offsets: [0, 8], shape: [2] }),
      /ends at byte 8 of the data, which has 4/,
    ],
    ['offsets in floats', one({ data_offsets: [0, 4.5] }), /no valid data_offsets/],
    ['offsets beyond whole numbers', one({ data_offsets: [0, 2 ** 60] }), /no valid data_offsets/],
    ['three offsets', one({ data_offsets: [0, 4, 8] }), /no valid data_offsets/],
    [
      'an empty tensor inside another',
      fileOf(
        '{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"v":{"dtype":"F32","shape":[0],"data_offsets":[4,4]}}',
        8,
      ),
      /'v' begins at byte 4/,
    ],
    ['an empty tensor beyond the end', one({ shape: [0], data_offsets: [8, 8] }, 8), /'w' begins at byte 8/],
    ['bytes that belong to none', fileOf('{"w":E4}', 5), /1 bytes after the last tensor/],
  ])('refuses %s', (_, file, message) => {
    expect(() => nn.loadSafetensors(file)).toThrow(RangeError);
    expect(() => nn.loadSafetensors(file)).toThrow(message);
  });

  it('does not repeat long names and shapes in full', () => {
    const name = 'x'.repeat(100_000);
    for (const entry of [
      null,
      { dtype: name },
      { dtype: 'F32', shape: new Array(50_000).fill(1), data_offsets: [0, 8] },
    ]) {
      const file = fileOf(JSON.stringify({ [name]: entry }), 8);
      let message = '';
      try {
        nn.loadSafetensors(file);
      } catch (error) {
        message = (error as Error).message;
      }
      expect(message).toMatch(/^loadSafetensors: .*x{50}…/);
      expect(message.length).toBeLessThan(500);
    }
  });

  it('takes what the format allows', () => {
    const file = fileOf(
      ' {"w" : E4 ,"__metadata__":null,"":E0,"v":{"extra":{"w":[1,{"w":"}"}]},"dtype":"U8","shape":[],"data_offsets":[4,5]}}\n ',
      5,
    );
    const { names, tensors, metadata } = nn.loadSafetensors(file);
    expect(names).toEqual(['w', '', 'v']);
    expect(names.map((name) => tensors[name].shape)).toEqual([[1], [0], []]);
    expect(Object.keys(metadata)).toEqual([]);
    expect(nn.loadSafetensors(fileOf('{}')).names).toEqual([]);
    const wide = nn.loadSafetensors(
      fileOf('{"w":{"dtype":"F64","shape":[0,1000000,1000000],"data_offsets":[0,0]}}'),
    );
    expect(wide.tensors.w.size).toBe(0);
  });
});

/** A module whose members have names that objects have of their own. */
class Odd extends nn.Module {
  readonly inner = nn.linear(1, 1);

  override forward() {
    return zeros([1]);
  }

  override *members(): Iterable<readonly [string, Variable | nn.AnyModule]> {
    yield ['__proto__', new Variable(tensor([1, 2]))];
    yield ['constructor', this.inner];
  }
}

describe('state dicts', () => {
  it('hold names that objects have of their own', async () => {
    const state = new Odd().stateDict();
    expect(Object.keys(state)).toEqual(['__proto__', 'constructor.weight', 'constructor.bias']);
    const { tensors } = nn.loadSafetensors(await nn.saveSafetensors(state));
    const model = new Odd();
    model.loadStateDict(tensors);
    expect(await model.inner.weight.value.item()).toBe(await state['constructor.weight'].item());
  });

  it('do not find what is not there', () => {
    class Named extends nn.Module {
      readonly toString_ = nn.linear(1, 1);
      override forward() {
        return zeros([1]);
      }
      override *members(): Iterable<readonly [string, Variable | nn.AnyModule]> {
        yield ['toString', this.toString_];
      }
    }
    expect(() => new Named().loadStateDict({})).toThrow(/missing: 'toString.weight'/);
    expect(() => nn.linear(1, 1).loadStateDict({ constructor: zeros([1]) } as never)).toThrow(
      /unknown: 'constructor'/,
    );
  });

  it('refuse two entries for one variable', () => {
    const layer = nn.batchNorm1d(2);
    const twice = { ...layer.stateDict(), running_mean: zeros([2]) };
    expect(() => layer.loadStateDict(twice)).toThrow(
      /'runningMean' and 'running_mean' are both 'runningMean'/,
    );
    const both = { rename: (name: string) => (name === 'bias' ? 'weight' : name), strict: false };
    expect(() => layer.loadStateDict(layer.stateDict(), both)).toThrow(
      /'weight' and 'bias' are both 'weight'/,
    );
  });

  it('want a name from rename', () => {
    // What a lookup in an object gives for a name that it has from its prototype.
    const names: Record<string, string> = { w: 'weight' };
    const layer = nn.linear(1, 1, { bias: false });
    const state = { constructor: zeros([1, 1]) } as never;
    expect(() => layer.loadStateDict(state, { rename: (name) => names[name] ?? null })).toThrow(
      /rename must give a name, or null to leave 'constructor' out; got function/,
    );
  });
});

describe('inspectSafetensors', () => {
  const reader = (bytes: Uint8Array, seen: [number, number][] = []) => ({
    size: bytes.length,
    read(start: number, end: number) {
      seen.push([start, end]);
      return bytes.subarray(start, end);
    },
  });

  it('reads the header and nothing else', async () => {
    const bytes = await nn.saveSafetensors(
      { weight: tensor([[1, 2, 3]]), count: tensor([7], { dtype: 'int32' }) },
      { metadata: { epoch: '3' }, floats: 'F16' },
    );
    const seen: [number, number][] = [];
    const { tensors, metadata } = await nn.inspectSafetensors(reader(bytes, seen));
    const begin = bytes.length - 4 - 6;
    expect(tensors).toEqual([
      { name: 'count', element: 'I32', shape: [1], start: begin, end: begin + 4 },
      { name: 'weight', element: 'F16', shape: [1, 3], start: begin + 4, end: begin + 10 },
    ]);
    expect({ ...metadata }).toEqual({ epoch: '3' });
    expect(seen).toEqual([
      [0, 8],
      [8, begin],
    ]);
  });

  it('refuses what loadSafetensors refuses', async () => {
    const bytes = await nn.saveSafetensors({ weight: tensor([1, 2, 3]) });
    await expect(nn.inspectSafetensors(reader(bytes.subarray(0, -4)))).rejects.toThrow(
      "inspectSafetensors: 'weight' ends at byte 12 of the data, which has 8; the file is cut off",
    );
    await expect(nn.inspectSafetensors(reader(bytes.subarray(0, 5)))).rejects.toThrow('has 5 bytes');
    await expect(nn.inspectSafetensors(reader(new Uint8Array(64).fill(0xff)))).rejects.toThrow('header');
  });
});

describe('storedElement', () => {
  it('says what a tensor was in its file', async () => {
    const half = nn.loadSafetensors(await nn.saveSafetensors({ x: tensor([1, 2]) }, { floats: 'BF16' }))
      .tensors.x;
    expect([half.dtype, nn.storedElement(half)]).toEqual(['float32', 'BF16']);
    expect(nn.storedElement(tensor([1]))).toBeUndefined();
  });
});
