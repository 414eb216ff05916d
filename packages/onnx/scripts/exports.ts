/**
 * Writes every layer's export, with an input, for `exports.py`, which runs them in onnxruntime.
 *
 *   npm run ts -- packages/onnx/scripts/exports.ts FOLDER
 *   pip install onnx==1.23.2 onnxruntime==1.32.0
 *   python packages/onnx/scripts/exports.py FOLDER packages/onnx/fixtures/onnxruntime.json
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { placeholder } from '@ag/graph';
import { exportOnnx } from '../src/index.ts';
import { layerExamples } from '../src/testing/layers.ts';

const folder = process.argv[2];
mkdirSync(folder, { recursive: true });
const cases = [];
for (const [i, { name, model, input, fixed }] of layerExamples().entries()) {
  const shape = input.shape.map((size, axis) => (axis === 0 && !fixed ? null : size));
  const x = placeholder(shape, { dtype: input.dtype });
  const files = [];
  for (const opset of [17, 18, 21]) {
    const file = `${i}.${opset}.onnx`;
    writeFileSync(join(folder, file), await exportOnnx(model, { inputs: { x }, opset }));
    files.push(file);
  }
  cases.push({ name, files, shape: input.shape, dtype: input.dtype, data: [...(await input.data())] });
}
writeFileSync(join(folder, 'cases.json'), JSON.stringify(cases));
