/**
 * A run that is killed at random moments and resumed ends with the bytes of one left alone. No file that is read was
 * ever half written. `AG_TEST=full` kills twenty times, on MNIST too where AG_DATA_DIR has it; `AG_KILL_SEED`
 * repeats the moments of an earlier test.
 */
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, watch } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { decodeCheckpoint, listCheckpoints } from '@ag/train';
import { describe, expect, it } from 'vitest';
import { lastEvent, outcomeOf, scratchFolder, start } from './testTools.ts';

const scratch = scratchFolder();
const full = process.env.AG_TEST === 'full';
const data = process.env.AG_DATA_DIR ?? '';

/** Random numbers in [0, 1) from a seed: mulberry32. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Where a kill hit. */
interface Hit {
  /** The last step the killed process reported; null when it had reported none. */
  readonly step: number | null;
  /** Files that were being written. */
  readonly unfinished: readonly string[];
}

/** Kills a process once it has reported so many steps and some milliseconds more, or while it writes a checkpoint. */
async function killOnce(
  child: ChildProcess,
  folder: string,
  when: { readonly steps: number; readonly milliseconds: number; readonly writing: boolean },
): Promise<Hit & { readonly ended: boolean }> {
  const checkpoints = join(folder, 'checkpoints');
  mkdirSync(checkpoints, { recursive: true });
  let step: number | null = null;
  let reported = 0;
  let armed = false;
  const watcher = watch(checkpoints, (_, name) => {
    if (armed && name?.endsWith('.tmp')) child.kill('SIGKILL');
  });
  child.stderr!.resume();
  const lines = createInterface({ input: child.stdout! });
  lines.on('line', (line) => {
    // The last line of a process that is killed may be cut off.
    const found = /^\{"v":1,"type":"step","step":(\d+)/.exec(line);
    if (!found) return;
    step = Number(found[1]);
    if (++reported !== when.steps) return;
    if (when.writing) armed = true;
    else void wait(when.milliseconds).then(() => child.kill('SIGKILL'));
  });
  const signal = await new Promise((resolve) => child.on('close', (_, name) => resolve(name)));
  watcher.close();
  const unfinished = readdirSync(checkpoints).filter((name) => name.endsWith('.tmp'));
  return { step, unfinished, ended: signal !== 'SIGKILL' };
}

/** Everything in the folder that will be read again must be whole. */
async function expectWhole(folder: string): Promise<void> {
  const config = join(folder, 'config.json');
  if (existsSync(config)) expect(JSON.parse(readFileSync(config, 'utf8')).version).toBe(1);
  for (const path of await listCheckpoints(join(folder, 'checkpoints')))
    expect(decodeCheckpoint(readFileSync(path), path).progress.step).toBeGreaterThan(0);
}

const loggedSteps = (folder: string): number[] =>
  readFileSync(join(folder, 'events.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
    .flatMap((event) => (event.type === 'step' ? [event.step] : []));

/** @param stride reported steps between two kills, on average */
async function killAndResume(
  name: string,
  given: readonly string[],
  kills: number,
  stride: number,
): Promise<void> {
  const seed = Number(process.env.AG_KILL_SEED ?? Math.floor(Math.random() * 1e6));
  const random = randomNumbers(seed);
  const whole = join(scratch, `${name}-whole`);
  const broken = join(scratch, `${name}-broken`);
  const byModule = given[1].endsWith('.ts') ? ['--recipe', given[1]] : [];
  const resume = ['train', '--resume', broken, ...byModule];
  const left = await outcomeOf(start([...given, '--out', whole, '--quiet']));
  expect(left.exitCode, left.stderr).toBe(0);

  const hits: Hit[] = [];
  while (hits.length < kills) {
    const begun = existsSync(join(broken, 'config.json'));
    const child = start(begun ? [...resume, '--json'] : [...given, '--out', broken, '--json']);
    const hit = await killOnce(child, broken, {
      steps: 1 + Math.floor(random() * 2 * stride),
      milliseconds: random() * 40,
      // Every third kill waits for the moment in which a checkpoint is being written.
      writing: hits.length % 3 === 2,
    });
    expect(hit.ended, `the run ended before kill ${hits.length + 1} of ${kills}`).toBe(false);
    hits.push(hit);
    await expectWhole(broken);
  }
  const last = await outcomeOf(start([...resume, '--json']));
  expect(last.exitCode, last.stderr).toBe(0);
  expect(last.stderr).not.toMatch(/warning/);
  expect(lastEvent(last)).toMatchObject({ type: 'result' });

  const bytes = (folder: string): Buffer => readFileSync(join(folder, 'weights.safetensors'));
  console.log(
    `${name}: seed ${seed}; killed after the steps ${hits.map(({ step }) => step ?? '–').join(' ')}; ` +
      `${hits.filter(({ unfinished }) => unfinished.length > 0).length} times in the middle of a file`,
  );
  expect(bytes(broken).equals(bytes(whole)), `weights differ with AG_KILL_SEED=${seed}`).toBe(true);
  // The log tells one run, each step once and in order, as if nothing had happened.
  expect(loggedSteps(broken)).toEqual(loggedSteps(whole));
  expect(readdirSync(join(broken, 'checkpoints')).filter((file) => file.endsWith('.tmp'))).toEqual([]);
  // Kills that all hit the start would prove nothing.
  expect(hits.filter(({ step }) => step !== null).length).toBeGreaterThan(kills / 2);
}

describe('a run that is killed again and again', () => {
  it('ends with the same bytes, with dropout, batch normalization, augmentation and a schedule', {
    timeout: 600_000,
  }, async () => {
    const recipe = fileURLToPath(new URL('../fixtures/everything.ts', import.meta.url));
    const given = ['train', recipe, '--ema', '0.99', '--checkpoint-every', '10'];
    if (full)
      await killAndResume('everything', [...given, '--set', 'data.train=6400', '--epochs', '4'], 20, 40);
    else await killAndResume('everything', [...given, '--epochs', '2'], 4, 25);
  });

  it.skipIf(!full || !existsSync(join(data, 'mnist', 'train-images-idx3-ubyte.gz')))(
    'ends with the same bytes on MNIST',
    { timeout: 900_000 },
    async () => {
      // Of 3,600 steps every second is reported.
      await killAndResume('mnist', ['train', 'mnist', '--epochs', '6', '--checkpoint-every', '50'], 20, 30);
    },
  );
});
