/** Checkpoints: resumed runs have the same bits, damaged files are refused. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dataLoader } from '@ag/datasets';
import { mseLoss } from '@ag/nn';
import { adam, cosine, ema, sgd } from '@ag/optim';
import { manualSeed } from '@ag/tensor';
import { afterAll, describe, expect, it } from 'vitest';
import type { Callback } from './callbacks/callback.ts';
import { earlyStopping } from './callbacks/earlyStopping.ts';
import { listCheckpoints, saveCheckpoints } from './callbacks/saveCheckpoints.ts';
import {
  type Checkpoint,
  decodeCheckpoint,
  encodeCheckpoint,
  loadCheckpoint,
  restoreCheckpoint,
  saveCheckpoint,
  takeCheckpoint,
} from './checkpoint.ts';
import { crc32, crc32c } from './checksum.ts';
import { writeAtomically } from './files.ts';
import { fit } from './fit.ts';
import type { FitOptions } from './options.ts';
import { collect, line, Noisy, saddle, weightsOf } from './testTools.ts';

const scratch = mkdtempSync(join(tmpdir(), 'ag-train-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
let folders = 0;
const newFolder = (): string => join(scratch, String(folders++));

/** A run with random numbers in the model, a schedule, a shuffled loader and a ragged last batch. */
function noisyRun(): FitOptions & { model: Noisy } {
  manualSeed(7);
  const model = new Noisy();
  return {
    model,
    optimizer: adam(model.parameters(), { learningRate: cosine(0.05, { steps: 40 }) }),
    loss: mseLoss,
    metrics: { error: (output, y) => output.sub(y).abs().mean() },
    train: dataLoader(saddle(), { batchSize: 5, shuffle: true, seed: 4 }),
    epochs: 4,
  };
}

describe('resuming', () => {
  // 24 examples in batches of 5: an epoch has 5 steps; 3 lies in mid-epoch, 10 at an end, 20 is the last.
  it.each([1, 3, 5, 10, 19, 20])('at step %i gives byte-equal weights and the same figures', async (at) => {
    const whole = noisyRun();
    const expected = await collect(whole);
    const folder = newFolder();
    const first = noisyRun();
    for await (const event of fit({
      ...first,
      callbacks: [saveCheckpoints({ folder, everySteps: 1, keepLast: 50 })],
    })) {
      if (event.type === 'checkpoint' && event.step === at) break;
    }
    manualSeed(99); // Another process has other random numbers until the checkpoint is restored.
    const second = noisyRun();
    manualSeed(99);
    const [newest] = await listCheckpoints(folder);
    const events = await collect({ ...second, resume: await loadCheckpoint(newest) });
    expect(await weightsOf(second.model)).toEqual(await weightsOf(whole.model));
    const figures = (list: typeof events) =>
      list.flatMap((event) =>
        event.type === 'epoch' ? [[event.epoch, event.loss, event.metrics.error]] : [],
      );
    expect(figures(events)).toEqual(figures(expected).slice(-figures(events).length || 9));
    expect(events[0]).toMatchObject({ type: 'start', step: at });
  });

  it('restores what early stopping remembers', async () => {
    const options = line({ learningRate: 1e-3 });
    const stopping = () => earlyStopping({ monitor: 'loss', patience: 1, minimumChange: 1e9 });
    const folder = newFolder();
    for await (const event of fit({
      ...options,
      epochs: 9,
      callbacks: [saveCheckpoints({ folder }), stopping()],
    })) {
      if (event.type === 'checkpoint' && event.epoch === 2) break;
    }
    const again = line({ learningRate: 1e-3 });
    const resume = await loadCheckpoint((await listCheckpoints(folder))[0]);
    const events = await collect({
      ...again,
      epochs: 9,
      callbacks: [saveCheckpoints({ folder }), stopping()],
      resume,
    });
    // Epoch 1 is the best, 2 and 3 are not better by 10⁹: patience 1 ends the run after epoch 3.
    expect(events[events.length - 1]).toMatchObject({ type: 'end', reason: 'earlyStopping', epoch: 3 });
  });

  it('needs a source of data that can go on in mid-epoch', async () => {
    const options = line();
    const checkpoint = takeCheckpoint({
      ...options,
      progress: {
        step: 1,
        epoch: 0,
        batch: 1,
        totals: { examples: 2, loss: 1, metrics: {} },
        last: { loss: null, metrics: {} },
      },
    });
    const train = { [Symbol.asyncIterator]: () => options.train[Symbol.asyncIterator]() };
    await expect(collect({ ...options, train, resume: checkpoint })).rejects.toThrow(/mid-epoch/);
  });
});

