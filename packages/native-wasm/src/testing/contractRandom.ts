/** Random contractions: kernels, sizes, and layouts in any order of axes. */
import type { ContractKernel, DType, Instruction } from '@ag/tensor';
import { Case, type Machine } from './contractCase.ts';
import type { Random } from './randomLayout.ts';

export function randomCase(machine: Machine, random: Random): Case {
  const dtype = random.pick<DType>([
    'float32',
    'float32',
    'float32',
    'float32',
    'float64',
    'int32',
    'uint32',
  ]);
  let budget = random.pick([300, 5000, 60_000, 200_000]);
  const group = (most: number, choices: readonly number[]) => {
    return Array.from({ length: random.below(most + 1) }, () => {
      let size = random.pick(choices);
      if (size > budget) size = 1 + random.below(2);
      budget /= Math.max(1, size);
      return size;
    });
  };
  const sizes = [1, 2, 3, 4, 5, 7, 8, 9, 10, 13, 16, 17, 28, 33, 50, 65, 100, 130, 257];
  const batch = group(2, [1, 2, 3, 0, 2, 4]);
  const ms = group(3, sizes);
  const ks = group(3, [...sizes, 0, 600]);
  const ns = group(3, sizes);
  const float = dtype.startsWith('float');
  const extras: DType[] = [];
  const layouts = [
    random.layout([...batch, ...ms, ...ks], false),
    random.layout([...batch, ...ks, ...ns], false),
  ];
  const instructions: Instruction[] = [{ op: 'accumulator', dtype }];
  const emit = (instruction: Instruction) => instructions.push(instruction) - 1;
  const load = (type: DType) => {
    extras.push(type);
    layouts.push(random.layout([...batch, ...ms, ...ns], false));
    return emit({ op: 'load', operand: 1 + extras.length, dtype: type });
  };
  let value = 0;
  if (random.chance(0.3)) value = emit({ op: 'add', a: value, b: load(dtype), dtype });
  if (random.chance(0.2)) {
    const zero = emit({ op: 'constant', value: 0, dtype });
    if (dtype !== 'uint32') value = emit({ op: 'max', a: value, b: zero, dtype });
  }
  if (random.chance(0.2)) {
    const mask = load('bool');
    value = emit({ op: 'where', a: mask, b: value, c: load(dtype), dtype });
  }
  if (float && random.chance(0.2)) {
    const factor = emit({ op: 'cast', a: load('uint8'), dtype });
    value = emit({
      op: 'mul',
      a: value,
      b: emit({ op: 'mul', a: factor, b: emit({ op: 'constant', value: 0.01, dtype }), dtype }),
      dtype,
    });
  }
  if (dtype === 'float32' && random.chance(0.2)) {
    value = emit({ op: 'mul', a: value, b: emit({ op: 'literal', literal: 0, dtype }), dtype });
  }
  if (dtype === 'float32' && random.chance(0.2)) {
    extras.push('int32');
    layouts.push({ ...random.layout([...batch, ...ms, ...ns], false), coordinate: true });
    const coordinate = emit({ op: 'coordinate', operand: 1 + extras.length, dtype: 'int32' });
    value = emit({ op: 'add', a: value, b: emit({ op: 'cast', a: coordinate, dtype }), dtype });
  }
  const results = [value];
  const outputs = [{ dtype, accumulate: random.chance(0.2) }];
  if (random.chance(0.2)) {
    // A second result that does not hang on rounding: extras only.
    const [x, y] = [load('int32'), load('int32')];
    results.push(emit({ op: 'less', a: x, b: y, dtype: 'bool' }));
    outputs.push({ dtype: 'bool', accumulate: false });
  }
  if (dtype === 'float32' && random.chance(0.1)) {
    results.push(emit({ op: 'cast', a: value, dtype: 'float64' }));
    outputs.push({ dtype: 'float64', accumulate: false });
  }
  for (const _ of outputs) layouts.push(random.layout([...batch, ...ms, ...ns], true));
  const kernel: ContractKernel = {
    form: 'contract',
    batchRank: batch.length,
    mRank: ms.length,
    nRank: ns.length,
    kRank: ks.length,
    dtype,
    extras,
    outputs,
    epilogue: { instructions, results },
  };
  const result = new Case(machine, kernel, [...batch, ...ms, ...ns, ...ks], layouts, random);
  // Stretches of zeros, as long as a tile or as many rows.
  if (random.chance(0.4)) {
    const length = random.pick([3, 8, 40, 300]);
    const share = random.next();
    const array = result.array(random.below(2));
    for (let start = 0; start < array.length; start += length)
      if (random.chance(share)) array.fill(0, start, start + length);
  }
  return result;
}
