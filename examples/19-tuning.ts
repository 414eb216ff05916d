/**
 * The craft around the loop: which learning rate, how good the model really is, whether an average of the weights is
 * better than the last ones, which units have died, and where the time goes. The flowers of Fisher's iris data.
 *
 *     npm run ts -- examples/19-tuning.ts [picture.svg]
 */
import { writeFileSync } from 'node:fs';
import { dataLoader, iris, kFold, type MemoryDataset, transforms } from '@ag/datasets';
import { accuracy, crossEntropy, linear, relu, sequential } from '@ag/nn';
import { ema, sgd } from '@ag/optim';
import { manualSeed, silenceWarnings } from '@ag/tensor';
import { crossValidate, findLearningRate, fit, gradientAlarms } from '@ag/train';
import { lineChart } from '@ag/viz';

const flowers = iris();
const network = () => sequential(linear(4, 24), relu(), linear(24, 3));
const batches = (part: MemoryDataset, whole: MemoryDataset) =>
  dataLoader(part, { batchSize: 10, shuffle: true, transform: transforms.standardize(whole) });

// The rate grows from far too small to far too large; a tenth of where the loss is lowest leaves room to both sides.
manualSeed(19);
const model = network();
const train = batches(flowers, flowers);
const { points, lowest, suggestion } = await findLearningRate({
  model,
  train,
  loss: crossEntropy,
  optimizer: (learningRate) => sgd(model.parameters(), { learningRate }),
  from: 1e-4,
  to: 100,
});
console.log(
  `the loss is lowest at a rate of ${lowest!.toPrecision(2)}; suggestion: ${suggestion!.toPrecision(2)}`,
);

// One split of 150 flowers may be lucky. Ten splits say how much depends on the split.
const { metrics } = await crossValidate(
  kFold(flowers, 10, { seed: 19 }),
  ({ train, validation }) => {
    const model = network();
    return {
      model,
      optimizer: sgd(model.parameters(), { learningRate: suggestion! }),
      average: ema(model.parameters(), { decay: 0.98 }),
      loss: crossEntropy,
      metrics: { accuracy },
      // Only what is learned from may decide how inputs are scaled.
      train: batches(train, train),
      validation: dataLoader(validation, { batchSize: 15, transform: transforms.standardize(train) }),
      validateEvery: 40,
      epochs: 40,
    };
  },
  { onFold: ({ fold, metrics }) => console.log(`fold ${fold}: ${(100 * metrics.accuracy).toFixed(0)} %`) },
);
const { mean, standardDeviation } = metrics.accuracy;
console.log(`accuracy ${(100 * mean).toFixed(1)} % ± ${(100 * standardDeviation).toFixed(1)} %`);

// A rate many times too large throws the units of the relu to where no example reaches them. That the loss grows is meant.
silenceWarnings('AG_DIVERGING');
const doomed = sequential(linear(4, 24), relu(), linear(24, 3));
const reckless = fit({
  model: doomed,
  optimizer: sgd(doomed.parameters(), { learningRate: 20 * suggestion! }),
  loss: crossEntropy,
  train,
  epochs: 8,
  gradientNorms: 1,
  callbacks: [gradientAlarms({ exploding: Number.POSITIVE_INFINITY, vanishing: 0 })],
});
for await (const event of reckless) if (event.type === 'anomaly') console.log(event.message);

// Where the time of a step goes.
const measured = fit({
  model,
  optimizer: sgd(model.parameters(), { learningRate: suggestion! }),
  loss: crossEntropy,
  train,
  epochs: 4,
  profile: true,
});
for await (const event of measured) {
  if (event.type !== 'profile') continue;
  const { data, host, kernels } = event.milliseconds;
  console.log(
    `a step: ${data.toFixed(2)} ms for the batch, ${host.toFixed(2)} ms to build it, ${kernels.toFixed(2)} ms in kernels`,
  );
  for (const { name, share } of event.modules)
    console.log(`${name.padEnd(20)} ${(100 * share).toFixed(1)} %`);
}

if (process.argv[2]) {
  const curve = points.filter(({ smoothed }) => smoothed < 3);
  const rates = curve.map(({ rate }) => rate);
  const options = {
    title: 'Loss by learning rate',
    xLabel: 'learning rate',
    xScale: 'log',
    points: false,
  } as const;
  writeFileSync(
    process.argv[2],
    lineChart([{ name: 'smoothed loss', x: rates, y: curve.map(({ smoothed }) => smoothed) }], options),
  );
}