describe('a run with averages', () => {
  const averaged = (): FitOptions & { model: Noisy } => {
    const options = noisyRun();
    return { ...options, average: ema(options.model.parameters(), { decay: 0.8 }) };
  };

  it('saves the weights themselves, also while the averages are validated', async () => {
    const options = averaged();
    const weights: Record<string, number[]> = {};
    const listener: Callback = {
      name: 'listener',
      async on(event, { checkpoint, model }) {
        if (event.type !== 'validation' && event.type !== 'epoch') return;
        if (event.type === 'validation') weights.model = await weightsOf(model);
        const { model: saved } = await checkpoint();
        const values = await Promise.all(Object.values(saved).map((value) => value.data()));
        weights[event.type] = values.flatMap((part) => Array.from(part));
      },
    };
    await collect({ ...options, validation: options.train, epochs: 1, callbacks: [listener] });
    expect(weights.validation).toEqual(weights.epoch);
    expect(weights.model).not.toEqual(weights.epoch);
    expect(await weightsOf(options.model)).toEqual(weights.model);
  });

  it('goes on only from a checkpoint that has some', async () => {
    const resume = takeCheckpoint(noisyRun());
    await expect(collect({ ...averaged(), resume })).rejects.toThrow(/holds no averages/);
  });
});

describe('a checkpoint computed otherwise', () => {
  it('is gone on from with a warning that names both', async () => {
    const options = noisyRun();
    const taken = takeCheckpoint(options);
    expect(taken.computedBy).toEqual({ backend: 'reference', arithmetic: 'separate' });
    const quiet = await collect({ ...noisyRun(), resume: decodeCheckpoint(await encodeCheckpoint(taken)) });
    expect(quiet.filter((event) => event.type === 'warning')).toEqual([]);
    const resume = { ...taken, computedBy: { backend: 'wasm', arithmetic: 'fused' } as const };
    const [, second] = await collect({ ...noisyRun(), resume });
    expect(second).toMatchObject({ type: 'warning', code: 'otherArithmetic', step: 0 });
    expect((second as { message: string }).message).toMatch(
      /'wasm' with fused .*'reference' with separate .*last digits/,
    );
    // Checkpoints of before do not say what computed them.
    const { computedBy, ...old } = resume;
    expect((await collect({ ...noisyRun(), resume: old }))[1].type).toBe('step');
  });
});

