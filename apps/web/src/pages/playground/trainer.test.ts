/** The playground's trainer: it learns, rewinds, raises alarms, and matches the code it shows. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { codeFor } from './code.ts';
import { configFrom, type PlaygroundConfig, writePoints } from './config.ts';
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
        preset('circles', { data: 'points', points: '0,0,0;1,1,1;0.5,-1,1;-1,0.25,0', test: '0.25' }),
      ]) {
        const file = join(folder, `${config.data}.ts`);
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
