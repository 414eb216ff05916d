/** The recipe that fine-tunes: by its own network and by a file, each part, and the file that comes out. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { placeholder } from '@ag/graph';
import * as nn from '@ag/nn';
import { loadSafetensors, sequential } from '@ag/nn';
import { exportOnnx } from '@ag/onnx';
import { describe, expect, it } from 'vitest';
import { inProcess, lastEvent, scratchFolder } from '../../testTools.ts';

process.env.AG_OFFLINE = '1';
const scratch = scratchFolder();

interface Result {
  readonly test: { readonly loss: number; readonly metrics: { readonly accuracy: number } };
}
const train = (name: string, ...given: string[]) =>
  inProcess('train', 'finetune', ...given, '--json', '-q', '--out', join(scratch, name));
const accuracyOf = (outcome: Awaited<ReturnType<typeof train>>): number => {
  if (outcome.exitCode !== 0) throw new Error(outcome.stdout + outcome.stderr);
  expect(outcome.exitCode).toBe(0);
  return (lastEvent(outcome) as unknown as Result).test.metrics.accuracy;
};
const weightsOf = (name: string) => {
  const folder = join(scratch, name);
  const file = ['model.safetensors', 'best.safetensors', 'weights.safetensors'].find((one) =>
    existsSync(join(folder, one)),
  );
  return loadSafetensors(new Uint8Array(readFileSync(join(folder, file as string)))).tensors;
};

describe('its own network', () => {
  it('learns new digits by changes of low rank, which are all that is saved', async () => {
    const accuracy = accuracyOf(await train('lora', '--epochs', '30', '--set', 'data.test=50'));
    expect(accuracy).toBeGreaterThan(0.8);
    expect(
      Object.keys(weightsOf('lora')).filter((name) => !/^(adapters\.|model\.head\.)/.test(name)),
    ).toEqual([]);
    const evaluated = await inProcess('eval', join(scratch, 'lora'), '--json');
    expect(evaluated.exitCode).toBe(0);
    expect(JSON.stringify(lastEvent(evaluated))).toContain(String(accuracy));
  });

  it('says how much was trained, and what became of the file', async () => {
    const outcome = await inProcess(
      ...['train', 'finetune', '--epochs', '2', '--set', 'train.part=head', '--set', 'data.test=20'],
      ...['--out', join(scratch, 'head')],
    );
    expect(outcome.exitCode).toBe(0);
    const text = outcome.stdout + outcome.stderr;
    expect(text).toMatch(/trained 132 numbers/);
    const [, difference] =
      /as an ONNX file again: [\d,]+ bytes; read back it differs by at most (\S+)/.exec(text) ?? [];
    expect(Number(difference)).toBeLessThan(1e-4);
  });
});

describe('a file', () => {
  it('of other images, up to a value inside, trained as a whole', async () => {
    const model = sequential(
      nn.conv2d(3, 4, 3, { stride: 2 }),
      nn.relu(),
      nn.conv2d(4, 6, 3, { stride: 2 }),
      nn.adaptiveAvgPool2d(1),
      nn.flatten(),
      nn.linear(6, 2),
    );
    const file = join(scratch, 'other.onnx');
    writeFileSync(file, await exportOnnx(model, { inputs: { image: placeholder([null, 3, 58, 60]) } }));
    const given = ['--epochs', '1', '--set', `model.file=${file}`, '--set', 'data.test=20'];
    accuracyOf(await train('other', ...given, '--set', 'model.cut=relu_0', '--set', 'train.part=all'));
    expect(weightsOf('other')['head.weight'].shape).toEqual([4, 4]);
    expect(Object.keys(weightsOf('other'))).not.toContain('backbone.2.weight');
  });

  it.each([
    [['model.file=nothing.onnx'], /nothing\.onnx cannot be read/],
    [['model.cut=nothing'], /no node gives "nothing"/],
    [['train.part=tail'], /expected head, lora, all/],
    [['data.kinds=[1]'], /expected two digits or more/],
    [['lora.rank=0'], /lora\.rank/],
    [['model.size=1.5'], /model\.size/],
  ])('%s', async (changes, message) => {
    const outcome = await train('refused', ...changes.flatMap((change) => ['--set', change]));
    expect(outcome.exitCode).not.toBe(0);
    expect(outcome.stdout + outcome.stderr).toMatch(message);
  });

  it('that takes no images', async () => {
    const file = join(scratch, 'rows.onnx');
    writeFileSync(file, await exportOnnx(nn.linear(3, 2), { inputs: { x: placeholder([null, 3]) } }));
    const outcome = await train('refused', '--set', `model.file=${file}`);
    expect(outcome.stdout + outcome.stderr).toMatch(/rows\.onnx takes no images; it should take/);
  });
});
