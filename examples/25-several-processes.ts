/**
 * One program for one process and for several, on one machine or many: started by MPI's launcher, the processes share every
 * batch, meet in sums of gradients and come to the same weights; alone it trains as any program does. A run that several
 * have begun goes on with any other number of them.
 *
 *     npm run ts -- examples/25-several-processes.ts
 *     mpirun -np 2 npm run ts -- examples/25-several-processes.ts     (needs Open MPI or MPICH)
 */
import { dataLoader, digits, transforms } from '@ag/datasets';
import { mpi } from '@ag/mpi';
import { wasm } from '@ag/native-wasm';
import { accuracy, batchNorm1d, crossEntropy, linear, relu, sequential } from '@ag/nn';
import { adam } from '@ag/optim';
import { manualSeed, use } from '@ag/tensor';
import { decodeCheckpoint, encodeCheckpoint, fit, syncBatchNorm } from '@ag/train';

const world = await mpi(); // one process, where no launcher started several
use(await wasm({ threads: 1 }));
const say = (text: string): void => {
  if (world.rank === 0) console.log(text);
};
say(world.size === 1 ? 'one process' : `${world.size} processes, by ${world.library.split(',')[0]}`);

/** A network, its optimizer and the batches: equal on all ranks, but for the rows that each of them reads. */
function parts() {
  manualSeed(25);
  const model = sequential(linear(196, 32, { bias: false }), batchNorm1d(32), relu(), linear(32, 10));
  syncBatchNorm(model, world); // by the statistics of whole batches, as one process has them
  const transform = transforms.flatten();
  return {
    model,
    optimizer: adam(model.parameters(), { learningRate: 0.01 }),
    loss: crossEntropy,
    metrics: { accuracy },
    train: dataLoader(digits({ count: 600, size: 14 }), {
      batchSize: 100,
      shuffle: true,
      seed: 25,
      transform,
      part: world,
    }),
    validation: dataLoader(digits({ split: 'test', count: 300, size: 14 }), {
      batchSize: 100,
      transform,
      part: world,
    }),
    world,
  };
}

let saved: Uint8Array | undefined;
for await (const event of fit({
  ...parts(),
  epochs: 3,
  callbacks: [
    {
      name: 'keep',
      async on(event, { checkpoint }) {
        if (event.type === 'end') saved = await encodeCheckpoint(await checkpoint());
      },
    },
  ],
})) {
  if (event.type === 'epoch') say(`epoch ${event.epoch}: loss ${event.loss.toFixed(5)}`);
}

// The same file could have come from another number of processes: it counts whole batches.
for await (const event of fit({ ...parts(), epochs: 5, resume: decodeCheckpoint(saved!) })) {
  if (event.type === 'epoch') say(`epoch ${event.epoch}: loss ${event.loss.toFixed(5)}, gone on`);
  if (event.type === 'validation' && event.epoch === 5)
    say(`unseen digits: ${(100 * event.metrics.accuracy).toFixed(1)} %`);
}
await world.finish();
