/** The scan and sort forms: results that depend on the order of the elements along the last axis. */
import { isFloat, type TypedArray } from '../dtype.ts';
import { dtypeError } from '../errors.ts';
import type { Launch, ScanKernel, SortKernel } from '../kernel/kernel.ts';
import type { CompiledKernel } from './form.ts';
import { JointWalk } from './walk.ts';

/** Running sums and products of float32 are carried in float64 and rounded where they are stored; integers wrap. */
export function compileScan(kernel: ScanKernel): CompiledKernel {
  const run = runFor(kernel);
  return (launch) => {
    const { lines, count, steps } = linesOf(launch);
    const [input, output] = launch.operands.map((operand) => operand.buffer) as [number, number];
    const [inputStep, outputStep] = kernel.reverse ? [-steps[0], -steps[1]] : steps;
    const first = kernel.reverse ? count - 1 : 0;
    return (arrays, scalars) => {
      if (count === 0) return;
      const from = arrays[input];
      const to = arrays[output];
      lines.start(scalars);
      for (let line = 0; line < lines.count; line++) {
        const [i, o] = lines.addresses as [number, number];
        run(from, i + first * steps[0], inputStep, to, o + first * steps[1], outputStep, count);
        lines.next();
      }
    };
  };
}

type Run = (
  x: TypedArray,
  i: number,
  iStep: number,
  y: TypedArray,
  o: number,
  oStep: number,
  count: number,
) => void;

function runFor({ combine, dtype }: ScanKernel): Run {
  if (dtype === 'bool' && combine === 'sum')
    throw dtypeError('running sums of bool are not defined; cast to int32 first');
  if (combine === 'sum') return isFloat(dtype) ? runningSum : runningIntegerSum;
  if (combine === 'prod') return isFloat(dtype) ? runningProduct : runningIntegerProduct;
  return combine === 'max' ? runningMax : runningMin;
}

const runningSum: Run = (x, i, iStep, y, o, oStep, count) => {
  let total = 0;
  for (let e = 0; e < count; e++) {
    total += x[i + e * iStep];
    y[o + e * oStep] = total;
  }
};

const runningIntegerSum: Run = (x, i, iStep, y, o, oStep, count) => {
  let total = 0;
  for (let e = 0; e < count; e++) {
    total = (total + x[i + e * iStep]) | 0;
    y[o + e * oStep] = total;
  }
};

const runningProduct: Run = (x, i, iStep, y, o, oStep, count) => {
  let total = 1;
  for (let e = 0; e < count; e++) {
    total *= x[i + e * iStep];
    y[o + e * oStep] = total;
  }
};

const runningIntegerProduct: Run = (x, i, iStep, y, o, oStep, count) => {
  let total = 1;
  for (let e = 0; e < count; e++) {
    total = Math.imul(total, x[i + e * iStep]);
    y[o + e * oStep] = total;
  }
};

const runningMax: Run = (x, i, iStep, y, o, oStep, count) => {
  let extreme = x[i];
  for (let e = 0; e < count; e++) {
    extreme = Math.max(extreme, x[i + e * iStep]);
    y[o + e * oStep] = extreme;
  }
};

const runningMin: Run = (x, i, iStep, y, o, oStep, count) => {
  let extreme = x[i];
  for (let e = 0; e < count; e++) {
    extreme = Math.min(extreme, x[i + e * iStep]);
    y[o + e * oStep] = extreme;
  }
};

/** Equal elements keep their order, −0 equals 0, and NaN comes last whether ascending or descending. */
export function compileSort(kernel: SortKernel): CompiledKernel {
  return (launch) => {
    const { lines, count, steps } = linesOf(launch);
    const [input, output] = launch.operands.map((operand) => operand.buffer) as [number, number];
    const [inputStep, outputStep] = steps;
    const values = new Float64Array(count);
    const positions = new Int32Array(count);
    const nans = new Int32Array(count);
    // Two equal infinities differ by NaN, which like 0 leaves the decision to the positions.
    const order = kernel.descending
      ? (a: number, b: number) => values[b] - values[a] || a - b
      : (a: number, b: number) => values[a] - values[b] || a - b;
    return (arrays, scalars) => {
      const from = arrays[input];
      const to = arrays[output];
      lines.start(scalars);
      for (let line = 0; line < lines.count; line++) {
        const [i, o] = lines.addresses as [number, number];
        let numbers = 0;
        let others = 0;
        for (let e = 0; e < count; e++) {
          const value = from[i + e * inputStep];
          values[e] = value;
          if (Number.isNaN(value)) nans[others++] = e;
          else positions[numbers++] = e;
        }
        positions.subarray(0, numbers).sort(order);
        for (let e = 0; e < numbers; e++) to[o + e * outputStep] = positions[e];
        for (let e = 0; e < others; e++) to[o + (numbers + e) * outputStep] = nans[e];
        lines.next();
      }
    };
  };
}

/** Input and output walked together over the outer axes; `count` elements lie along the last one. */
function linesOf(launch: Launch): { lines: JointWalk; count: number; steps: [number, number] } {
  const outer = launch.dims.slice(0, -1);
  const strides = launch.operands.map((operand) => operand.strides);
  return {
    lines: new JointWalk(launch.operands, outer, strides),
    count: launch.dims.at(-1)!,
    steps: strides.map((own) => own.at(-1)!) as [number, number],
  };
}
