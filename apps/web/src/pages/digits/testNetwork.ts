/** Tests a network on images it has not learned from: the confusion matrix, and the worst mistakes. */
import type { Batch, Column } from '@ag/datasets';
import { crossEntropy } from '@ag/nn';
import { evaluate, type Tensor } from '@ag/tensor';
import type { Snapshot } from './snapshot.ts';

export type TestResults = Pick<Snapshot, 'confusion' | 'mistakes'>;

const shownMistakes = 18;
const pixels = 28 * 28;

/**
 * @param forward the network's last layer for a batch of images
 * @param batches all test images, in their order
 * @param images the bytes of the test images
 */
export async function testNetwork(
  forward: (x: Tensor) => Tensor,
  batches: AsyncIterable<Batch>,
  images: Column['data'],
): Promise<TestResults> {
  const confusion = Array.from({ length: 10 }, () => new Array<number>(10).fill(0));
  const wrong: { index: number; loss: number; label: number; answer: number; probability: number }[] = [];
  let index = 0;
  for await (const { x, y } of batches) {
    const output = forward(x);
    const losses = crossEntropy(output, y, { reduction: 'none' });
    const answers = output.argmax(-1);
    const best = output.softmax(-1).max(-1);
    evaluate([losses, answers, best]);
    const [l, a, p, labels] = await Promise.all([losses, answers, best, y].map((each) => each.data()));
    for (let i = 0; i < labels.length; i++, index++) {
      confusion[labels[i]][a[i]]++;
      if (labels[i] !== a[i]) {
        wrong.push({ index, loss: l[i], label: labels[i], answer: a[i], probability: p[i] });
      }
    }
  }
  const mistakes = wrong
    .sort((a, b) => b.loss - a.loss)
    .slice(0, shownMistakes)
    .map(({ index: i, label, answer, probability }) => ({
      pixels: Uint8Array.from(images.subarray(pixels * i, pixels * (i + 1))),
      label,
      answer,
      probability,
    }));
  return { confusion, mistakes };
}
