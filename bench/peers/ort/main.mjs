/** The participant with onnxruntime-web, which infers but does not train: W7 alone. */
import { checkProduct, operands, products } from '../../src/problems/kernels.ts';
import { serve } from '../../src/process/serve.ts';
import { load, task } from '../peer.mjs';
import { model } from './model.mjs';

const { env, InferenceSession, Tensor } = load('onnxruntime-web');
env.wasm.numThreads = task.threads;

async function multiply(product) {
  const { a, b } = operands(product);
  const { m, n, transposed } = product;
  const bytes = model({
    operator: transposed ? 'Gemm' : 'MatMul',
    inputs: { a: a.shape, b: b.shape },
    output: { name: 'c', shape: [m, n] },
    attributes: transposed ? { transA: Number(transposed === 'a'), transB: Number(transposed === 'b') } : {},
  });
  const session = await InferenceSession.create(bytes, { executionProviders: ['wasm'] });
  const tensor = ({ data, shape }) => new Tensor('float32', data, shape);
  const feeds = { a: tensor(a), b: tensor(b) };
  const { c } = await session.run(feeds);
  return { check: checkProduct(product, c.data), step: () => session.run(feeds) };
}

const cases = Object.entries(products).map(([name, product]) => [name, () => multiply(product)]);
await serve({
  cases: task.workload === 'W7' ? Object.fromEntries(cases) : {},
  engine: `onnxruntime-web ${env.versions.web}`,
});
