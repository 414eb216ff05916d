/**
 * Damaged files: bits flipped, ends cut off, lengths that lie, words replaced. Whatever is read, by the readers or by a
 * command, ends with a message of its own and its exit code: no stack, no endless loop, no memory out of proportion.
 * AG_TEST=full tries a hundred times as many, of commands ten times.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { DataError, decodeImage, gunzip, parseCsv, readIdx } from '@ag/datasets';
import {
  fromJSON,
  linear,
  loadNpy,
  loadNpz,
  loadSafetensors,
  relu,
  saveNpy,
  saveNpz,
  saveSafetensors,
  sequential,
} from '@ag/nn';
import { adam } from '@ag/optim';
import { tensor } from '@ag/tensor';
import { seededRandom } from '@ag/tensor/testing';
import { decodeCheckpoint, encodeCheckpoint, takeCheckpoint } from '@ag/train';
import { encode as encodePng } from 'fast-png';
import jpeg from 'jpeg-js';
import { describe, expect, it } from 'vitest';
import { exitCodes } from './failure.ts';
import { bostonTable, idx, inProcess, scratchFolder } from './testTools.ts';

process.env.AG_OFFLINE = '1';
const scratch = scratchFolder();
const often = process.env.AG_TEST === 'full' ? 100 : 1;
/** Seeds can be given, to repeat what was found. */
const seed = Number(process.env.AG_SEED_OF_FUZZ ?? 1);

type Random = () => number;

/** Bytes with one to four things wrong. */
function damaged(bytes: Uint8Array, random: Random): Uint8Array {
  let result = Uint8Array.from(bytes);
  const at = (): number => Math.floor(random() * result.length);
  const lies = [0, 1, 0x7f, 0xff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];
  for (let count = 1 + Math.floor(random() * 4); count > 0 && result.length > 0; count--) {
    switch (Math.floor(random() * 6)) {
      case 0:
        result[at()] ^= 1 << Math.floor(random() * 8);
        break;
      case 1:
        result = result.slice(0, at());
        break;
      case 2: {
        // A length that lies, of four or eight bytes, either way round; near the front, where lengths are.
        const place = Math.floor(random() ** 3 * result.length);
        const view = new DataView(result.buffer);
        const lie = lies[Math.floor(random() * lies.length)];
        if (place + 4 <= result.length) view.setUint32(place, lie, random() < 0.5);
        if (random() < 0.3 && place + 8 <= result.length) view.setUint32(place + 4, lie, random() < 0.5);
        break;
      }
      case 3: {
        const [from, to] = [at(), at()].sort((a, b) => a - b) as [number, number];
        result.fill(random() < 0.5 ? 0 : 255, from, Math.min(to, from + 64));
        break;
      }
      case 4: {
        const [from, to] = [at(), at()].sort((a, b) => a - b) as [number, number];
        result = Uint8Array.from([...result.subarray(0, to), ...result.subarray(from)]);
        break;
      }
      default:
        result[at()] = Math.floor(random() * 256);
    }
  }
  return result;
}

const values = [
  'null',
  '-1',
  '1e999',
  '0',
  '""',
  '[]',
  '{}',
  '"x"',
  'true',
  '[[1,2],[3]]',
  '9007199254740993',
  '1.5',
];

