/** Files of PyTorch: what `torch.save` wrote is read, what is written here `torch.load` took, programs are refused. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { key, randint, type Tensor, tensor } from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import { Net, pattern, patternedNet } from '../../fixtures/torchNet.ts';
import * as nn from '../index.ts';

interface Formats {
  readonly zip: string;
  readonly legacy: string;
}
interface Kinds extends Formats {
  readonly values: Record<string, (number | 'inf')[]>;
  readonly shapes: Record<string, number[]>;
}
const fixture = <T>(name: string): T =>
  JSON.parse(readFileSync(new URL(`../../fixtures/${name}`, import.meta.url), 'utf8')) as T;
const fixtures = fixture<{
  model: Formats & { prediction: number[] };
  tensors: Kinds;
  unsigned: Kinds;
  checkpoint: Formats & { protocol4: string };
  refused: Record<string, Formats>;
}>('torchFiles.json');
const written = fixture<{ sha256: string; said: string; prediction: number[] }>('torchWritten.json');

const bytesOf = (base64: string): Uint8Array => Uint8Array.from(Buffer.from(base64, 'base64'));
const formats = ['zip', 'legacy'] as const;
const input = pattern([2, 1, 8, 6], 0, 1);

function expectClose(found: Tensor, expected: readonly number[]): void {
  const data = found.dataSync();
  expected.forEach((value, i) => {
    expect(data[i]).toBeCloseTo(value, 5);
  });
}

describe.each(formats)('loadTorch, %s', (format) => {
  it('loads a model, which then predicts the same', async () => {
    const { tensors, names } = await nn.loadTorch(bytesOf(fixtures.model[format]));
    expect(names.slice(0, 3)).toEqual(['features.0.weight', 'features.0.bias', 'features.1.weight']);
    expectClose(new Net().loadStateDict(tensors).eval().forward(input), fixtures.model.prediction);
  });

  it('reads all element types, and views with any strides', async () => {
    const { tensors } = await nn.loadTorch(bytesOf(fixtures.tensors[format]));
    const { values, shapes } = fixtures.tensors;
    expect(Object.keys(tensors)).toEqual(Object.keys(values));
    for (const [name, expected] of Object.entries(values)) {
      expect([...tensors[name].dataSync()].map(Number), name).toEqual(
        expected.map((x) => (x === 'inf' ? Number.POSITIVE_INFINITY : x)),
      );
      expect(tensors[name].shape, name).toEqual(shapes[name]);
    }
    const dtypes = {
      half: 'float32',
      brain: 'float32',
      long: 'int32',
      byte: 'uint8',
      flag: 'bool',
      double: 'float64',
    };
    for (const [name, dtype] of Object.entries(dtypes)) expect(tensors[name].dtype, name).toBe(dtype);
  });

  it('reads unsigned integers', async () => {
    const { tensors } = await nn.loadTorch(bytesOf(fixtures.unsigned[format]));
    expect([[...tensors.u16.dataSync()], [...tensors.u32.dataSync()]]).toEqual([[65535], [2 ** 32 - 1]]);
    expect(tensors.u32.dtype).toBe('uint32');
  });

  it('reads checkpoints', async () => {
    const loaded = await nn.loadTorch(bytesOf(fixtures.checkpoint[format]));
    expectCheckpoint(loaded);
  });

  it.each([
    ['system', /asks for (posix|nt)\.system, which is a program/],
    ['whole model', /asks for torch\.nn\.modules\.linear\.Linear, .* torch\.save\(model\.state_dict\(\)/],
    ['large', /'n': element 0 is 1099511627776, beyond the 32 bits/],
    ['circle', /a container holds itself/],
    ['complex', /asks for torch\.ComplexFloatStorage/],
    ['repeated', /'w' of shape \[1073741824\] repeats the numbers/],
  ])('refuses: %s', async (name, message) => {
    await expect(nn.loadTorch(bytesOf(fixtures.refused[name][format]))).rejects.toThrow(message);
    expect(existsSync('/tmp/escaped')).toBe(false);
  });

  it('refuses mutated files with a word of its own, or reads them', async () => {
    // Changed bytes of archives are mostly found by their checksums; what the pickles say, changed, by the old format.
    const whole = bytesOf(fixtures.checkpoint[format]);
    const count = format === 'zip' ? 300 : 2000;
    const places = await randint([count, 3], 0, 2 ** 30, { key: key(7) }).toArray();
    for (const [where, how, value] of places as number[][]) {
      const changed = whole.slice(0, how % 4 === 0 ? where % whole.length : whole.length);
      if (how % 4 > 0) changed[where % whole.length] = value;
      if (how % 4 > 1) changed[how % whole.length] = where;
      if (how % 4 > 2)
        changed.copyWithin(where % whole.length, how % whole.length, (how % whole.length) + 20);
      try {
        await nn.loadTorch(changed);
      } catch (error) {
        expect((error as { code: string }).code, `${where} ${how} ${value}: ${error}`).toBe('AG_FILE_FORMAT');
        expect((error as Error).message.length).toBeLessThan(1000);
      }
    }
  });
});

function expectCheckpoint({ tensors, names, content }: nn.LoadedTorch): void {
  const all = content as Record<string, nn.TorchContent> & {
    optimizer: { state: Record<number, { step: Tensor; exp_avg: Tensor }>; param_groups: { lr: number }[] };
  };
  expect(all).toMatchObject({
    epoch: 3,
    loss: 0.25,
    note: 'schön',
    done: false,
    none: null,
    large: 2n ** 70n,
    negative: -(2 ** 40),
    sizes: [2, 3],
    device: 'cpu',
    dtype: 'torch.float32',
    labels: ['a'],
    pair: [1, [2]],
  });
  expect(names).toEqual([
    'model.w',
    'optimizer.state.0.step',
    'optimizer.state.0.exp_avg',
    'optimizer.state.0.exp_avg_sq',
  ]);
  // A step of Adam moves by the learning rate, against the gradient's sign.
  expectClose(tensors['model.w'], [0.99, 2.01]);
  expectClose(all.optimizer.state[0].exp_avg, [0.05, -0.05]);
  expect(all.optimizer.param_groups[0].lr).toBe(0.01);
  expect(tensors.constructor).toBeUndefined();
}

it('reads newer protocols of pickles', async () => {
  expectCheckpoint(await nn.loadTorch(bytesOf(fixtures.checkpoint.protocol4)));
});

describe('pickles that ask for much', () => {
  const head = Buffer.from('80028a0a6cfc9c46f9206aa850192e80024de9032e80027d2e', 'hex');
  const legacy = (pickle: string): Uint8Array =>
    new Uint8Array(Buffer.concat([head, Buffer.from(pickle, 'latin1'), Buffer.from('\x80\x02].', 'latin1')]));
  it.each([
    ['dictionaries', '}'.repeat(1_100_000), /more than 1000000 values/],
    ['lists in lists', `${']'.repeat(1000)}${'a'.repeat(999)}.`, /more than 100 deep/],
    ['lists of the same lists', `]q\0${'](h\0h\0eq\0'.repeat(90)}.`, null],
    ['a text beyond the end', 'X\xff\xff\xff\xff.', /ends too early/],
    ['bytes beyond the end', '\x8e\xff\xff\xff\xff\xff\xff\xff\x7f.', /ends too early/],
    ['marks that are not there', 't.', /mark that is not there/],
    ['values below a mark', '](a.', /value that is not there/],
    ['a name by parts', '\x8c\x02os\x8c\x06system\x93.', /asks for os\.system/],
    ['an instance', '\x8c\x02os\x8c\x06system\x81.', /instruction 0x81/],
    ['an import by number', '\x82\x01.', /instruction 0x82/],
    ['a name that is everywhere', 'cconstructor\ntoString\n.', /asks for constructor\.toString/],
    ['an odd dictionary', '}(Nu.', /key without a value/],
    ['the same key in two types', '}(K\x01NX\x01\0\0\x001Nu.', /key '1' twice/],
    ['a tensor of nothing', 'ctorch._utils\n_rebuild_tensor_v2\n)R.', /no storage, or no valid offset/],
  ])('%s', async (_, pickle, message) => {
    const loading = nn.loadTorch(legacy(pickle));
    if (message === null) await expect(loading).resolves.toBeDefined();
    else await expect(loading).rejects.toThrow(message);
  });

  it('no file of torch.save', async () => {
    await expect(nn.loadTorch(new Uint8Array(0))).rejects.toThrow(/no file of torch\.save/);
    await expect(nn.loadTorch(Uint8Array.of(0x80, 2, 0x4e, 0x2e))).rejects.toThrow(
      /a pickle, but none of torch/,
    );
    await expect(nn.loadTorch(await nn.saveNpz({ a: tensor([1]) }))).rejects.toThrow(/no 'data\.pkl'/);
  });
});

describe('saveTorch', () => {
  it('writes what PyTorch has loaded strictly, and predicts the same', async () => {
    const net = patternedNet();
    const bytes = await nn.saveTorch(net);
    // Another hash: PyTorch must read it again, see torchNet.ts.
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(written.sha256);
    expect(written.said).toBe('<All keys matched successfully>');
    expectClose(net.forward(input), written.prediction);
  });

  it('gives the names of PyTorch, which load here', async () => {
    const state = nn.torchStateDict(patternedNet());
    const theirs = await nn.loadTorch(bytesOf(fixtures.model.zip));
    expect(Object.keys(state).sort()).toEqual([...theirs.names].sort());
    for (const [name, t] of Object.entries(theirs.tensors)) expect(state[name].shape, name).toEqual(t.shape);
    const { tensors } = await nn.loadTorch(await nn.saveTorch(state));
    expectClose(new Net().loadStateDict(tensors).eval().forward(input), written.prediction);
  });

  it('counts batches where the layer does', async () => {
    const norm = nn.batchNorm1d(1, { momentum: null });
    await norm.forward(tensor([[1], [2]])).data();
    expect(nn.torchStateDict(norm).num_batches_tracked.itemSync()).toBe(1);
    expect(nn.torchStateDict(nn.batchNorm1d(1)).num_batches_tracked.itemSync()).toBe(0);
    expect(Object.keys(nn.torchStateDict(nn.batchNorm1d(1, { trackStatistics: false })))).not.toContain(
      'num_batches_tracked',
    );
  });

  it('brings every dtype back to the bit but uint32, which it refuses', async () => {
    const state = {
      a: tensor([0.1, -0], { dtype: 'float64' }),
      '10': tensor([[1.5, Number.NaN]]),
      'ä.b': tensor(-7, { dtype: 'int32' }),
      bytes: tensor([255], { dtype: 'uint8' }),
      flags: tensor([true, false]),
      none: tensor([], { shape: [0, 3] }),
    };
    const { tensors } = await nn.loadTorch(await nn.saveTorch(state));
    expect(Object.keys(tensors).sort()).toEqual(Object.keys(state).sort());
    for (const [name, before] of Object.entries(state)) {
      const after = tensors[name];
      expect([after.dtype, after.shape], name).toEqual([before.dtype, before.shape]);
      expect(after.dataSync(), name).toEqual(before.dataSync());
    }
    await expect(nn.saveTorch({ n: tensor([1], { dtype: 'uint32' }) })).rejects.toThrow(/'n' is uint32/);
  });
});

describe('files of half the size', () => {
  const values = [1, -0.333251953125, 65504, 0.1];
  it.each(['F16', 'BF16'] as const)('saveTorch writes %s, which loadTorch reads', async (floats) => {
    const state = { w: tensor(values), n: tensor([3], { dtype: 'int32' }) };
    const whole = await nn.saveTorch(state);
    const bytes = await nn.saveTorch(state, { floats });
    expect(bytes.length).toBeLessThan(whole.length);
    const { tensors } = await nn.loadTorch(bytes);
    expect([nn.storedElement(tensors.w), nn.storedElement(tensors.n)]).toEqual([floats, 'I32']);
    // float16 keeps 11 bits, bfloat16 8.
    const most = floats === 'F16' ? 2 ** -11 : 2 ** -8;
    tensors.w.dataSync().forEach((x, i) => {
      expect(Math.abs(x / values[i] - 1)).toBeLessThanOrEqual(most);
    });
  });

  it('saveNpz writes float16, with the bytes that NumPy writes', async () => {
    // np.array([1, -0.333251953125, 65504, 0.1], np.float16).tobytes().hex()
    const hex = '003c55b5ff7b662e';
    const npy = await nn.saveNpy(tensor(values), { floats: 'F16' });
    expect(Buffer.from(npy.subarray(-8)).toString('hex')).toBe(hex);
    const loaded = await nn.loadNpz(await nn.saveNpz({ w: tensor(values) }, { floats: 'F16' }));
    expect(nn.storedElement(loaded.w)).toBe('F16');
    expect(nn.storedElement(nn.loadNpy(await nn.saveNpy(tensor(values))))).toBe('F32');
  });
});
