/** Receipts of small trainings, and what can be asked of them afterwards, beside what hooks saw while they went on. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dataLoader, tensorDataset, transforms } from '@ag/datasets';
import {
  type AnyModule,
  batchNorm2d,
  conv2d,
  crossEntropy,
  dropout,
  flatten,
  linear,
  Module,
  mseLoss,
  relu,
  sequential,
  tanh,
} from '@ag/nn';
import { adam, clipGradNorm, cosine } from '@ag/optim';
import { manualSeed, type Tensor, tensor } from '@ag/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Callback } from '../callbacks/callback.ts';
import { saveCheckpoints } from '../callbacks/saveCheckpoints.ts';
import { loadCheckpoint } from '../checkpoint.ts';
import { fit } from '../fit.ts';
import type { FitOptions } from '../options.ts';
import { collect, saddle } from '../testTools.ts';
import { bisect } from './bisect.ts';
import { hashTensors } from './contents.ts';
import { merkleRoot, sha256OfText } from './hash.ts';
import { openRun, type Run } from './openRun.ts';
import { compareReceipts, parseReceipt, type Receipt } from './receipt.ts';
import { saveReceipt } from './saveReceipt.ts';
import { receipt, verify } from './verify.ts';

const folder = mkdtempSync(join(tmpdir(), 'ag-receipts-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const images = tensorDataset(
  Array.from({ length: 20 }, (_, i) => [
    Array.from({ length: 5 }, (_, y) =>
      Array.from({ length: 5 }, (_, x) => ((7 * i + 3 * y * x + x) % 11) / 11),
    ),
  ]),
  Array.from({ length: 20 }, (_, i) => i % 3),
);

/** Five steps in an epoch: dropout, batch statistics, moved images, clipping, a schedule. */
function setup(): FitOptions {
  manualSeed(3);
  const model = sequential(conv2d(1, 2, 3), batchNorm2d(2), relu(), flatten(), dropout(0.4), linear(18, 3));
  const parameters = model.parameters();
  return {
    model,
    optimizer: adam(parameters, { learningRate: cosine(0.02, { steps: 30 }) }),
    loss: crossEntropy,
    train: dataLoader(images, { batchSize: 4, shuffle: true, seed: 5, transform: transforms.randomShift(1) }),
    gradients: () => clipGradNorm(parameters, 0.7),
    epochs: 6,
  };
}

/** What hooks saw of some steps while the run went on. */
const live = new Map<
  number,
  { gradient: Float32Array; activation: Float32Array; loss: number; weight: Float32Array }
>();
const looked = [1, 7, 13, 22, 30];
let run: Run;

const bytes = (x: ArrayLike<number>) => [...new Uint8Array(Float32Array.from(x).buffer)];

beforeAll(async () => {
  const options = setup();
  let step = 1;
  let seen: Tensor | null = null;
  const { model } = options;
  model
    .namedModules()
    .get('4')!
    .onForward((output) => {
      if (model.training) seen = output as Tensor;
    });
  const found = new Map<number, { gradient: Float32Array; activation: Float32Array }>();
  const listener: Callback = {
    name: 'listener',
    on(event) {
      if (event.type !== 'step') return;
      const now = found.get(event.step);
      if (now)
        live.set(event.step, {
          ...now,
          loss: event.loss,
          weight: Float32Array.from(model.stateDict()['0.weight'].dataSync()),
        });
      step = event.step + 1;
    },
  };
  const events = fit({
    ...options,
    gradients: (parameters) => {
      options.gradients!(parameters);
      if (!looked.includes(step)) return;
      found.set(step, {
        gradient: Float32Array.from(model.namedParameters().get('0.weight')!.grad!.dataSync()),
        activation: Float32Array.from(seen!.dataSync()),
      });
    },
    callbacks: [
      listener,
      saveCheckpoints({ folder: join(folder, 'checkpoints'), everySteps: 11, everyEpochs: 4 }),
      saveReceipt({
        path: join(folder, 'receipt.json'),
        data: { train: images },
        recipe: { name: 'small' },
        every: 4,
      }),
    ],
  });
  for await (const _ of events);
  run = await openRun(folder, setup);
});

