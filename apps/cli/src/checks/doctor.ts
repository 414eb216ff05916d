/** `agrad doctor`: what this machine offers, a test of the backends, and how to get what is missing. */
import { availableParallelism, cpus, freemem, totalmem } from 'node:os';
import { getHeapStatistics } from 'node:v8';
import { mpiSupport } from '@ag/mpi';
import { wasm, wasmSupport } from '@ag/native-wasm';
import { type Backend, reference, synchronize, tensor, use } from '@ag/tensor';
import { eventVersion } from '@ag/train';
import { webgpuSupport } from '@ag/webgpu';
import { enableRelaxedSimd, hasRelaxedSimd, nameOf } from '../backend.ts';
import type { DoctorOptions } from '../commands/doctor.ts';
import { exitCodes } from '../failure.ts';
import { bytes } from '../numbers.ts';
import type { Terminal } from '../terminal.ts';
import { version } from '../version.ts';
import { findGpu, startWebGpu, webgpuAdvice } from '../webgpu.ts';

interface Finding {
  readonly name: string;
  readonly value: string;
  readonly ok: boolean;
  /** What to do. */
  readonly advice?: string;
}

/** Runs the command; answers 0, or 6 when a backend computes wrongly or not at all. */
export async function doctor(_: DoctorOptions, terminal: Terminal): Promise<number> {
  const byDefault = hasRelaxedSimd();
  enableRelaxedSimd();
  const support = wasmSupport();
  const cores = availableParallelism();
  const findings: Finding[] = [
    { name: 'agrad', value: version, ok: true },
    {
      name: 'Node',
      value: `${process.versions.node}, V8 ${process.versions.v8}, ${process.platform} ${process.arch}`,
      ok: true,
    },
    {
      name: 'processor',
      value: `${cpus()[0]?.model.trim() ?? 'unknown'}, ${cores} core${cores === 1 ? '' : 's'}`,
      ok: true,
    },
    {
      name: 'memory',
      value: `${bytes(totalmem())}, ${bytes(freemem())} free; JavaScript may use ${bytes(getHeapStatistics().heap_size_limit)}`,
      ok: true,
    },
    ...Object.entries(support).map(
      ([name, feature]): Finding => ({
        name: names[name] ?? name,
        value:
          feature.available && name === 'relaxedSimd' && !byDefault
            ? 'yes, switched on by agrad (this Node has it behind --experimental-wasm-relaxed-simd)'
            : feature.available
              ? 'yes'
              : 'no',
        ok: feature.available,
        ...(!feature.available && { advice: feature.reason }),
      }),
    ),
  ];
  const graphics = await graphicsFindings();
  findings.push(...graphics.findings);
  findings.push(await ranks());
  const tests = [
    await test('reference', async () => reference(), 96),
    await test('wasm', () => wasm({ threads: 1 }), 512),
    ...(cores > 1 ? [await test(`wasm, ${Math.min(8, cores)} threads`, () => wasm(), 512)] : []),
    ...(graphics.size > 0 ? [await test('webgpu', startWebGpu, graphics.size)] : []),
  ];
  const all = [...findings, ...tests];
  const width = Math.max(...all.map(({ name }) => name.length)) + 2;
  for (const { name, value, ok, advice } of all) {
    const mark = ok ? terminal.out.green('✓') : terminal.out.yellow('✗');
    terminal.print(`${mark} ${name.padEnd(width)}${value}`);
    if (advice) terminal.print(`  ${' '.repeat(width)}${advice}`);
  }
  const sound = tests.every(({ ok }) => ok);
  terminal.event({ v: eventVersion, type: 'result', command: 'doctor', findings: all, sound });
  return sound ? exitCodes.done : exitCodes.check;
}

/** What there is for training on several machines. */
async function ranks(): Promise<Finding> {
  const name = 'MPI (train --distributed)';
  const { library, version, family, launcher, reason } = await mpiSupport();
  if (library === null) return { name, value: 'no', ok: false, ...(reason && { advice: reason }) };
  const started = launcher ? `; rank ${launcher.rank} of ${launcher.size}, started by ${launcher.name}` : '';
  const how = family === 'standard ABI' ? ', by the standard ABI' : '';
  return { name, value: `${version}${how}, ${library}${started}`, ok: true };
}

const names: Readonly<Record<string, string>> = {
  simd: 'WebAssembly SIMD',
  relaxedSimd: 'relaxed SIMD (fused multiply-add)',
  wideVectors: '256-bit vectors (agrad uses them once tried)',
  sharedMemory: 'shared memory',
  threads: 'threads',
};