/** JSON with a value or two replaced, which bytes alone seldom hit. */
function damagedJson(text: string, random: Random): string {
  let result = text;
  for (let count = 1 + Math.floor(random() * 2); count > 0; count--) {
    const found = [...result.matchAll(/"[^"]*"|-?\d[\d.e+-]*|true|false|null|\[[^[\]{}]*\]|\{[^{}]*\}/g)];
    const one = found[Math.floor(random() * found.length)];
    if (!one) break;
    const value = values[Math.floor(random() * values.length)];
    result = result.slice(0, one.index) + value + result.slice(one.index + one[0].length);
  }
  return result;
}

/** What engines say when a program has made a mistake. */
const mistakes =
  /Cannot (read|set|convert|mix|destructure)|is not (a function|iterable|defined|an object|a constructor)|Invalid (typed array|array buffer|array|DataView|string) length|Array buffer allocation|[Oo]ffset .*outside|bounds of|Maximum call stack|Start offset|must be in the range/;

/** Reads damaged files, many times. */
async function survives(
  kind: string,
  whole: Uint8Array,
  times: number,
  read: (bytes: Uint8Array) => unknown,
  damage: (bytes: Uint8Array, random: Random) => Uint8Array = damaged,
): Promise<void> {
  await read(whole);
  const random = seededRandom(seed);
  let refused = 0;
  for (let i = 0; i < times * often; i++) {
    const bytes = damage(whole, random);
    const before = process.memoryUsage().arrayBuffers;
    try {
      await read(bytes);
    } catch (error) {
      refused++;
      const message = error instanceof Error ? error.message : String(error);
      expect(message, `${kind}, number ${i} of seed ${seed}: ${(error as Error).stack}`).not.toMatch(
        mistakes,
      );
      expect(message).not.toBe('');
    }
    // Nothing here is larger than a few kilobytes.
    expect(process.memoryUsage().arrayBuffers - before, `${kind}, number ${i} of seed ${seed}`).toBeLessThan(
      64e6,
    );
  }
  expect(refused, kind).toBeGreaterThan(0);
}

const asText = (change: (text: string, random: Random) => string) => (bytes: Uint8Array, random: Random) =>
  random() < 0.3
    ? damaged(bytes, random)
    : new TextEncoder().encode(change(new TextDecoder().decode(bytes), random));
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const pixels = {
  width: 6,
  height: 5,
  data: Uint8Array.from({ length: 120 }, (_, i) => (i % 4 === 3 ? 255 : i * 2)),
};
const weights = {
  a: tensor([
    [1, 2],
    [3, 4],
  ]),
  'b.c': tensor([1, 2, 3], { dtype: 'int32' }),
  d: tensor(1.5, { dtype: 'float64' }),
};

describe('readers of damaged files', () => {
  it('IDX, and what is gzipped', async () => {
    const file = idx(
      [4, 3, 3],
      Uint8Array.from({ length: 36 }, (_, i) => i),
    );
    await survives('idx', file, 1000, (bytes) => readIdx(bytes, { file: 'x' }));
    await survives('gzip', new Uint8Array(gzipSync(file)), 150, (bytes) => gunzip(bytes, 'x'));
  });

  it('CSV', async () => {
    await survives('csv', new TextEncoder().encode(bostonTable(6)), 500, async (bytes) => {
      const table = await parseCsv(text(bytes), { file: 'x' });
      if (table.rows.some((row) => row.length !== table.header.length))
        throw new DataError('uneven', { code: 'format' });
    });
  });

  it('PNG and JPEG', async () => {
    await survives('png', new Uint8Array(encodePng({ ...pixels, channels: 4 })), 500, (bytes) =>
      decodeImage(bytes, 'x'),
    );
    const photo = jpeg.encode({ ...pixels, data: Buffer.from(pixels.data) }, 90).data;
    await survives('jpeg', new Uint8Array(photo), 500, (bytes) => decodeImage(bytes, 'x'));
  });

  it('safetensors, npy, npz', async () => {
    await survives('safetensors', await saveSafetensors(weights), 1000, (bytes) => loadSafetensors(bytes));
    await survives('npy', await saveNpy(weights.a), 700, (bytes) => loadNpy(bytes));
    await survives('npz', await saveNpz(weights), 400, (bytes) => loadNpz(bytes));
    const header = (bytes: Uint8Array, random: Random): Uint8Array => {
      const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
      const changed = new TextEncoder().encode(damagedJson(text(bytes.subarray(8, 8 + length)), random));
      const size = new Uint8Array(8);
      new DataView(size.buffer).setBigUint64(0, BigInt(changed.length), true);
      return Uint8Array.from([...size, ...changed, ...bytes.subarray(8 + length)]);
    };
    await survives(
      'safetensors header',
      await saveSafetensors(weights, { metadata: { a: 'b' } }),
      1000,
      (bytes) => loadSafetensors(bytes),
      header,
    );
  });

  it('checkpoints', async () => {
    const model = sequential(linear(2, 3), relu(), linear(3, 1));
    const optimizer = adam(model.parameters(), { learningRate: 0.1 });
    const file = await encodeCheckpoint(takeCheckpoint({ model, optimizer, config: { a: 1 } }));
    await survives('checkpoint', file, 300, (bytes) => decodeCheckpoint(bytes, 'x'));
  });

  it('descriptions of models', async () => {
    const description = JSON.stringify(sequential(linear(2, 3), relu(), linear(3, 1)).toJSON());
    await survives(
      'architecture',
      new TextEncoder().encode(description),
      700,
      (bytes) => {
        let parsed: unknown;
        try {
          parsed = JSON.parse(text(bytes));
        } catch {
          throw new Error('no JSON');
        }
        return fromJSON(parsed as Parameters<typeof fromJSON>[0]);
      },
      asText(damagedJson),
    );
  });
});

describe('commands with damaged files', () => {
  const oftenHere = Math.min(10, often);
  const expected = new Set<number>(Object.values(exitCodes).filter((code) => code !== exitCodes.internal));
  const ends = async (kind: string, i: number, ...given: readonly string[]): Promise<void> => {
    const { exitCode, stderr, stdout } = await inProcess(...given);
    expect(expected, `${kind}, number ${i} of seed ${seed}: ${stderr}`).toContain(exitCode);
    expect(stdout + stderr).not.toMatch(/\n\s+at .*:\d+/);
  };
  const run = join(scratch, 'run');
  const trained = [
    'train',
    'xor',
    '--backend',
    'reference',
    '--epochs',
    '2',
    '--checkpoint-every',
    '1',
    '--out',
    run,
  ];

  /** Damages one file of a run, again and again, and runs a command on it. */
  async function damage(
    name: string,
    times: number,
    change: (bytes: Uint8Array, random: Random) => Uint8Array,
    ...given: readonly string[]
  ): Promise<void> {
    const path = join(run, name);
    const whole = readFileSync(path);
    const random = seededRandom(seed);
    try {
      for (let i = 0; i < times * oftenHere; i++) {
        writeFileSync(path, change(new Uint8Array(whole), random));
        await ends(name, i, ...given);
      }
    } finally {
      writeFileSync(path, whole);
    }
  }

  it('runs: configuration, events, weights, checkpoints', async () => {
    expect((await inProcess(...trained)).exitCode).toBe(0);
    await damage('config.json', 30, asText(damagedJson), 'runs', 'show', run);
    await damage('config.json', 30, asText(damagedJson), 'runs', 'list', scratch);
    await damage('config.json', 30, asText(damagedJson), 'eval', run, '--backend', 'reference');
    await damage('config.json', 40, asText(damagedJson), 'train', '--resume', run, '--print-config');
    await damage('events.jsonl', 30, asText(damagedJson), 'runs', 'show', run);
    await damage('events.jsonl', 30, asText(damagedJson), 'runs', 'plot', run);
    await damage(
      'events.jsonl',
      30,
      asText(damagedJson),
      'runs',
      'compare',
      run,
      run,
      '--out',
      join(scratch, 'page.html'),
    );
    await damage('weights.safetensors', 30, damaged, 'eval', run, '--backend', 'reference');
    await damage(
      'weights.safetensors',
      60,
      damaged,
      'eval',
      join(run, 'weights.safetensors'),
      '--backend',
      'reference',
    );
    await damage(
      'checkpoints/step-00000002.safetensors',
      30,
      damaged,
      'eval',
      join(run, 'checkpoints/step-00000002.safetensors'),
      '--backend',
      'reference',
    );
    await damage(
      'checkpoints/step-00000002.safetensors',
      20,
      damaged,
      'train',
      '--resume',
      run,
      '--backend',
      'reference',
    );
  });

  it('run folders with damaged claims, links and folders in the place of files', async () => {
    const folder = join(scratch, 'odd');
    if (!existsSync(run)) await inProcess(...trained);
    const random = seededRandom(seed);
    const names = [
      'config.json',
      'events.jsonl',
      'weights.safetensors',
      'checkpoints',
      '.run.claim-1',
      'report.html',
    ];
    const claim = JSON.stringify({
      pid: process.pid,
      ticks: '1',
      host: 'x',
      boot: null,
      namespace: null,
      nonce: 'n',
    });
    for (let i = 0; i < 40 * oftenHere; i++) {
      rmSync(folder, { recursive: true, force: true });
      mkdirSync(folder);
      for (const name of names) {
        const path = join(folder, name);
        const kind = Math.floor(random() * 6);
        if (kind === 0) mkdirSync(path);
        else if (kind === 1) symlinkSync(random() < 0.5 ? name : 'gone', path);
        else if (kind === 2) writeFileSync(path, damaged(new TextEncoder().encode(claim), random));
        else if (kind === 3 && name !== 'checkpoints' && !name.startsWith('.'))
          writeFileSync(path, readFileSync(join(run, name)));
      }
      for (const given of [
        ['runs', 'list', scratch],
        ['runs', 'show', folder],
        ['runs', 'compare', folder, run],
        ['eval', folder, '--backend', 'reference'],
        ['train', '--resume', folder, '--print-config'],
        ['sweep', 'xor', '--grid', 'seed=0', '--epochs', '-1', '--out', folder],
      ])
        await ends(given.join(' '), i, ...given);
    }
  });

  it('weights to convert, config files, images and tables to predict', async () => {
    const file = async (
      name: string,
      whole: Uint8Array,
      times: number,
      change: typeof damaged,
      ...given: readonly string[]
    ): Promise<void> => {
      const path = join(scratch, name);
      const random = seededRandom(seed);
      for (let i = 0; i < times * oftenHere; i++) {
        writeFileSync(path, change(whole, random));
        await ends(name, i, ...given.map((word) => (word === 'FILE' ? path : word)));
      }
    };
    const out = join(scratch, 'out.npz');
    const names = { safetensors: await saveSafetensors(weights), npz: await saveNpz(weights) };
    for (const [ending, bytes] of Object.entries(names))
      await file(`w.${ending}`, bytes, 80, damaged, 'convert', 'FILE', out);
    const json = join(scratch, 'whole.json');
    writeFileSync(join(scratch, 'whole.safetensors'), names.safetensors);
    await inProcess('convert', join(scratch, 'whole.safetensors'), json);
    await file('w.json', readFileSync(json), 120, asText(damagedJson), 'convert', 'FILE', out);
    const config =
      '{"recipe": "xor", "epochs": 7, "momentum": 0.5, "seed": 3, "backend": "reference", "set": {"model.hidden": 5}}';
    await file(
      'c.json',
      new TextEncoder().encode(config),
      120,
      asText(damagedJson),
      'train',
      '--config',
      'FILE',
      '--print-config',
    );

    mkdirSync(join(scratch, 'data'));
    writeFileSync(join(scratch, 'data', 'BostonHousing.csv'), bostonTable());
    const houses = join(scratch, 'houses');
    const boston = ['--data-dir', join(scratch, 'data'), '--backend', 'reference'];
    await inProcess('train', 'boston', ...boston, '--epochs', '1', '--out', houses);
    await file(
      'h.csv',
      new TextEncoder().encode(bostonTable(3)),
      40,
      damaged,
      'predict',
      houses,
      'FILE',
      ...boston,
    );
    const drawn = join(scratch, 'drawn');
    const digits = [
      '--set',
      'data.train=40',
      '--set',
      'data.test=10',
      '--set',
      'model.hidden=[4]',
      '--backend',
      'reference',
    ];
    await inProcess('train', 'digits', ...digits, '--epochs', '1', '--out', drawn);
    const image = new Uint8Array(encodePng({ ...pixels, channels: 4 }));
    await file('i.png', image, 40, damaged, 'predict', drawn, 'FILE', '--backend', 'reference');
  });
});
