/** What the settings say of optimizers, schedules and averages is what trains. */
import { join } from 'node:path';
import * as optim from '@ag/optim';
import { describe, expect, it } from 'vitest';
import { buildProgram } from '../program.ts';
import { parametersOf } from '../recipes/index.ts';
import xor from '../recipes/xor.ts';
import { resolveSettings, settings } from '../settings.ts';
import { inProcess, lastEvent, scratchFolder } from '../testTools.ts';
import { assemble, prepare } from './assemble.ts';

const scratch = scratchFolder();
const train = (...given: string[]) =>
  inProcess('train', 'xor', '--json', '--backend', 'reference', '--epochs', '8', ...given);

describe('--optimizer', () => {
  const names = settings.optimizer.type.choices ?? [];

  it('knows every optimizer of @ag/optim that a gradient is enough for', () => {
    // L-BFGS asks for the loss again and again.
    const made = Object.entries(optim).flatMap(([name, Class]) =>
      typeof Class === 'function' && Class.prototype instanceof optim.Optimizer && name !== 'Lbfgs'
        ? [name.toLowerCase()]
        : [],
    );
    expect([...names].sort()).toEqual(made.sort());
  });

  it.each(['adamax', 'adafactor', 'lamb', 'muon'])('%s learns', async (name) => {
    const { values } = resolveSettings({ recipe: { ...xor.settings, optimizer: name, epochs: 60 } });
    const { model, optimizer, task, trainLoader } = await assemble(
      await prepare(xor, values, parametersOf(xor, {})),
      values,
    );
    expect(optimizer.state().type).toBe(name);
    const { fit } = await import('@ag/train');
    const losses: number[] = [];
    for await (const event of fit({ model, optimizer, loss: task.loss, train: trainLoader, epochs: 60 }))
      if (event.type === 'step') losses.push(event.loss);
    expect(losses.at(-1)).toBeLessThan(0.9 * losses[0]);
  });

  it('is in the help', () => {
    const program = buildProgram(
      () => null as never,
      () => {},
    );
    const text = program.commands
      .find((command) => command.name() === 'train')!
      .helpInformation()
      .replace(/\s+/g, ' ');
    expect(text).toContain('radam, lion, adamax, adafactor, lamb, muon');
    expect(text).toContain('plateau, multiStep, exponential, restarts, cyclic');
    for (const flag of ['--warmup <steps>', '--swa <share>', '--lookahead <steps>'])
      expect(text).toContain(flag);
  });
});

describe('--schedule', () => {
  /** The rate, in parts of the given one, of 40 steps. */
  async function ratesOf(given: object): Promise<number[]> {
    const { values } = resolveSettings({
      recipe: { ...xor.settings, epochs: 40, learningRate: 0.5, ...given },
    });
    let rate: optim.Rate = 0;
    await assemble(await prepare(xor, values, parametersOf(xor, {})), values, (one) => {
      rate = one;
      return one;
    });
    return Array.from({ length: 40 }, (_, step) => optim.toSchedule(rate)(step) / 0.5);
  }

  it('of new names is what the help says', async () => {
    const multi = await ratesOf({ schedule: 'multiStep' });
    expect([0, 19, 20, 29, 30].map((step) => multi[step])).toEqual(
      [1, 1, 0.1, 0.1, 0.01].map((x) => expect.closeTo(x, 12)),
    );
    const exponential = await ratesOf({ schedule: 'exponential' });
    expect([exponential[0], exponential[20]]).toEqual([1, expect.closeTo(0.1, 12)]);
    const restarts = await ratesOf({ schedule: 'restarts' });
    expect([0, 5, 10, 30].map((step) => restarts[step])).toEqual(
      [1, 0.5, 1, 1].map((x) => expect.closeTo(x, 12)),
    );
    const cyclic = await ratesOf({ schedule: 'cyclic' });
    expect([0, 5, 10, 35].map((step) => cyclic[step])).toEqual(
      [0.1, 1, 0.1, 1].map((x) => expect.closeTo(x, 12)),
    );
  });

  it('begins after the warm-up, and has the rest of the steps', async () => {
    const rates = await ratesOf({ schedule: 'linear', warmup: 10 });
    expect([0, 5, 10, 25].map((step) => rates[step])).toEqual(
      [0.01, 0.505, 1, 0.5].map((x) => expect.closeTo(x, 12)),
    );
    const long = await train('--warmup', '8');
    expect(long.exitCode).toBe(3);
    expect(long.stdout).toContain('--warmup: 8 is not less than the 8 steps of the run');
    expect((await train('--warmup', '2', '--schedule', 'oneCycle')).stdout).toContain(
      'has a warm-up of its own',
    );
  });
});

describe('--swa and --lookahead', () => {
  it('save the mean of the last steps, which eval reads', async () => {
    const folder = join(scratch, 'swa');
    const result = lastEvent(await train('--swa', '0.5', '--out', folder)) as { test: { loss: number } };
    const plain = lastEvent(await train('--out', join(scratch, 'plain'))) as { test: { loss: number } };
    expect(result.test.loss).not.toBe(plain.test.loss);
    const evaluated = lastEvent(await inProcess('eval', folder, '--json', '--backend', 'reference')) as {
      loss: number;
    };
    expect(evaluated.loss).toBe(result.test.loss);
    expect((await train('--swa', '0.5', '--ema', '0.9')).stdout).toContain(
      '--swa: --ema asks for another average',
    );
    expect((await train('--swa', '1.5')).stdout).toContain('--swa: expected a number from 0 to 1');
  });
});