describe('saveCheckpoints', () => {
  it('writes at the steps and epochs it is told, keeps the newest, and says so', async () => {
    const folder = newFolder();
    const callbacks = [saveCheckpoints({ folder, everySteps: 3, everyEpochs: 2, keepLast: 2 })];
    const events = await collect({ ...line({ learningRate: 0.001 }), epochs: 5, callbacks });
    // Two steps an epoch: steps 3 and 6 and 9; epochs 2 and 4 end with steps 4 and 8; the run ends with step 10.
    expect(events.flatMap((event) => (event.type === 'checkpoint' ? [event.step] : []))).toEqual([
      3, 4, 6, 8, 9, 10,
    ]);
    expect(events[events.length - 1].type).toBe('end');
    expect(readdirSync(folder).sort()).toEqual(['step-00000009.safetensors', 'step-00000010.safetensors']);
  });

  it('refuses a folder into which another run saves at the same time, once it notices', async () => {
    const folder = newFolder();
    const run = () => fit({ ...noisyRun(), callbacks: [saveCheckpoints({ folder, everySteps: 1 })] });
    const [first, second] = [run(), run()];
    const both = async (): Promise<void> => {
      for (let i = 0; i < 8; i++) {
        await first.next();
        await second.next();
      }
    };
    await expect(both()).rejects.toThrow(`another run writes into ${folder}`);
    expect((await listCheckpoints(folder)).length).toBeGreaterThan(0);
    // One after the other is fine, also where the folder holds what an earlier run left.
    await collect({ ...noisyRun(), callbacks: [saveCheckpoints({ folder, everySteps: 3 })] });
  });

  it('keeps the best apart', async () => {
    const folder = newFolder();
    // Rate 0.1 on the whole set: w − 3 is multiplied by 1 − 0.1 · 15 = −0.5; the loss falls at each epoch.
    const options = { ...line({ batchSize: 4 }), epochs: 3 };
    const events = await collect({
      ...options,
      callbacks: [saveCheckpoints({ folder, monitor: 'loss', mode: 'max' })],
    });
    expect(
      events.flatMap((event) => (event.type === 'checkpoint' && event.best ? [event.epoch] : [])),
    ).toEqual([1]);
    const best = await loadCheckpoint(join(folder, 'best.safetensors'));
    expect(Array.from(await best.model.weight.data())).toEqual([4]);
  });
});

describe('a checkpoint file', () => {
  it('restores model and optimizer by itself', async () => {
    const path = join(scratch, 'one.safetensors');
    const options = line({ batchSize: 4, learningRate: 0.01 });
    await collect(options);
    await saveCheckpoint(path, options);
    const other = line();
    await loadCheckpoint(path, other);
    expect(await weightsOf(other.model)).toEqual(await weightsOf(options.model));
    expect(other.optimizer.steps).toBe(1);
  });

  it('is refused with any byte changed, and when it is cut off', async () => {
    const bytes = await encodeCheckpoint(takeCheckpoint(line()));
    expect(decodeCheckpoint(bytes).progress.step).toBe(0);
    expect(decodeCheckpoint(Buffer.from(bytes)).progress.step).toBe(0);
    for (let at = 0; at < bytes.length; at++) {
      const damaged = bytes.slice();
      damaged[at] = damaged[at] ^ 1;
      expect(() => decodeCheckpoint(damaged, 'file'), `byte ${at}`).toThrow(/^file: /);
    }
    for (let length = 0; length < bytes.length; length += 7) {
      expect(() => decodeCheckpoint(bytes.slice(0, length), 'file'), `length ${length}`).toThrow(/^file: /);
    }
  });

  it.each(['optimizer', 'average', 'callback', 'seed'] as const)(
    'changes nothing when its %s does not fit',
    async (misfit) => {
      const remembering = (bad: boolean): Callback & { value: number } => ({
        name: 'remembering',
        value: bad ? 1 : 2,
        on() {},
        state() {
          return { data: this.value };
        },
        loadState({ data }) {
          this.value = data as number;
          if (bad && data === 2) throw new Error('not mine');
        },
      });
      const run = (bad: boolean) => {
        const base = noisyRun();
        const parameters = base.model.parameters();
        return {
          ...base,
          optimizer: bad && misfit === 'optimizer' ? sgd(parameters, { learningRate: 0.1 }) : base.optimizer,
          average: ema(
            parameters,
            bad && misfit === 'average' ? { decay: 0.5, warmup: true } : { decay: 0.9 },
          ),
          train: dataLoader(saddle(), {
            batchSize: 5,
            shuffle: true,
            seed: bad && misfit === 'seed' ? 5 : 4,
          }),
          callbacks: [remembering(bad && misfit === 'callback')],
        };
      };
      let taken: Checkpoint | null = null;
      const taker: Callback = {
        name: 'taker',
        async on(event, context) {
          if (event.type === 'step' && event.step === 7) taken = await context.checkpoint();
        },
      };
      const good = run(false);
      await collect({ ...good, callbacks: [...good.callbacks, taker] });
      const spoiled =
        misfit === 'average'
          ? { ...taken!, average: { ...taken!.average!, type: 'another' } }
          : (taken as unknown as Checkpoint);
      const other = run(true);
      const before = await encodeCheckpoint(takeCheckpoint(other));
      const position = other.train.state();
      await expect(collect({ ...other, resume: spoiled })).rejects.toThrow();
      expect(await encodeCheckpoint(takeCheckpoint(other))).toEqual(before);
      expect(other.train.state()).toEqual(position);
    },
  );

  it('changes nothing when it belongs to another model', async () => {
    const path = join(scratch, 'noisy.safetensors');
    await saveCheckpoint(path, noisyRun());
    const options = line();
    await expect(loadCheckpoint(path, options)).rejects.toThrow(/does not fit the module/);
    expect(await weightsOf(options.model)).toEqual([1]);
  });
});

