/** The playground's trainer: it learns, rewinds, raises alarms, and matches the code it shows. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { codeFor } from './code.ts';
import { configFrom, optimizerTitles, type PlaygroundConfig, writePoints } from './config.ts';
import { pointsFromText } from './data.ts';
import { presets } from './presets.ts';
import type { Snapshot } from './snapshot.ts';
import { Trainer } from './trainer.ts';

const preset = (id: string, changes: Record<string, string> = {}): PlaygroundConfig =>
  configFrom(new URLSearchParams({ ...presets.find((each) => each.id === id)!.parameters, ...changes }));

async function open(config: PlaygroundConfig) {
  const trainer = new Trainer();
  let last: Snapshot | null = null;
  trainer.listen((snapshot) => {
    last = snapshot;
  });
  await trainer.configure(config, 1);
  return { trainer, snapshot: () => last! };
}

const until = async (trainer: Trainer, snapshot: () => Snapshot, step: number): Promise<void> => {
  await trainer.play();
  while (snapshot().step < step && !snapshot().failed) await new Promise((resolve) => setTimeout(resolve, 5));
  await trainer.pause();
};

describe('playground trainer', () => {
  it('learns the exclusive or with two hidden sigmoids', async () => {
    const { trainer, snapshot } = await open(preset('xor'));
    await until(trainer, snapshot, 600);
    expect(snapshot().pointAnswers.map(([p]) => Math.round(p))).toEqual([0, 1, 1, 0]);
    expect(snapshot().train!.accuracy).toBe(1);
    await trainer.pause();
  });

  it('goes back to any step and makes the same losses and weights again', async () => {
    const { trainer, snapshot } = await open(preset('blobs', { dropout: '0.2' }));
    for (let i = 0; i < 40; i++) await trainer.step();
    const before = snapshot();
    expect(before.losses).toHaveLength(40);
    for (const step of [23, 16, 0]) {
      await trainer.rewind(step);
      expect(snapshot().step).toBe(step);
      expect(snapshot().losses).toEqual(before.losses.slice(0, step));
      while (snapshot().step < 40) await trainer.step();
      expect(snapshot().losses).toEqual(before.losses);
      expect(snapshot().layers).toEqual(before.layers);
      expect(snapshot().trainCurve).toEqual(before.trainCurve);
    }
  });

  it('raises an alarm when the learning rate is 10, and can go back', async () => {
    const { trainer, snapshot } = await open(preset('fast'));
    await until(trainer, snapshot, 200);
    expect(snapshot().alerts.length).toBeGreaterThan(0);
    expect(snapshot().alerts[0].message).toContain('learning rate');
    await trainer.rewind(0);
    expect(snapshot().alerts).toEqual([]);
    expect(snapshot().failed).toBe(false);
  });

  it('fits the plane that the points come from', async () => {
    const { trainer, snapshot } = await open(preset('plane', { standardize: 'false', noise: '0' }));
    await until(trainer, snapshot, 600);
    const [layer] = snapshot().layers;
    expect(layer.weights[0][0]).toBeCloseTo(1.5, 2);
    expect(layer.weights[0][1]).toBeCloseTo(-1, 2);
    expect(layer.bias[0]).toBeCloseTo(0.5, 2);
  });

  it('goes on with other data, rate and penalties, and meets them again after going back', async () => {
    const first = preset('circles', { data: 'moons', layers: 'tanh:4', seed: '3', optimizer: 'adam' });
    const { trainer, snapshot } = await open(first);
    const to = async (step: number) => {
      while (snapshot().step < step) await trainer.step();
    };
    await to(19);
    const second = { ...first, noise: 0.3, count: 90, learningRate: 0.1, l2: 0.05 };
    await trainer.change(second, 1);
    expect(snapshot().step).toBe(19);
    expect(snapshot().rate).toBe(0.1);
    expect(snapshot().trainPoints).toHaveLength(63);
    await to(30);
    await trainer.setParameter({ layer: 0, unit: 1, input: 0 }, 2.5);
    expect(snapshot().layers[0].weights[1][0]).toBe(2.5);
    await to(50);
    const before = snapshot();
    for (const step of [40, 19, 18, 3]) {
      await trainer.rewind(step);
      expect(snapshot().step).toBe(step);
      expect(snapshot().rate).toBe(step < 19 ? first.learningRate : 0.1);
      await to(50);
      expect(snapshot().losses).toEqual(before.losses);
      expect(snapshot().layers).toEqual(before.layers);
    }
    // A change after going back takes the place of those that had followed.
    await trainer.rewind(10);
    await trainer.change({ ...first, learningRate: 0.001 }, 1);
    await to(50);
    expect(snapshot().losses.slice(0, 10)).toEqual(before.losses.slice(0, 10));
    expect(snapshot().rate).toBe(0.001);
    expect(snapshot().trainPoints).toHaveLength(140);
  });

  it('adds penalties to the gradient: l1 · sign(w) + l2 · w', async () => {
    const { trainer, snapshot } = await open(
      preset('plane', {
        test: '0',
        count: '50',
        batchSize: '1000',
        l1: '0.3',
        l2: '0.7',
        learningRate: '0.1',
      }),
    );
    const [{ weights, weightGradients, bias, biasGradients }] = snapshot().layers;
    await trainer.step();
    const [after] = snapshot().layers;
    for (const [i, w] of weights[0].entries()) {
      const slope = weightGradients[0][i] + 0.3 * Math.sign(w) + 0.7 * w;
      expect(after.weights[0][i]).toBeCloseTo(w - 0.1 * slope, 5);
    }
    expect(after.bias[0]).toBeCloseTo(bias[0] - 0.1 * biasGradients[0], 5);
  });

  it('shows what becomes of a number that is changed', async () => {
    const { trainer, snapshot } = await open(
      preset('plane', { standardize: 'false', features: 'x,y,x2,y2,xy,sinx,siny', test: '0' }),
    );
    await trainer.probe(0.5, -2);
    for (const [input, weight] of [2, -1, 4, 0.5, 3, 1, -3].entries())
      await trainer.setParameter({ layer: 0, unit: 0, input }, weight);
    await trainer.setParameter({ layer: 0, unit: 0, input: null }, 0.25);
    // 2·0.5 + 1·2 + 4·0.25 + 0.5·4 − 3·1 + sin(π/2) − 3·sin(−2π) + 0.25
    expect(snapshot().layers[0].values[0]).toBeCloseTo(4.25, 5);
    const off = ({ x, y, target }: { x: number; y: number; target: number }) =>
      2 * x -
      y +
      4 * x * x +
      0.5 * y * y +
      3 * x * y +
      Math.sin(Math.PI * x) -
      3 * Math.sin(Math.PI * y) +
      0.25 -
      target;
    const squares = snapshot().trainPoints.map((point) => off(point) ** 2);
    expect(snapshot().lossNow).toBeCloseTo(squares.reduce((a, b) => a + b, 0) / squares.length, 3);
  });

  it.each(optimizerTitles.map(([id]) => id))('learns with %s', async (optimizer) => {
    const rates: Record<string, string> = {
      sgd: '0.3',
      nesterov: '0.1',
      adadelta: '1',
      lion: '0.01',
      adagrad: '0.1',
    };
    const { trainer, snapshot } = await open(
      preset('circles', {
        count: '60',
        optimizer,
        learningRate: rates[optimizer] ?? '0.03',
        batchSize: '60',
      }),
    );
    const before = snapshot().lossNow!;
    await until(trainer, snapshot, 60);
    expect(snapshot().lossNow!).toBeLessThan(0.97 * before);
  });

  it.each([
    ['mse', 'circles'],
    ['hinge', 'circles'],
    ['focal', 'blobs'],
    ['mae', 'hills'],
    ['huber', 'curve'],
  ])('makes the loss %s small', async (loss, data) => {
    const { trainer, snapshot } = await open(preset('circles', { loss, data, noise: '0.05', classes: '3' }));
    const before = snapshot().lossNow!;
    await until(trainer, snapshot, 150);
    expect(snapshot().lossNow!).toBeLessThan(0.7 * before);
  });

  it('reads pasted tables and writes them into an address', async () => {
    const { points, classes } = await pointsFromText('a,b,kind\n0.5,1,yes\n-1,2.25,no\n', false);
    expect(points).toEqual([
      { x: 0.5, y: 1, target: 1 },
      { x: -1, y: 2.25, target: 0 },
    ]);
    expect(classes).toEqual(['no', 'yes']);
    expect(configFrom(new URLSearchParams({ points: writePoints(points) })).points).toEqual(points);
    expect((await pointsFromText('1\t2\t3.5\n4\t5\t6\n', true)).points).toEqual([
      { x: 1, y: 2, target: 3.5 },
      { x: 4, y: 5, target: 6 },
    ]);
    await expect(pointsFromText('1,2\n3,4\n', false)).rejects.toThrow('three');
    expect((await pointsFromText('x,y\n0.5,2\n1,-3\n', true, true)).points).toEqual([
      { x: 0.5, y: 2, target: 2 },
      { x: 1, y: -3, target: -3 },
    ]);
  });

  it('shows code that makes the same losses', async () => {
    // Beside this file, where the packages are found.
    const folder = await mkdtemp(join(import.meta.dirname, 'code-'));
    const log = vi.spyOn(console, 'log').mockImplementation(() => undefined);
    try {
      for (const config of [
        preset('spirals', { classes: '3', layers: 'relu:4,gelu:3', dropout: '0.1', batchSize: '50' }),
        preset('plane', { optimizer: 'nesterov', learningRate: '0.01' }),
        preset('xor'),
        preset('circles', {
          features: 'x,y,x2,xy,siny',
          l1: '0.001',
          l2: '0.01',
          normalization: 'batch',
          batchSize: '139',
          loss: 'hinge',
          optimizer: 'lookahead',
        }),
        preset('circles', { data: 'curve', features: 'x,sinx', normalization: 'layer', loss: 'quantile' }),
        preset('circles', { data: 'points', points: '0,0,0;1,1,1;0.5,-1,1;-1,0.25,0', test: '0.25' }),
      ]) {
        const file = join(folder, `${config.data}${config.loss}.ts`);
        await writeFile(file, codeFor(config).replace('epochs: 50', 'epochs: 12'));
        log.mockClear();
        await import(/* @vite-ignore */ file);
        const printed = log.mock.calls.filter(([first]) => typeof first === 'number').map(([, loss]) => loss);
        const { trainer, snapshot } = await open(config);
        for (let i = 0; i < 10; i++) await trainer.step();
        expect(printed.slice(0, 10)).toEqual(snapshot().losses);
      }
    } finally {
      log.mockRestore();
      await rm(folder, { recursive: true });
    }
  });
});