/** Two digits of what is small. */
const figures = (speed: number): string => (speed < 1 ? speed.toPrecision(2) : speed.toFixed(1));

/** What there is of WebGPU, and the side of a product that keeps it busy; 0 without an adapter. */
async function graphicsFindings(): Promise<{ readonly findings: readonly Finding[]; readonly size: number }> {
  const found = await findGpu();
  if (typeof found === 'string') {
    const none: Finding = { name: 'WebGPU', value: `no: ${found}`, ok: false, advice: webgpuAdvice };
    return { findings: [none], size: 0 };
  }
  const { adapter, info, facts, subgroups, shaderF16, timestamps, hardware } = await webgpuSupport({
    gpu: found.gpu,
  });
  if (!info || !facts) {
    const none: Finding = {
      name: 'WebGPU',
      value: `no adapter, by ${found.from}`,
      ok: false,
      advice: adapter.reason,
    };
    return { findings: [none], size: 0 };
  }
  const features = { subgroups, 'half precision': shaderF16, timestamps };
  const there = Object.entries(features).filter(([, { available }]) => available);
  const missing = Object.entries(features).filter(([, { available }]) => !available);
  return {
    findings: [
      {
        name: 'WebGPU',
        value: `${nameOf(info)}, by ${found.from}`,
        ok: hardware.available,
        ...(!hardware.available && { advice: hardware.reason }),
      },
      {
        name: 'WebGPU limits',
        value: `${facts.maxBuffers} buffers a kernel, ${bytes(facts.maxBinding)} each; ${facts.maxInvocations} invocations and ${bytes(facts.maxWorkgroupMemory)} a workgroup`,
        ok: true,
      },
      {
        name: 'WebGPU features',
        value: there.map(([name]) => name).join(', ') || 'none',
        ok: true,
        ...(missing.length > 0 && { advice: `not there: ${missing.map(([name]) => name).join(', ')}` }),
      },
    ],
    size: facts.software ? 256 : 2048,
  };
}

/** Computes a product and a sum of exponentials, compares them with plain loops, and measures a large product. */
async function test(name: string, make: () => Promise<Backend>, size: number): Promise<Finding> {
  const label = `backend ${name}`;
  let backend: (Backend & { close?: () => void }) | null = null;
  try {
    backend = await make();
    use(backend);
    const wrong = await worstError();
    if (!(wrong < 1e-5)) return { name: label, value: `wrong results, off by ${wrong}`, ok: false };
    return { name: label, value: `passes, ${figures(await speed(size))} GFLOP/s`, ok: true };
  } catch (error) {
    return { name: label, value: 'does not run', ok: false, advice: (error as Error).message.split('\n')[0] };
  } finally {
    use(reference());
    backend?.close?.();
  }
}

/** Largest relative error of tanh(A · B) and of its sum, against JavaScript's own arithmetic. */
async function worstError(): Promise<number> {
  const n = 37;
  const a = Float32Array.from({ length: n * n }, (_, i) => Math.sin(i));
  const b = Float32Array.from({ length: n * n }, (_, i) => Math.cos(1.7 * i));
  const product = tensor(a, { shape: [n, n] })
    .matmul(tensor(b, { shape: [n, n] }))
    .tanh();
  const found = await product.data();
  const total = await product.abs().sum().item();
  let worst = 0;
  let sum = 0;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      let dot = 0;
      for (let k = 0; k < n; k++) dot += a[i * n + k] * b[k * n + j];
      const expected = Math.tanh(dot);
      sum += Math.abs(expected);
      worst = Math.max(worst, Math.abs(found[i * n + j] - expected));
    }
  }
  return Math.max(worst, Math.abs(total - sum) / sum);
}

/** Multiplications and additions of square matrices in 10⁹ per second, over about a fifth of a second. */
async function speed(size: number): Promise<number> {
  const a = tensor(new Float32Array(size * size).fill(0.5), { shape: [size, size] });
  const once = async (): Promise<void> => {
    await a.matmul(a).keep();
    await synchronize();
  };
  for (let i = 0; i < 3; i++) await once();
  const began = performance.now();
  let runs = 0;
  while (performance.now() - began < 200) {
    await once();
    runs++;
  }
  return (runs * 2 * size ** 3) / (performance.now() - began) / 1e6;
}
