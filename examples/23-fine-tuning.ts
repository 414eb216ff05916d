/**
 * A network that somebody else trained, as an ONNX file, learns something new from eighty examples: its last layer is replaced,
 * and its weights are changed by matrices of low rank (LoRA). Then it is an ONNX file again.
 *
 * What somebody else would have done comes first: a small network that tells digits from 0 to 5 apart. `agrad train finetune --set
 * model.file=FILE` does the same with a file of yours.
 *
 *     npm run ts -- examples/23-fine-tuning.ts
 */
import { digits, type MemoryDataset, subset } from '@ag/datasets';
import { backward, placeholder } from '@ag/graph';
import { wasm } from '@ag/native-wasm';
import * as nn from '@ag/nn';
import { exportOnnx, inspectOnnx, loadOnnx, type OnnxModel } from '@ag/onnx';
import { adam } from '@ag/optim';
import { manualSeed, type Tensor, use } from '@ag/tensor';
import { predict } from '@ag/train';

use(await wasm());
manualSeed(23);

/** Images of some kinds of digits, with labels from 0. */
function kinds(from: number, to: number, count: number, split: 'train' | 'test') {
  const data: MemoryDataset = digits({ split, count, size: 16 });
  const labels = data.columns.y.data;
  const rows = Array.from(labels, (_, i) => i).filter((i) => labels[i] >= from && labels[i] < to);
  const part = subset(data, rows);
  const { x, y } = part.batch(rows.map((_, i) => i));
  return { x, y: y.sub(from), count: rows.length };
}

async function train(model: nn.Module<[Tensor], Tensor>, x: Tensor, y: Tensor, steps: number, rate: number) {
  const optimizer = adam(model.parameters(), { learningRate: rate });
  for (let step = 0; step < steps; step++) {
    backward(nn.crossEntropy(model.forward(x), y));
    optimizer.step();
  }
}

const accuracy = async (model: nn.Module<[Tensor], Tensor>, { x, y }: { x: Tensor; y: Tensor }) =>
  nn.accuracy(await predict(model, x), y).item();

/** What somebody else did. */
async function elsewhere(): Promise<Uint8Array> {
  const { x, y } = kinds(0, 6, 1000, 'train');
  const model = nn.sequential(
    nn.conv2d(1, 8, 3),
    nn.relu(),
    nn.maxPool2d(2),
    nn.conv2d(8, 16, 3),
    nn.relu(),
    nn.flatten(),
    nn.linear(400, 32),
    nn.relu(),
    nn.linear(32, 6),
  );
  await train(model, x, y, 60, 5e-3);
  return exportOnnx(model, { inputs: { image: placeholder([null, 1, 16, 16]) } });
}

const file = await elsewhere();

// The value that goes into the last layer: up to there the network stays.
const { nodes, tensors, parameters } = inspectOnnx(file);
const weights = new Set(tensors.map(({ name }) => name));
for (const { operator, inputs, outputs } of nodes)
  if (operator === 'Transpose' && weights.has(inputs[0])) weights.add(outputs[0]);
const last = nodes.findLast(
  ({ operator, inputs }) => /MatMul|Gemm/.test(operator) && inputs.some((one) => weights.has(one)),
)!;
const features = last.inputs.find((name) => !weights.has(name))!;
console.log(
  `the file: ${file.length} bytes, ${parameters} numbers, last layer ${last.operator} of '${features}'`,
);

class Tuned extends nn.Module {
  backbone: OnnxModel = loadOnnx(file, { outputs: [features] });
  head = nn.linear(32, 4);

  forward(x: Tensor): Tensor {
    return this.head.forward(this.backbone.forward(x)[0]);
  }
}

// Digits from 6 to 9, twenty of each.
const [few, test] = [kinds(6, 10, 200, 'train'), kinds(6, 10, 1000, 'test')];
const model = new Tuned();
const tuned = nn.lora(model, { rank: 4, targets: ['backbone'], modulesToSave: ['head'], seed: 1 });
const count = (list: readonly { readonly size: number }[]) => list.reduce((sum, { size }) => sum + size, 0);
console.log(
  `${few.count} examples; ${count(tuned.parameters())} of ${count(model.parameters())} numbers train`,
);
console.log(`before: ${(100 * (await accuracy(tuned, test))).toFixed(1)} %`);
await train(tuned, few.x, few.y, 60, 1e-2);
console.log(`after:  ${(100 * (await accuracy(tuned, test))).toFixed(1)} %`);

// The adapter alone is small; peft reads it.
const adapter = await tuned.save();
console.log(`the adapter: ${adapter['adapter_model.safetensors'].length} bytes`);

// The change becomes a part of the weights, and the network a file again.
const apart = await (await predict(tuned, test.x)).data();
const whole = tuned.merge().unload();
const again = await exportOnnx(whole, { inputs: { image: placeholder([null, 1, 16, 16]) } });
const read = await loadOnnx(again).forward(test.x)[0].data();
const difference = Math.max(...Array.from(read, (value, i) => Math.abs(value - apart[i])));
console.log(`again a file: ${again.length} bytes, which differs by at most ${difference.toExponential(0)}`);
