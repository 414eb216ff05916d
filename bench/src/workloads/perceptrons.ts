/**
 * W4 and W5: fully connected networks on MNIST. Batches are views of the data set in JavaScript's memory, copied to the
 * device at each step: as floats or, as the data sets of @ag/datasets hold them, as bytes that the device scales. The
 * variants with data on the device slice a tensor that was kept there.
 */
import { crossEntropy } from '@ag/nn';
import { evaluate, type Tensor, tensor } from '@ag/tensor';
import { type Digits, largePerceptron, type Perceptron, smallPerceptron } from '../problems/perceptrons.ts';
import { caseNames } from '../problems/problem.ts';
import { asBytes, onDevice, optimizerOf, train, trainingVariants, variables } from '../process/training.ts';
import type { Run, Workload } from '../process/workload.ts';

const pixels = 784;

export const w4 = (data: string): Workload => ({
  variants: [...trainingVariants, ...asBytes, ...onDevice],
  cases: { [caseNames.W4]: (variant) => perceptron(smallPerceptron(data), variant) },
});

export const w5 = (data: string): Workload => ({
  variants: [...trainingVariants, ...asBytes, ...onDevice],
  cases: { [caseNames.W5]: (variant) => perceptron(largePerceptron(data), variant) },
});

function perceptron(problem: Perceptron, variant: string): Promise<Run> {
  const parameters = variables(problem);
  const bytes = asBytes.includes(variant);
  const loss = (x: Tensor, y: Tensor): Tensor => {
    let h = bytes ? x.cast('float32').div(255) : x;
    for (let i = 0; i < parameters.length; i += 2) {
      if (i > 0) h = h[problem.activation]();
      h = h.matmul(parameters[i].value).add(parameters[i + 1].value);
    }
    return crossEntropy(h, y);
  };
  return train(
    {
      loss: (x, y) => loss(x, y),
      optimizer: optimizerOf(problem, parameters),
      batch: onDevice.includes(variant) ? slices(problem) : bytes ? byteCopies(problem) : copies(problem),
      lossAt: problem.lossAt,
    },
    variant,
  );
}

function copies({ batch, batchSize }: Digits): (step: number) => Tensor[] {
  return (step) => {
    const [x, labels] = batch(step);
    return [tensor(x, { shape: [batchSize, pixels], copy: false }), tensor(labels, { copy: false })];
  };
}

function byteCopies({ x, batch, start, batchSize }: Digits): (step: number) => Tensor[] {
  // Not by `from`, which makes a list of 47 million numbers first.
  const bytes = new Uint8Array(x.length);
  for (let i = 0; i < x.length; i++) bytes[i] = Math.round(255 * x[i]);
  return (step) => {
    const first = start(step) * pixels;
    const images = bytes.subarray(first, first + batchSize * pixels);
    return [
      tensor(images, { shape: [batchSize, pixels], copy: false }),
      tensor(batch(step)[1], { copy: false }),
    ];
  };
}

function slices({ x, labels, start, batchSize }: Digits): (step: number) => Tensor[] {
  const inputs = tensor(x, { shape: [labels.length, pixels], copy: false }).mul(1);
  const targets = tensor(labels).mul(1);
  evaluate([inputs, targets], { keep: true });
  return (step) => {
    const first = start(step);
    return [inputs.slice(first, first + batchSize), targets.slice(first, first + batchSize)];
  };
}
