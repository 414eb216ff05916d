import { describe, expect, it } from 'vitest';
import type { HostKernel, Launch, MapKernel, Program } from '../kernel/kernel.ts';
import { oneLaunch, runOnce } from '../testing/programs.ts';
import { reference } from './index.ts';

const increment: MapKernel = {
  form: 'map',
  rank: 1,
  inputs: ['float32'],
  outputs: [{ dtype: 'float32', accumulate: false }],
  expression: {
    instructions: [
      { op: 'load', operand: 0, dtype: 'float32' },
      { op: 'constant', value: 1, dtype: 'float32' },
      { op: 'add', a: 0, b: 1, dtype: 'float32' },
    ],
    results: [2],
  },
};

/** out = input + 1 + 1, through slot 0 of `bytes`. */
function twice(length: number, bytes: number): Program {
  const launch = (from: number, to: number): Launch => ({
    kernel: increment,
    dims: [length],
    operands: [from, to].map((buffer) => ({ buffer, offset: 0, dynamic: [], strides: [1] })),
    literals: [],
    label: 'add',
  });
  return {
    slots: [bytes],
    buffers: [
      { kind: 'bound', binding: 0, dtype: 'float32', length },
      { kind: 'bound', binding: 1, dtype: 'float32', length },
      { kind: 'slot', slot: 0, dtype: 'float32', length },
    ],
    bindingCount: 2,
    scalarCount: 0,
    launches: [launch(0, 2), launch(2, 1)],
  };
}

const operands = [
  { data: new Float32Array(3), strides: [1] },
  { data: new Float32Array(3), strides: [1] },
];
const none = new Float64Array(0);

