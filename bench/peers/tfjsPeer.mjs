/**
 * W4 and W5 with TensorFlow.js on its WebAssembly backend, the documented way: `optimizer.minimize` inside `tf.tidy`.
 * Used where `@tensorflow/tfjs` and `@tensorflow/tfjs-backend-wasm` are installed in the folder given to
 * `--peers`; no package of this project depends on them. Answers the lines of protocol.ts.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';

const task = JSON.parse(process.argv[2]);
const require = createRequire(join(process.env.PEERS_DIR, 'package.json'));
// Warnings on the output would be taken for answers.
for (const method of ['log', 'warn', 'info']) console[method] = () => {};
const tf = require('@tensorflow/tfjs');
const wasm = require('@tensorflow/tfjs-backend-wasm');
wasm.setWasmPaths(`${dirname(require.resolve('@tensorflow/tfjs-backend-wasm/package.json'))}/dist/`);
await tf.setBackend('wasm');

/** As in numbers.ts. */
function randomAt(seed, position) {
  let t = (seed + Math.imul(position + 1, 0x6d2b79f5)) | 0;
  t = Math.imul(t ^ (t >>> 15), t | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}

const random = (seed, count, scale) =>
  Float32Array.from({ length: count }, (_, i) => (2 * randomAt(seed, i) - 1) * scale);

function perceptron({ sizes, batchSize, activation, seed, optimizer, lossAt }) {
  const bytes = readFileSync(join(task.data, 'mnist-images.u8'));
  const x = new Float32Array(bytes.length);
  for (let i = 0; i < x.length; i++) x[i] = bytes[i] / 255;
  const labels = readFileSync(join(task.data, 'mnist-labels.u8'));
  const hot = new Float32Array(labels.length * 10);
  labels.forEach((label, i) => {
    hot[10 * i + label] = 1;
  });
  const layers = sizes.slice(1).map((outputs, i) => ({
    weight: tf.variable(
      tf.tensor(random(seed + i, sizes[i] * outputs, sizes[i] ** -0.5), [sizes[i], outputs]),
    ),
    bias: tf.variable(tf.zeros([outputs])),
  }));
  const loss = (input, target) => {
    let h = input;
    layers.forEach(({ weight, bias }, i) => {
      h = tf.add(tf.matMul(h, weight), bias);
      if (i < layers.length - 1) h = tf[activation](h);
    });
    return tf.neg(tf.mean(tf.sum(tf.mul(target, tf.logSoftmax(h)), -1)));
  };
  const count = Math.floor(60_000 / batchSize);
  const step = (i, wanted) =>
    tf.tidy(() => {
      const from = (i % count) * batchSize;
      const to = from + batchSize;
      const input = tf.tensor(x.subarray(from * 784, to * 784), [batchSize, 784]);
      const target = tf.tensor(hot.subarray(from * 10, to * 10), [batchSize, 10]);
      const l = optimizer.minimize(() => loss(input, target), wanted);
      return wanted ? l.dataSync()[0] : 0;
    });
  const check = {};
  let i = 0;
  for (const last = Math.max(...lossAt); i <= last; i++) {
    const l = step(i, lossAt.includes(i));
    if (lossAt.includes(i)) check[`loss ${i}`] = l;
  }
  return { check, step: () => step(i++, false) };
}

const cases = {
  W4: {
    '784-50-100-10': () =>
      perceptron({
        sizes: [784, 50, 100, 10],
        batchSize: 100,
        activation: 'sigmoid',
        seed: 41,
        optimizer: tf.train.sgd(0.1),
        lossAt: [0, 10, 100, 300],
      }),
  },
  W5: {
    '784-512-256-10': () =>
      perceptron({
        sizes: [784, 512, 256, 10],
        batchSize: 128,
        activation: 'relu',
        seed: 51,
        optimizer: tf.train.adam(1e-3, 0.9, 0.999, 1e-8),
        lossAt: [0, 10, 30],
      }),
  },
};

const own = cases[task.workload] ?? {};
const say = (answer) => process.stdout.write(`${JSON.stringify(answer)}\n`);
say({ cases: Object.keys(own), engine: `TensorFlow.js ${tf.version.tfjs}, wasm` });
let run = null;
for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  if ('open' in request) {
    run = own[request.open]();
    say({ check: run.check });
  } else {
    const used = process.cpuUsage();
    const start = performance.now();
    let steps = 0;
    while (performance.now() - start < request.chunk) {
      run.step();
      steps++;
    }
    const ms = (performance.now() - start) / steps;
    const { user, system } = process.cpuUsage(used);
    say({ ms, cpu: (user + system) / 1000 / steps, steps });
  }
}
process.exit(0);
