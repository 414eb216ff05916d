/** Equal seeds give equal bits, and going on from saved state gives the bits of never having stopped. */
import { backward } from '@ag/graph';
import { adamw, cosine } from '@ag/optim';
import { manualSeed, normal, randomState, restoreRandomState, type Tensor } from '@ag/tensor';
import { expect, it } from 'vitest';
import * as nn from './index.ts';

function build() {
  const model = nn.sequential(
    nn.linear(4, 8),
    nn.batchNorm1d(8),
    nn.relu(),
    nn.dropout(0.4),
    nn.linear(8, 3),
  );
  const optimizer = adamw(model.parameters(), { learningRate: cosine(0.05, { steps: 12 }) });
  const step = (x: Tensor): void => {
    backward(nn.crossEntropy(model.forward(x), x.argmax(-1).minimum(2)));
    optimizer.step();
  };
  return { model, optimizer, step };
}

const bits = (model: nn.Module): number[] =>
  Object.values(model.stateDict()).flatMap((t) => [...new Uint8Array(t.dataSync().buffer)]);

it('to the bit, with dropout, batch normalization, weight decay and a schedule', async () => {
  manualSeed(0);
  const batches = Array.from({ length: 12 }, () => normal([16, 4]));
  const whole = (): number[] => {
    manualSeed(3);
    const { model, step } = build();
    batches.forEach(step);
    return bits(model);
  };
  const expected = whole();
  expect(whole()).toEqual(expected);

  manualSeed(3);
  const begun = build();
  batches.slice(0, 5).forEach(begun.step);
  const weights = await nn.saveSafetensors(begun.model.stateDict());
  const { type, numbers, tensors } = begun.optimizer.state();
  const slots = await nn.saveSafetensors(tensors);
  const saved = JSON.stringify({ type, numbers, random: randomState() });

  manualSeed(99);
  const resumed = build();
  const read = JSON.parse(saved);
  resumed.model.loadStateDict(nn.loadSafetensors(weights).tensors);
  resumed.optimizer.loadState({ ...read, tensors: nn.loadSafetensors(slots).tensors });
  restoreRandomState(read.random);
  batches.slice(5).forEach(resumed.step);
  expect(bits(resumed.model)).toEqual(expected);
});
