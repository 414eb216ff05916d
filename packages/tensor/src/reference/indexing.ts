/** The gather and scatter forms: elements whose position along one axis is read from an index operand. */
import { type DType, isFloat } from '../dtype.ts';
import { type GatherKernel, indexError, type Launch, type ScatterKernel } from '../kernel/kernel.ts';
import { contiguousStrides, sizeOf } from '../shape.ts';
import type { CompiledKernel } from './form.ts';
import { JointWalk, mergeAxes } from './walk.ts';

export function compileGather(_kernel: GatherKernel): CompiledKernel {
  return (launch) => {
    const { rows, count, steps } = rowsOf(launch);
    const [sourceStep, indexStep, outputStep] = steps;
    const [source, index, output] = launch.operands.map((operand) => operand.buffer) as [
      number,
      number,
      number,
    ];
    const { size, stride } = launch.axis!;
    return (arrays, scalars) => {
      const from = arrays[source];
      const indices = arrays[index];
      const to = arrays[output];
      rows.start(scalars);
      for (let row = 0; row < rows.count; row++) {
        let [s, i, o] = rows.addresses as [number, number, number];
        for (let e = 0; e < count; e++) {
          const given = indices[i];
          const at = given < 0 ? given + size : given;
          if (at < 0 || at >= size) throw outOfRange(launch, given, row * count + e);
          to[o] = from[s + at * stride];
          s += sourceStep;
          i += indexStep;
          o += outputStep;
        }
        rows.next();
      }
    };
  };
}

/** Most updates of one element that are added up in float32 as they come. */
const longestChain = 64;

/** Where more may meet in a float32 element, updates are added up in float64 and rounded once. */
export function compileScatter(kernel: ScatterKernel): CompiledKernel {
  const { combine, dtype } = kernel;
  const adds = combine === 'add';
  const met = combine === 'add' || combine === 'set' ? null : meetings[combine];
  return (launch) => {
    const still = launch.dims.filter((_, axis) => launch.operands[2].strides[axis] === 0);
    const widens = adds && dtype === 'float32' && sizeOf(still) > longestChain;
    const { rows, count, steps } = rowsOf(launch);
    const [updateStep, indexStep, outputStep] = steps;
    const [updates, index, output] = launch.operands.map((operand) => operand.buffer) as [
      number,
      number,
      number,
    ];
    const { size, stride } = launch.axis!;
    return (arrays, scalars) => {
      const from = arrays[updates];
      const indices = arrays[index];
      const to = widens ? Float64Array.from(arrays[output]) : arrays[output];
      rows.start(scalars);
      for (let row = 0; row < rows.count; row++) {
        let [u, i, o] = rows.addresses as [number, number, number];
        for (let e = 0; e < count; e++) {
          const given = indices[i];
          const at = given < 0 ? given + size : given;
          if (at < 0 || at >= size) throw outOfRange(launch, given, row * count + e);
          const place = o + at * stride;
          if (adds) to[place] += from[u];
          else to[place] = met === null ? from[u] : met(to[place], from[u], dtype);
          u += updateStep;
          i += indexStep;
          o += outputStep;
        }
        rows.next();
      }
      if (widens) arrays[output].set(to as Float64Array);
    };
  };
}

/** What is left of an element and an update that meet. */
const meetings = {
  mul: (a: number, b: number, dtype: DType): number => (isFloat(dtype) ? a * b : Math.imul(a, b)),
  max: (a: number, b: number): number => Math.max(a, b),
  min: (a: number, b: number): number => Math.min(a, b),
};

/** The three operands walked together: `rows` visits where the innermost merged axis begins, `count` elements each. */
function rowsOf(launch: Launch): { rows: JointWalk; count: number; steps: [number, number, number] } {
  const { sizes, strides } = mergeAxes(
    launch.dims,
    launch.operands.map((operand) => operand.strides),
  );
  const count = sizes.pop() ?? 1;
  const steps = strides.map((own) => own.pop() ?? 0) as [number, number, number];
  return { rows: new JointWalk(launch.operands, sizes, strides), count, steps };
}

function outOfRange(launch: Launch, index: number, position: number): RangeError {
  const { size } = launch.axis!;
  const coordinates = contiguousStrides(launch.dims).map(
    (step, axis) => Math.floor(position / step) % launch.dims[axis],
  );
  return indexError(launch.label, index, size, coordinates);
}