describe('crc32', () => {
  it('gives the check value of its definition', () => {
    // The published check value of CRC-32/ISO-HDLC.
    expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926);
    expect(crc32(new Uint8Array(0))).toBe(0);
    // That of CRC-32/ISCSI.
    expect(crc32c(new TextEncoder().encode('123456789'))).toBe(0xe3069283);
  });
});

describe('removeLeftovers', () => {
  it('removes what a killed process was writing, and nothing else', async () => {
    const folder = newFolder();
    mkdirSync(folder);
    const { pid: ended } = spawnSync(process.execPath, ['--version']);
    const kept = [`.other.json.${process.pid}.tmp`, '.hidden', 'step-00000001.safetensors'];
    for (const name of [...kept, `.step-00000002.safetensors.${ended}.tmp`])
      writeFileSync(join(folder, name), '');
    await collect({ ...line(), callbacks: [saveCheckpoints({ folder, keepLast: 9 })] });
    expect(readdirSync(folder).sort()).toEqual([...kept, 'step-00000002.safetensors'].sort());
  });
});

describe('writeAtomically', () => {
  it('replaces a file, and leaves the old one and no other when it fails', async () => {
    const folder = mkdtempSync(join(scratch, 'atomic-'));
    const path = join(folder, 'file');
    writeFileSync(path, 'old');
    await writeAtomically(path, 'new');
    expect(readFileSync(path, 'utf8')).toBe('new');
    await expect(writeAtomically(join(folder, 'no', 'such'), 'x')).rejects.toThrow(/ENOENT/);
    await expect(writeAtomically(path, null as never)).rejects.toThrow();
    expect(readFileSync(path, 'utf8')).toBe('new');
    expect(readdirSync(folder)).toEqual(['file']);
  });
});

it('keeps what callbacks remember under names that objects have of their own', async () => {
  const told: [string, unknown][] = [];
  const callback = (name: string, saving: boolean): Callback => ({
    name,
    ...(saving && { state: () => ({ data: { of: name } }) }),
    on: () => {},
    loadState: ({ data }) => {
      told.push([name, data]);
    },
  });
  const names = ['__proto__', 'constructor'];
  const model = new Noisy();
  const saved = takeCheckpoint({ model, callbacks: names.map((name) => callback(name, true)) });
  const restored = decodeCheckpoint(await encodeCheckpoint(saved));
  // Nothing was saved for the third, though every object has a toString.
  const all = [...names, 'toString'].map((name) => callback(name, false));
  restoreCheckpoint(restored, { model, callbacks: all });
  expect(told).toEqual(names.map((name) => [name, { of: name }]));
});
