/**
 * A finished training answers for every step of it, though nothing was logged, and can be checked by anyone: steps are computed again
 * to the bit from the nearest checkpoint. Here one bit of one weight is changed on the way, and found.
 *
 *     npm run ts -- examples/29-ask-a-finished-run.ts
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dataLoader, digits } from '@ag/datasets';
import { wasm } from '@ag/native-wasm';
import * as nn from '@ag/nn';
import { adam, cosine } from '@ag/optim';
import { manualSeed, tensor, use } from '@ag/tensor';
import { bisect, type Callback, fit, openRun, saveCheckpoints, saveReceipt, verify } from '@ag/train';

// Products and sums rounded apart: the same bits on every engine.
const backend = await wasm({ threads: 1, relaxedSimd: false });
use(backend);
const data = digits({ split: 'train', count: 600, seed: 0 });

/** Everything the training is made from, as it is at the beginning. */
function setup() {
  manualSeed(7);
  const model = nn.sequential(
    nn.flatten(),
    nn.linear(784, 32),
    nn.relu(),
    nn.dropout(0.2),
    nn.linear(32, 10),
  );
  return {
    model,
    optimizer: adam(model.parameters(), { learningRate: cosine(3e-3, { steps: 120 }) }),
    loss: nn.crossEntropy,
    train: dataLoader(data, { batchSize: 50, shuffle: true, seed: 1 }),
    epochs: 10,
  };
}

/** Trains and leaves a folder with checkpoints and a receipt. */
async function train(folder: string, callbacks: readonly Callback[] = []): Promise<void> {
  const saved = [
    saveReceipt({ path: join(folder, 'receipt.json'), data: { train: data }, every: 32 }),
    saveCheckpoints({ folder: join(folder, 'checkpoints'), everySteps: 40 }),
  ];
  for await (const event of fit({ ...setup(), callbacks: [...callbacks, ...saved] }))
    if (event.type === 'end') console.log(`trained ${event.step} steps, loss ${event.loss!.toFixed(3)}`);
}

const folder = mkdtempSync(join(tmpdir(), 'ag-29-'));
try {
  await train(join(folder, 'a'));
  const run = await openRun(join(folder, 'a'), setup);

  console.log('\nAsked afterwards:');
  const moment = run.at(73);
  console.log(
    `step 73: loss ${(await moment.loss()).toFixed(4)}, gradient of 1.weight ${(await moment.gradientNorm('1.weight')).toFixed(4)}`,
  );
  const active = (await (await moment.activation('2', { example: 7 })).data()).filter((x) => x > 0).length;
  console.log(`units at work for the eighth example of its batch: ${active} of 32`);
  const first = await run.first(async (step) => (await step.loss()) < 1);
  console.log(`the loss fell below 1 at step ${first!.step} for the first time`);

  const { equal, compared } = await verify(run, { data: { train: data } });
  console.log(`\ntrained again: ${equal ? 'equal' : 'other'}, ${compared} hashes`);
  console.log(`weights ${run.receipt!.weights.final.hash}`);

  const flip: Callback = {
    name: 'flip',
    async on(event, { model }) {
      if (event.type !== 'step' || event.step !== 77) return;
      const weight = model.namedParameters().get('4.weight')!;
      const values = Float32Array.from(await weight.value.data());
      new Uint32Array(values.buffer)[0] ^= 1;
      weight.assign(tensor(values, { shape: weight.shape }));
    },
  };
  await train(join(folder, 'b'), [flip]);
  const other = await openRun(join(folder, 'b'), () => ({ ...setup(), callbacks: [flip] }));
  const found = await bisect(run, other);
  console.log(
    `the runs part at step ${found!.step} in ${found!.tensors.join(', ')}, found by ${found!.replays} replays`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
  backend.close();
}