describe('a finished run', () => {
  it('tells of any step what hooks saw, to the bit', async () => {
    for (const step of [...looked].reverse()) {
      const { gradient, activation, loss, weight } = live.get(step)!;
      const moment = run.at(step);
      expect(bytes(await (await moment.gradient('0.weight')).data())).toEqual(bytes(gradient));
      expect(bytes(await (await moment.activation('4')).data())).toEqual(bytes(activation));
      expect(await moment.loss()).toBe(loss);
      expect(bytes(await (await moment.weight('0.weight')).data())).toEqual(bytes(weight));
    }
  });

  it('tells the update, the norm of gradients, one example, the rate', async () => {
    const [before, after] = [run.at(12), run.at(13)];
    const update = await (await after.update('0.weight')).data();
    const [a, b] = [
      await (await before.weight('0.weight')).data(),
      await (await after.weight('0.weight')).data(),
    ];
    expect(bytes(update)).toEqual(bytes(b.map((value, i) => value - a[i])));
    const norm = await after.gradientNorm('0');
    const [weight, bias] = [await after.gradient('0.weight'), await after.gradient('0.bias')];
    const squares = [...(await weight.data()), ...(await bias.data())].reduce((sum, x) => sum + x * x, 0);
    expect(norm).toBeCloseTo(Math.sqrt(squares), 10);
    const all = await after.activation('4');
    const one = await after.activation('4', { example: 2 });
    expect(one.shape).toEqual([18]);
    expect(bytes(await one.data())).toEqual(bytes((await all.data()).slice(36, 54)));
    // Cosine from 0.02 in 30 steps, after 12 of them.
    expect(await after.learningRate()).toBeCloseTo(0.01 * (1 + Math.cos((Math.PI * 12) / 30)), 12);
    expect((await after.optimizer()).numbers.steps).toBe(13);
  });

  it('is walked through as it was gone through', async () => {
    const norms: number[] = [];
    for await (const moment of run.walk({ from: 7, to: 23, every: 6, activations: ['4'] })) {
      norms.push(moment.step, await moment.gradientNorm());
      const seen = live.get(moment.step);
      if (seen) expect(bytes(await (await moment.activation('4')).data())).toEqual(bytes(seen.activation));
    }
    expect(norms.filter((_, i) => i % 2 === 0)).toEqual([7, 13, 19]);
    expect(norms[1]).toBe(await run.at(7).gradientNorm());
  });

  it('finds the first step of which something is true', async () => {
    const first = await run.first(async (step) => (await step.learningRate()) < 0.01);
    // Half of the cosine is over after 15 steps.
    expect(first?.step).toBe(17);
    const opened = await openRun(folder, setup);
    const found = await opened.first(async (step) => (await step.learningRate()) < 0.01, { monotone: true });
    expect(found?.step).toBe(17);
    expect(opened.replays).toBeLessThanOrEqual(10);
    expect(await run.first(() => false, { from: 28 })).toBeNull();
  });

  it('says what it does not have', async () => {
    await expect(run.at(3).gradient('0.wight')).rejects.toThrow(/has no '0.wight'; did you mean '0.weight'/);
    await expect(run.at(3).activation('conv')).rejects.toThrow(/no module 'conv'.*0, 1, 2, 3, 4, 5/);
    await expect(run.at(3).activation('4', { example: 4 })).rejects.toThrow(/from 0 to 3, got 4/);
    await expect(run.at(0).gradient('0.weight')).rejects.toThrow(/step 0 is the beginning/);
    expect(() => run.at(31)).toThrow(/from 0 to 30, got 31/);
  });
});

