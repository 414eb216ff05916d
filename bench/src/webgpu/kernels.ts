/**
 * What a device does by itself: its peak and its bandwidth as small kernels reach them, products and convolutions by shapes and tiles,
 * what memory bounds, and what a dispatch costs. A line of JSON for each; `bench/webgpu.mjs` runs it.
 */
import { grad } from '@ag/graph';
import { conv2d, evaluate, key, normal, softmax, synchronize, type Tensor, use } from '@ag/tensor';
import { type WebGpuBackend, webgpu } from '@ag/webgpu';

const say = (record: object): void => void process.stdout.write(`${JSON.stringify(record)}\n`);

const { dawn } = await import(process.env.AG_DAWN!);
const found: { gpu?: GPU; driver?: string; version?: string; reason?: string } = await dawn();
if (!found.gpu) {
  say({ section: 'device', absent: found.reason });
  process.exit(0);
}
const gpu = found.gpu;
const backend = await webgpu({ gpu });
use(backend);
const { software } = backend.facts;
/** Milliseconds to measure for. */
const patience = software ? 50 : 200;

say({
  section: 'device',
  adapter: backend.adapter,
  facts: { ...backend.facts, maxBinding: backend.facts.maxBinding },
  dawn: found.version,
  driver: found.driver,
});

const peak = await measuredPeak();
const bandwidth = await measuredBandwidth();
say({ section: 'device', peakTflops: peak, bandwidthGBs: bandwidth });

/** Milliseconds of one call, many being given to the device at once. */
async function time(work: () => void): Promise<number> {
  work();
  await synchronize();
  let calls = 1;
  for (;;) {
    const start = performance.now();
    for (let i = 0; i < calls; i++) work();
    await synchronize();
    const elapsed = performance.now() - start;
    if (elapsed >= patience || calls >= 1024) return elapsed / calls;
    calls = Math.min(1024, Math.max(calls + 1, Math.ceil((calls * patience * 1.2) / Math.max(elapsed, 0.5))));
  }
}

const random = (shape: readonly number[], seed = 1): Tensor => normal([...shape], { key: key(seed) });

/** Computed, and forgotten at once. */
function compute(tensor: Tensor): void {
  evaluate([tensor], { keep: true });
  tensor.dispose();
}

/** On the device, and computed. */
async function held(...tensors: Tensor[]): Promise<Tensor[]> {
  evaluate(tensors, { keep: true });
  await synchronize();
  return tensors;
}

async function section(name: string, what: string, body: () => Promise<object>): Promise<void> {
  try {
    say({ section: name, name: what, ...(await body()) });
  } catch (error) {
    say({
      section: name,
      name: what,
      failed: String(error instanceof Error ? error.message : error).slice(0, 400),
    });
  }
}

await section('dispatch', 'a map of four numbers', async () => {
  const [x] = await held(random([4]));
  const ms = await time(() => compute(x.add(1)));
  return { microseconds: 1000 * ms };
});
await section('dispatch', 'with a readback', async () => {
  const [x] = await held(random([4]));
  const start = performance.now();
  for (let i = 0; i < 20; i++) await x.add(i).data();
  return { microseconds: (1000 * (performance.now() - start)) / 20 };
});