describe('reference backend', () => {
  it('allocates zeros, writes, and reads copies', async () => {
    const backend = reference();
    const memory = backend.allocate(12);
    expect([...(await backend.read(memory, 'float32', 3))]).toEqual([0, 0, 0]);
    backend.write(memory, Float32Array.of(1, 2));
    const copy = backend.readSync!(memory, 'float32', 3)!;
    copy[0] = 99;
    expect([...(await backend.read(memory, 'float32', 3))]).toEqual([1, 2, 0]);
    expect([...(await backend.read(memory, 'uint8', 4))]).toEqual([0, 0, 128, 63]); // 1 as a little-endian float32
  });

  it('counts bytes held and their peak', () => {
    const backend = reference();
    const a = backend.allocate(100);
    const b = backend.allocate(50);
    backend.release(a);
    backend.release(a);
    expect(backend.stats()).toMatchObject({ bytes: 50, peakBytes: 150, interpreted: [] });
    backend.release(b);
    expect(backend.stats().bytes).toBe(0);
  });

  it('refuses memory that cannot be had, released memory and what does not fit', async () => {
    const backend = reference();
    const memory = backend.allocate(8);
    expect(() => backend.allocate(2 ** 53)).toThrow(
      /cannot allocate 9007199254740992 bytes of memory; 8 bytes are held/,
    );
    expect(() => backend.write(memory, new Float32Array(3))).toThrow(
      '12 bytes do not fit into memory of 8 bytes',
    );
    await expect(backend.read(memory, 'float32', 3)).rejects.toThrow(
      'cannot read 3 elements of float32 from 8 bytes',
    );
    backend.release(memory);
    await expect(backend.read(memory, 'float32', 1)).rejects.toThrow('was released');
    expect(() => backend.release({ bytes: 8 })).toThrow('belongs to another backend');
  });

  it('reads host arrays in place and leaves them as they are', async () => {
    const backend = reference();
    const executable = backend.prepare(oneLaunch(increment, [3], operands));
    const out = backend.allocate(12);
    const input = Float32Array.of(1, 2, 3);
    const { bytes } = backend.stats();
    backend.run(executable, [input, out], none);
    input[0] = 10;
    backend.run(executable, [input, out], none);
    expect([...(await backend.read(out, 'float32', 3))]).toEqual([11, 3, 4]);
    expect([...input]).toEqual([10, 2, 3]);
    expect(backend.stats().bytes).toBe(bytes);
  });

  it('refuses bindings that are missing, short or of another dtype', () => {
    const backend = reference();
    const executable = backend.prepare(oneLaunch(increment, [3], operands));
    const out = backend.allocate(12);
    expect(() => backend.run(executable, [new Float32Array(3)], none)).toThrow('binding 1 is missing');
    expect(() => backend.run(executable, [new Float32Array(2), out], none)).toThrow(
      'should hold 3 elements of float32, it holds 2',
    );
    expect(() => backend.run(executable, [new Int32Array(3), out], none)).toThrow(
      'should be float32, got Int32Array',
    );
  });

  it('compiles a kernel once for all sizes, and another for another structure', () => {
    const backend = reference();
    backend.prepare(oneLaunch(increment, [3], operands));
    backend.prepare(oneLaunch(increment, [1], operands));
    expect(backend.stats().kernels).toBe(1);
    const [load, , add] = increment.expression.instructions;
    const instructions = [load, { op: 'constant', value: 2, dtype: 'float32' } as const, add];
    backend.prepare(oneLaunch({ ...increment, expression: { instructions, results: [2] } }, [3], operands));
    expect(backend.stats().kernels).toBe(2);
  });

  it('shares slots between plans, grows them, and gives back what no plan needs', async () => {
    const backend = reference();
    const small = backend.prepare(twice(2, 8));
    expect(backend.stats().bytes).toBe(8);
    const large = backend.prepare(twice(100, 400));
    expect(backend.stats().bytes).toBe(400);
    const out = backend.allocate(400);
    backend.run(small, [Float32Array.of(1, 2), out], none);
    expect([...(await backend.read(out, 'float32', 2))]).toEqual([3, 4]);
    backend.run(large, [new Float32Array(100).fill(5), out], none);
    expect([...(await backend.read(out, 'float32', 100))]).toEqual(Array(100).fill(7));
    backend.dispose(large);
    expect(backend.stats().bytes).toBe(408);
    backend.run(small, [Float32Array.of(3, 4), out], none);
    expect([...(await backend.read(out, 'float32', 2))]).toEqual([5, 6]);
    backend.dispose(small);
    expect(backend.stats().bytes).toBe(400);
  });

  it('runs on after a run that failed', async () => {
    const backend = reference();
    const kernel: HostKernel = {
      form: 'host',
      name: 'half',
      inputs: ['float32'],
      outputs: ['float32'],
      run([x], [y]) {
        if (x[0] < 0) throw new RangeError('half: negative');
        for (let i = 0; i < x.length; i++) y[i] = x[i] / 2;
      },
    };
    const executable = backend.prepare(oneLaunch(kernel, [], operands, { shapes: [[3], [3]] }));
    const out = backend.allocate(12);
    expect(() => backend.run(executable, [Float32Array.of(-1, 0, 0), out], none)).toThrow('half: negative');
    backend.run(executable, [Float32Array.of(2, 4, 6), out], none);
    expect([...(await backend.read(out, 'float32', 3))]).toEqual([1, 2, 3]);
  });

  it('gives host routines exactly their operands, with shapes', async () => {
    const seen: unknown[] = [];
    const kernel: HostKernel = {
      form: 'host',
      name: 'reverse',
      inputs: ['int32'],
      outputs: ['int32'],
      run(inputs, outputs, shapes) {
        seen.push(
          inputs.map((x) => [...x]),
          outputs.map((y) => y.length),
          shapes,
        );
        outputs[0].set(inputs[0].slice().reverse());
      },
    };
    const [, out] = await runOnce(
      reference(),
      kernel,
      [],
      [
        { data: Int32Array.of(0, 1, 2, 3), offset: 1, strides: [1] },
        { data: new Int32Array(5), offset: 2, strides: [1] },
      ],
      { shapes: [[2], [2]] },
    );
    expect(seen).toEqual([[[1, 2]], [2], [[2], [2]]]);
    expect([...out]).toEqual([0, 0, 2, 1, 0]);
  });
});