describe('receipts', () => {
  const written = (): Receipt => parseReceipt(readFileSync(join(folder, 'receipt.json'), 'utf8'));

  it('hash names, dtypes, shapes and bytes, as any program can', async () => {
    const sha256 = (content: string | Uint8Array) => createHash('sha256').update(content).digest('hex');
    const bytes = new Uint8Array(Float32Array.of(1, -2, 0.5).buffer);
    const found = await hashTensors({ b: tensor([1, -2, 0.5]), a: tensor([[7]], { dtype: 'int32' }) });
    const [a, b] = [sha256(Uint8Array.of(7, 0, 0, 0)), sha256(bytes)];
    expect(found).toEqual({
      tensors: { a, b },
      hash: sha256(`["a","int32",[1,1],"${a}"]\n["b","float32",[3],"${b}"]\n`),
    });
    // FIPS 180-2, appendix B.1; hashlib of Python for the trees, by the rules of RFC 6962.
    expect(await sha256OfText('abc')).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
    const leaves = await Promise.all(['a', 'b', 'c'].map(sha256OfText));
    expect(await merkleRoot(leaves)).toBe('cac3d448d4e20a2ad5eae1f500e63c2a7f9217cd14572ba7fd22e26dc1ec2648');
  });

  it('say what was trained and what came out', async () => {
    const { steps, epochs, reason, weights, data, backend, arithmetic, recipe } = written();
    expect({ steps, epochs, reason, backend, arithmetic, recipe }).toEqual({
      steps: 30, epochs: 6, reason: 'completed', backend: 'reference', arithmetic: 'separate', recipe: { name: 'small' },
    }); // biome-ignore format: one line
    expect(weights.hashes).toHaveLength(7);
    expect(weights.root).toBe(await merkleRoot(weights.hashes));
    expect(weights.final).toEqual(await hashTensors(await run.at(30).weights()));
    expect(weights.hashes[2]).toBe((await hashTensors(await run.at(12).weights())).hash);
    expect(data.train).toMatch(/^[0-9a-f]{64}$/);
  });

  it('hold for the same training, as a whole and in part', async () => {
    const whole = await verify(run, { data: { train: images } });
    expect(whole).toMatchObject({ equal: true, differences: [], to: 30, notes: [] });
    const part = await verify(run, { steps: [23, 25] });
    expect(part).toMatchObject({ equal: true, from: 22, to: 28, compared: 2 });
    expect(await verify(run, { steps: [29, 29] })).toMatchObject({ equal: true, to: 30 });
  });

  it('are the same of a run that was interrupted', async () => {
    const checkpoint = await loadCheckpoint(join(folder, 'checkpoints/step-00000022.safetensors'));
    const path = join(folder, 'resumed.json');
    const callbacks = [saveReceipt({ path, data: { train: images }, recipe: { name: 'small' }, every: 4 })];
    await collect({ ...setup(), callbacks, resume: checkpoint });
    const resumed = parseReceipt(readFileSync(path, 'utf8'));
    expect(compareReceipts(written(), resumed)).toEqual([]);
    expect(resumed).toEqual(written());
  });

  it('tell other data, other steps and other weights', async () => {
    const other = async (): Promise<FitOptions> => ({ ...setup(), callbacks: [flip(18)] });
    const opened = await openRun({ receipt: written() }, other);
    const { equal, differences, to } = await verify(opened);
    expect(equal).toBe(false);
    expect(differences).toMatchObject([{ what: 'step', step: 20, after: 16 }]);
    expect(to).toBeLessThan(25);
    const changed = { ...written(), data: { train: '0'.repeat(64) } };
    expect((await verify(run, { against: changed, data: { train: images } })).differences).toMatchObject([
      { what: 'data', names: ['train'] },
    ]);
  });

  it('refuse any part that is of another kind, naming it', () => {
    const whole = written();
    expect(parseReceipt(whole)).toBe(whole);
    const spoiled = (of: object): object[] =>
      Object.keys(of).flatMap((key) =>
        [undefined, null, 7.5, 'x\u001b[2J', [{}], { a: {} }].map((value) => ({ ...of, [key]: value })),
      );
    const { format: _, version: __, recipe, ...parts } = whole;
    // Texts are for whoever reads them; numbers and lists are not.
    const texts = new Set(['backend', 'reason']);
    const fails = (receipt: object): boolean => {
      try {
        parseReceipt(receipt);
        return false;
      } catch (error) {
        return /lacks hashes that a receipt has, or has others \("/.test((error as Error).message);
      }
    };
    for (const one of spoiled(parts)) {
      const [key] = Object.keys(parts).filter((name) => one[name as never] !== parts[name as never]);
      if (texts.has(key) && typeof one[key as never] === 'string') continue;
      expect(fails({ ...whole, ...one }), `${key}: ${JSON.stringify(one[key as never])}`).toBe(true);
    }
    for (const weights of spoiled(whole.weights))
      expect(fails({ ...whole, recipe, weights }), JSON.stringify(weights).slice(0, 200)).toBe(true);
    for (const initial of spoiled(whole.weights.initial))
      expect(fails({ ...whole, weights: { ...whole.weights, initial } })).toBe(true);
  });

  it('refuse what is none, and arithmetic that there is not here', async () => {
    expect(() => parseReceipt('{', 'a.json')).toThrow(/^a\.json: is no receipt/);
    expect(() => parseReceipt({ ...written(), version: 2 })).toThrow(
      /version 2; this program reads version 1/,
    );
    const { weights, ...rest } = written();
    expect(() => parseReceipt({ ...rest, weights: { ...weights, hashes: ['x'] } })).toThrow(/lacks hashes/);
    await expect(
      verify(run, { against: { ...written(), backend: 'wasm', arithmetic: 'fused' } }),
    ).rejects.toThrow(/computed by the backend 'wasm' with fused arithmetic, and 'reference' with separate/);
    expect(() => saveReceipt({ path: 'x', every: 0 })).toThrow(/whole number from 1, got 0/);
  });
});

/** Changes the last bit of one weight when a step has been taken. */
function flip(at: number, name = '5.weight'): Callback {
  return {
    name: 'flip',
    async on(event, { model }) {
      if (event.type !== 'step' || event.step !== at) return;
      const weight = model.namedParameters().get(name)!;
      const data = Float32Array.from(await weight.value.data());
      new Uint32Array(data.buffer)[2] ^= 1;
      weight.assign(tensor(data, { shape: weight.shape }));
    },
  };
}

/** A small perceptron, four steps in an epoch, with another activation where one is given. */
function perceptron(activation: () => AnyModule = tanh): FitOptions {
  manualSeed(1);
  const model = sequential(linear(2, 4), activation() as Module<[Tensor], Tensor>, linear(4, 1));
  const optimizer = adam(model.parameters(), { learningRate: 0.01 });
  return { model, optimizer, loss: mseLoss, train: dataLoader(saddle(16), { batchSize: 4 }), epochs: 180 };
}

/** The hyperbolic tangent by another formula, whose last digits are others. */
class OtherTanh extends Module {
  override forward(x: Tensor): Tensor {
    return x.mul(2).sigmoid().mul(2).sub(1);
  }
}

/** A run of which nothing is left but its receipt. */
async function trained(setup: () => FitOptions): Promise<Run> {
  return openRun({ receipt: await receipt(await openRun({}, setup), { every: 64 }) }, setup);
}

describe('bisecting', () => {
  it('finds one bit of one weight at step 700', async () => {
    const plain = await trained(() => perceptron());
    const changed = await trained(() => ({ ...perceptron(), callbacks: [flip(700, '0.weight')] }));
    expect(plain.receipt!.weights.hashes).toHaveLength(11);
    const found = await bisect(plain, changed);
    expect(found).toMatchObject({ step: 700, tensors: ['0.weight'], part: 'update', operation: null });
    expect(found!.replays).toBeLessThanOrEqual(12);
    expect(await bisect(plain, plain)).toBeNull();
  });

  it('names the operation', async () => {
    const [a, b] = await Promise.all([
      openRun({}, () => perceptron()),
      openRun({}, () => perceptron(() => new OtherTanh())),
    ]);
    const found = await bisect(a, b, { to: 9 });
    expect(found).toMatchObject({
      part: 'operation',
      operation: { name: 'tanh', module: '1', shape: [4, 4], gradient: false },
    });
    const before = await Promise.all(
      [a, b].map(async (run) => hashTensors(await run.at(found!.step - 1).weights())),
    );
    expect(before[0].hash).toBe(before[1].hash);
  });
});