const sizes = software ? [64, 256, 512] : [256, 512, 1024, 2048, 4096];
const shapes: { name: string; m: number; k: number; n: number; batch?: number; turned?: 'a' | 'b' }[] = [
  ...sizes.map((n) => ({ name: `${n}³`, m: n, k: n, n })),
  { name: 'AᵀB 784×128×512', m: 784, k: 128, n: 512, turned: 'a' },
  { name: 'ABᵀ 128×512×784', m: 128, k: 512, n: 784, turned: 'b' },
  ...(software
    ? [{ name: '100×784×50', m: 100, k: 784, n: 50 }]
    : [
        { name: 'few rows 16×4096×4096', m: 16, k: 4096, n: 4096 },
        { name: 'a vector 1×4096×4096', m: 1, k: 4096, n: 4096 },
        { name: 'gradient of a weight 512×16384×512', m: 512, k: 16384, n: 512, turned: 'a' as const },
        { name: 'long 64×65536×64', m: 64, k: 65536, n: 64 },
        { name: '64 heads 512×64×512', m: 512, k: 64, n: 512, batch: 64 },
        { name: '100×784×50', m: 100, k: 784, n: 50 },
      ]),
];
const tiles = software ? ([undefined] as const) : ([undefined, 'small', 'medium', 'large'] as const);
for (const tile of tiles) {
  const own: WebGpuBackend = tile === undefined ? backend : await webgpu({ gpu, facts: { tile } });
  if (tile !== undefined) use(own);
  for (const { name, m, k, n, batch, turned } of shapes) {
    await section('products', name, async () => {
      const lead = batch === undefined ? [] : [batch];
      const [a, b] = await held(
        random([...lead, ...(turned === 'a' ? [k, m] : [m, k])]),
        random([...lead, ...(turned === 'b' ? [n, k] : [k, n])], 2),
      );
      const left = turned === 'a' ? a.transpose() : a;
      const right = turned === 'b' ? b.transpose() : b;
      const ms = await time(() => compute(left.matmul(right)));
      const tflops = ((batch ?? 1) * 2 * m * k * n) / ms / 1e9;
      return { tile: tile ?? 'chosen', ms, tflops, ofPeak: tflops / peak };
    });
  }
}
use(backend);

const layers = software
  ? [{ name: '8×8×14×14, 3×3', x: [8, 8, 14, 14], w: [8, 8, 3, 3], padding: 1, stride: 1, groups: 1 }]
  : [
      { name: '64×64×56×56, 3×3', x: [64, 64, 56, 56], w: [64, 64, 3, 3], padding: 1, stride: 1, groups: 1 },
      {
        name: '64×256×14×14, 3×3',
        x: [64, 256, 14, 14],
        w: [256, 256, 3, 3],
        padding: 1,
        stride: 1,
        groups: 1,
      },
      {
        name: '64×256×56×56, 1×1',
        x: [64, 256, 56, 56],
        w: [64, 256, 1, 1],
        padding: 0,
        stride: 1,
        groups: 1,
      },
      {
        name: '64×3×224×224, 7×7 by 2',
        x: [64, 3, 224, 224],
        w: [64, 3, 7, 7],
        padding: 3,
        stride: 2,
        groups: 1,
      },
      {
        name: '64×144×28×28, 3×3 each channel',
        x: [64, 144, 28, 28],
        w: [144, 1, 3, 3],
        padding: 1,
        stride: 1,
        groups: 144,
      },
    ];
for (const { name, x: xShape, w: wShape, padding, stride, groups } of layers) {
  const options = { padding, stride, groups };
  const setup = async () => {
    const [x, w] = await held(random(xShape), random(wShape, 2));
    const [y] = await held(conv2d(x, w, options));
    const flops = 2 * y.shape.reduce((a, b) => a * b, 1) * wShape.slice(1).reduce((a, b) => a * b, 1);
    return { x, w, g: y, flops };
  };
  const report = (ms: number, flops: number) => ({
    ms,
    tflops: flops / ms / 1e9,
    ofPeak: flops / ms / 1e9 / peak,
  });
  await section('convolutions', `${name}, forward`, async () => {
    const { x, w, flops } = await setup();
    return report(await time(() => compute(conv2d(x, w, options))), flops);
  });
  for (const wanted of ['input', 'weight'] as const)
    await section('convolutions', `${name}, gradient of the ${wanted}`, async () => {
      const { x, w, g, flops } = await setup();
      const gradient = grad((of: Tensor) =>
        (wanted === 'input' ? conv2d(of, w, options) : conv2d(x, of, options)).mul(g).sum(),
      );
      return report(await time(() => compute(gradient(wanted === 'input' ? x : w))), flops);
    });
}

const count = software ? 1_000_000 : 10_000_000;
const rows = software ? 256 : 4096;
const [a, b, c, wide] = await held(
  random([count]),
  random([count], 2),
  random([count], 3),
  random([rows, rows], 4),
);
const bounded = (name: string, bytes: number, work: () => void): Promise<void> =>
  section('memory', name, async () => {
    const ms = await time(work);
    const gbs = bytes / ms / 1e6;
    return { ms, gbs, ofBandwidth: gbs / bandwidth };
  });
