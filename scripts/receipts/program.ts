/**
 * Checks one receipt where it stands: with one thread and with more, steps compiled and not. Each line says what came out; the first
 * time, without a receipt, it makes one.
 */
import { dataLoader, digits, transforms } from '@ag/datasets';
import { wasm } from '@ag/native-wasm';
import * as nn from '@ag/nn';
import { adam, cosine } from '@ag/optim';
import { manualSeed, use } from '@ag/tensor';
import { openRun, type Receipt, type RunSetup, receipt, verify } from '@ag/train';

/** A network of convolutions, its images turned, its rate a cosine: whatever the host computes takes part. */
const data = digits({ split: 'train', count: 320, seed: 3 });
const setup =
  (compile: boolean): RunSetup =>
  () => {
    manualSeed(11);
    const model = nn.sequential(
      nn.conv2d(1, 4, 5, { padding: 2 }),
      nn.batchNorm2d(4),
      nn.relu(),
      nn.maxPool2d(4),
      nn.flatten(),
      nn.dropout(0.2),
      nn.linear(196, 32, { weightInit: nn.init.truncatedNormal }),
      nn.tanh(),
      nn.linear(32, 10),
    );
    return {
      model,
      optimizer: adam(model.parameters(), { learningRate: cosine(5e-3, { steps: 60 }) }),
      loss: nn.crossEntropy,
      train: dataLoader(data, {
        batchSize: 32,
        shuffle: true,
        seed: 2,
        transform: transforms.compose(transforms.randomRotate(15), transforms.randomShift(2)),
      }),
      epochs: 6,
      compile,
    };
  };

/** Prints a line for each way to compute. @param expected by arithmetic; null where one is to be made */
export async function check(expected: Readonly<Record<string, Receipt>> | null): Promise<void> {
  for (const arithmetic of ['separate', 'fused'] as const) {
    for (const threads of expected ? [1, 2, 3] : [1]) {
      const backend = await wasm({ threads, relaxedSimd: arithmetic === 'fused' }).catch(
        (error: Error) => error,
      );
      if (backend instanceof Error) {
        console.log('@skip', JSON.stringify({ arithmetic, why: backend.message }));
        break;
      }
      await backend.startThreads?.();
      use(backend);
      for (const compiled of expected ? [false, true] : [false]) {
        const run = await openRun({}, setup(compiled));
        const content = { data: { train: data }, every: 8 };
        if (expected === null) {
          console.log('@made', JSON.stringify([arithmetic, await receipt(run, content)]));
          continue;
        }
        const found = await verify(run, { against: expected[arithmetic], data: content.data });
        const running = backend.runningThreads ?? 1;
        console.log('@row', JSON.stringify({ arithmetic, threads: running, compiled, ...found }));
      }
      backend.close();
    }
  }
  console.log('@done');
}
