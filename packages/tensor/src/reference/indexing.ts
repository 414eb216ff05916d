/** The gather and scatter forms: elements whose position along one axis is read from an index operand. */
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
  const adds = kernel.combine === 'add';
  return (launch) => {
    const still = launch.dims.filter((_, axis) => launch.operands[2].strides[axis] === 0);
    const widens = adds && kernel.dtype === 'float32' && sizeOf(still) > longestChain;
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
          if (adds) to[o + at * stride] += from[u];
          else to[o + at * stride] = from[u];
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