const label = software ? '1M' : '10M';
await bounded(`add ${label}`, 12 * count, () => compute(a.add(b)));
await bounded(`sigmoid(a·b+c) ${label}`, 16 * count, () => compute(a.mul(b).add(c).sigmoid()));
await bounded(`greater (to bool) ${label}`, 9 * count, () => compute(a.greater(b)));
await bounded(`sum ${label}`, 4 * count, () => compute(a.sum()));
await bounded(`row sums ${rows}²`, 4 * rows * rows, () => compute(wide.sum(-1)));
await bounded(`column sums ${rows}²`, 4 * rows * rows, () => compute(wide.sum(0)));
await bounded(`turned ${rows}²`, 8 * rows * rows, () => compute(wide.transpose().add(1)));
await bounded(`softmax ${rows}²`, 8 * rows * rows, () => compute(softmax(wide, -1)));
await bounded(`running sums ${rows}²`, 8 * rows * rows, () => compute(wide.cumsum(-1)));
await section('memory', `sort of ${software ? 4096 : 1_000_000}`, async () => {
  const [x] = await held(random([software ? 4096 : 1_000_000], 5));
  return { ms: await time(() => compute(x.argsort())) };
});
process.exit(0);

/** TFLOP/s of float32 multiplications and additions that never leave the registers. */
async function measuredPeak(): Promise<number> {
  const groups = software ? 8 : 4096;
  const rounds = software ? 64 : 2048;
  const code = `@group(0) @binding(0) var<storage, read_write> out: array<vec4<f32>>;
@compute @workgroup_size(256) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let seed = f32(id.x & 7u) * 0.001;
${names(8, (v) => `  var ${v} = vec4<f32>(seed);`)}
  let m = vec4<f32>(0.999); let p = vec4<f32>(0.001 + seed);
  for (var i = 0; i < ${rounds}; i++) {
${names(8, (v) => `    ${v} = ${v} * m + p;`)}
  }
  out[id.x] = ${Array.from({ length: 8 }, (_, i) => `v${i}`).join(' + ')};
}`;
  const ms = await timeShader(code, groups, [groups * 256 * 16]);
  return (groups * 256 * rounds * 8 * 4 * 2) / ms / 1e9;
}

/** GB/s of a copy, read and written. */
async function measuredBandwidth(): Promise<number> {
  const bytes = software ? 16 * 2 ** 20 : 128 * 2 ** 20;
  const code = `@group(0) @binding(0) var<storage, read_write> to: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> source: array<vec4<f32>>;
@compute @workgroup_size(256) fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) many: vec3<u32>) {
  let at = id.y * many.x * 256u + id.x;
  to[at] = source[at];
}`;
  const ms = await timeShader(code, bytes / 16 / 256, [bytes, bytes]);
  return (2 * bytes) / ms / 1e6;
}

function names(many: number, line: (name: string) => string): string {
  return Array.from({ length: many }, (_, i) => line(`v${i}`)).join('\n');
}

/** Milliseconds of a dispatch, the best of five series. */
async function timeShader(code: string, groups: number, buffers: readonly number[]): Promise<number> {
  const adapter = await gpu.requestAdapter();
  const most = Math.max(...buffers);
  const device = await adapter!.requestDevice({
    requiredLimits: {
      maxStorageBufferBindingSize: Math.max(most, 2 ** 27),
      maxBufferSize: Math.max(most, 2 ** 28),
    },
  });
  const pipeline = await device.createComputePipelineAsync({
    layout: 'auto',
    compute: { module: device.createShaderModule({ code }), entryPoint: 'main' },
  });
  const bindings = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: buffers.map((size, binding) => ({
      binding,
      resource: { buffer: device.createBuffer({ size, usage: 0x80 }) },
    })),
  });
  const across = Math.min(groups, 32768);
  const run = async (many: number): Promise<number> => {
    const start = performance.now();
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, bindings);
    for (let i = 0; i < many; i++) pass.dispatchWorkgroups(across, Math.ceil(groups / across));
    pass.end();
    device.queue.submit([encoder.finish()]);
    await device.queue.onSubmittedWorkDone();
    return (performance.now() - start) / many;
  };
  const many = Math.max(1, Math.min(100, Math.ceil(patience / 4 / Math.max(0.01, await run(1)))));
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < (software ? 2 : 5); i++) best = Math.min(best, await run(many));
  device.destroy();
  return best;
}
