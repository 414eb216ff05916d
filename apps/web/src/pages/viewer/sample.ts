/** A network to look at before any file is dropped: a small reader of digits, written as an ONNX file. */
import { placeholder } from '@ag/graph';
import * as nn from '@ag/nn';
import { exportOnnx } from '@ag/onnx';
import { manualSeed } from '@ag/tensor';

export async function exampleFile(): Promise<Blob> {
  manualSeed(11);
  const block = (from: number, to: number) =>
    nn.sequential(nn.conv2d(from, to, 3, { padding: 1 }), nn.batchNorm2d(to), nn.relu(), nn.maxPool2d(2));
  const model = nn.sequential(
    block(1, 8),
    block(8, 16),
    nn.sequential(nn.flatten(), nn.linear(16 * 49, 32), nn.relu(), nn.linear(32, 10)),
  );
  const bytes = await exportOnnx(model, { inputs: { x: placeholder([null, 1, 28, 28]) } });
  return new Blob([bytes as Uint8Array<ArrayBuffer>]);
}
