/**
 * Runs real models and compares with what onnxruntime gave: see realModels.py.
 */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { type DType, tensor } from '@ag/tensor';
import { loadOnnx } from '../src/index.ts';

interface Elements {
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly data: readonly number[];
}

interface Case {
  readonly file: string;
  readonly inputs: { readonly [name: string]: Elements };
  readonly outputs: readonly Elements[];
}

const cases: readonly Case[] = JSON.parse(readFileSync(process.argv[2], 'utf8'));
for (const { file, inputs, outputs } of cases) {
  const model = loadOnnx(new Uint8Array(readFileSync(file)));
  const fed = model.inputs.map(({ name }) => {
    const { data, shape, dtype } = inputs[name];
    return tensor([...data], { shape, dtype });
  });
  let most = 0;
  let largest = 0;
  model.forward(...fed).forEach((y, i) => {
    if (y.shape.join() !== outputs[i].shape.join())
      throw new Error(`${file}: [${y.shape}], not [${outputs[i].shape}]`);
    const own = y.dataSync();
    outputs[i].data.forEach((value, j) => {
      most = Math.max(most, Math.abs(own[j] - value));
      largest = Math.max(largest, Math.abs(value));
    });
  });
  console.log(
    `${basename(file)}: ${most.toExponential(1)} from onnxruntime, largest ${largest.toExponential(1)}`,
  );
  if (most > 1e-5) process.exitCode = 1;
}
