/** A network to an ONNX file and back, as a page does it: what writes files is loaded when it is asked for. */
import { placeholder } from '@ag/graph';
import * as nn from '@ag/nn';
import { exportOnnx, inspectOnnx, loadOnnx } from '@ag/onnx';
import { manualSeed, normal } from '@ag/tensor';

/** What came of it. */
export interface OnnxOutcome {
  readonly operators: readonly string[];
  /** The largest difference of what the two networks give. */
  readonly difference: number;
}

export async function throughOnnx(): Promise<OnnxOutcome> {
  manualSeed(3);
  const model = nn.sequential(nn.conv2d(1, 2, 3), nn.relu(), nn.flatten(), nn.linear(72, 4));
  const x = await normal([2, 1, 8, 8]).keep();
  const file = await exportOnnx(model, { inputs: { x: placeholder([null, 1, 8, 8]) } });
  const [before, after] = [model.forward(x), loadOnnx(file).forward(x)[0]];
  return {
    operators: Object.keys(inspectOnnx(file).operators),
    difference: await before.sub(after).abs().max().item(),
  };
}
