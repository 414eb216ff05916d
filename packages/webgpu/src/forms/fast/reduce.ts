/**
 * Reductions in parallel: rows by invocations side by side, columns by rows of invocations, long ones by several workgroups in two
 * dispatches. Products with a vector and those of few terms are such reductions, too.
 */
import type { Launch, ReduceKernel } from '@ag/tensor';
import { contractAsReduction, count } from '@ag/tensor/engine';
import { evaluate, storeResults } from '../../emit/evaluate.ts';
import { KernelWriter, spread } from '../../emit/kernelWriter.ts';
import type { Dispatch, Form, FormRequest } from '../form.ts';
import { mergedAxes, offsetsAt } from './axes.ts';
import { type Combiner, combinerFor, nowhere } from './combine.ts';
import { productOf } from './product.ts';
import { type ReduceParts, reduceBody } from './reduceCode.ts';
import { powerAbove, type ReduceShape, reduceShapeFor } from './reduceShape.ts';

export const fastReduce: Form = (request) => {
  const { launch } = request;
  const { kernel } = launch;
  if (kernel.form !== 'reduce') return null;
  const dispatches = reduceDispatches(request, launch, kernel);
  return { launches: 1, dispatches };
};

/** Of a product, rows or columns below which a tile would be mostly empty. */
const fewestLines = 4;
/** Terms below which a tile would be mostly empty. */
const fewestTerms = 4;

/** Products of a matrix and a vector, or of few terms. */
export const thinProduct: Form = (request) => {
  const product = productOf(request.launch);
  if (product === null) return null;
  const [m, n, k] = [count(product.m), count(product.n), count(product.k)];
  if (Math.min(m, n) > fewestLines && k > fewestTerms) return null;
  const { launch, kernel } = contractAsReduction(request.launch, product.kernel);
  const dispatches = reduceDispatches(request, { ...launch, kernel }, kernel);
  return { launches: 1, dispatches };
};

/** The dispatches of a reduction: one, or two where workgroups share results. */
function reduceDispatches(
  request: FormRequest,
  launch: Launch,
  kernel: ReduceKernel,
  shape = shapeOf(request, launch, kernel),
): Dispatch[] {
  const own: FormRequest = { ...request, launch };
  if (resultsOf(own, kernel) === 0) return [];
  if (shape.parts === 1) return [wholeDispatch(own, kernel, shape)];
  return partDispatches(own, kernel, shape);
}

/** Whether terms lie nearer to one another than results, in what is most of the reading. */
export function shapeOf(
  { facts }: FormRequest,
  { dims, operands }: Launch,
  kernel: ReduceKernel,
): ReduceShape {
  const { outerRank } = kernel;
  const outer = dims.slice(0, outerRank);
  const reduced = dims.slice(outerRank);
  let most = -1;
  let termsFirst = true;
  kernel.inputs.forEach((_, i) => {
    const { buffer, strides } = operands[i];
    if (buffer < 0) return;
    const size = count(dims.filter((_size, axis) => strides[axis] !== 0));
    if (size <= most) return;
    most = size;
    const nearest = (from: number, to: number): number =>
      Math.min(
        ...strides
          .slice(from, to)
          .map((stride, i) => (dims[from + i] === 1 || stride === 0 ? Infinity : Math.abs(stride))),
      );
    termsFirst = nearest(outerRank, dims.length) <= nearest(0, outerRank);
  });
  return reduceShapeFor(facts, count(outer), count(reduced), termsFirst);
}

/** What the prologue gives, by names `result` and `term`. */
function readingParts(
  w: KernelWriter,
  { launch }: FormRequest,
  kernel: ReduceKernel,
  combiner: Combiner,
): Pick<ReduceParts, 'begin' | 'term' | 'results' | 'terms' | 'chained' | 'merging'> {
  const { outerRank } = kernel;
  const outer = launch.dims.slice(0, outerRank);
  const reduced = launch.dims.slice(outerRank);
  const inputs = launch.operands.slice(0, kernel.inputs.length);
  const atResult = offsetsAt(
    w,
    'o',
    'result',
    mergedAxes(
      outer,
      inputs.map(({ strides }) => strides.slice(0, outerRank)),
    ),
  );
  const atTerm = offsetsAt(
    w,
    'r',
    'term',
    mergedAxes(
      reduced,
      inputs.map(({ strides }) => strides.slice(outerRank)),
    ),
  );
  const address = (i: number) => `(at${i} + ${atTerm.offsets[i]})`;
  const { lines, results } = evaluate(w, kernel.prologue, address, 'p');
  return {
    results: w.argument(count(outer)),
    terms: w.argument(count(reduced)),
    begin: [
      ...atResult.lines,
      ...inputs.map((_, i) => `let at${i} = ${w.offset(i)} + ${atResult.offsets[i]};`),
    ],
    term: { lines: [...atTerm.lines, ...lines], value: results[0], position: 'i32(term)' },
    merging: false,
    chained: combiner.type === 'f32' && (kernel.combine === 'sum' || kernel.combine === 'prod'),
  };
}

/** The epilogue for `place`, of `total`. */
function endOf(w: KernelWriter, { launch }: FormRequest, kernel: ReduceKernel, combiner: Combiner): string[] {
  const { outerRank } = kernel;
  const first = kernel.inputs.length;
  const others = launch.operands.slice(first);
  const at = offsetsAt(
    w,
    'e',
    'place',
    mergedAxes(
      launch.dims.slice(0, outerRank),
      others.map(({ strides }) => strides),
    ),
  );
  const address = (i: number) => `(${w.offset(i)} + ${at.offsets[i - first]})`;
  const { lines, results } = evaluate(w, kernel.epilogue, address, 'q', combiner.finds ? 'found' : 'total');
  const firstOutput = first + kernel.extras.length;
  return [
    // Over no elements the first position stands for all.
    ...(combiner.finds ? [`let found = select(totalAt, 0, totalAt == ${nowhere});`] : []),
    ...at.lines,
    ...lines,
    ...storeResults(w, results, kernel.outputs, firstOutput, address),
  ];
}

function wholeDispatch(request: FormRequest, kernel: ReduceKernel, shape: ReduceShape): Dispatch {
  const w = writerFor(request, kernel, 'outputs');
  const combiner = combinerFor(w, kernel.combine, kernel.dtype);
  const parts: ReduceParts = {
    combiner,
    ...readingParts(w, request, kernel, combiner),
    end: endOf(w, request, kernel, combiner),
  };
  return finish(w, reduceBody(w, shape, parts), shape, resultsOf(request, kernel));
}

/** Each workgroup's part of the terms into scratch memory, then these. */
function partDispatches(request: FormRequest, kernel: ReduceKernel, shape: ReduceShape): Dispatch[] {
  const results = resultsOf(request, kernel);
  const bytes = results * shape.parts * 4;
  const first = writerFor(request, kernel, 'none');
  const combiner = combinerFor(first, kernel.combine, kernel.dtype);
  const { finds } = combiner;
  // Memory of a kernel has no bool.
  const type = combiner.type === 'bool' ? 'u32' : combiner.type;
  const partials = first.scratch(0, bytes, type, true);
  const positions = finds ? first.scratch(1, bytes, 'i32', true) : '';
  const count = first.argument(shape.parts);
  const made = reduceBody(first, shape, {
    combiner,
    ...readingParts(first, request, kernel, combiner),
    end: [
      `let saved = place * u32(${count}) + part;`,
      `${partials}[saved] = ${type}(total);`,
      ...(finds ? [`${positions}[saved] = totalAt;`] : []),
    ],
  });
  const second = writerFor(request, kernel, 'outputs');
  const again = combinerFor(second, kernel.combine, kernel.dtype);
  const values = second.scratch(0, bytes, type, false);
  const places = finds ? second.scratch(1, bytes, 'i32', false) : '';
  const sharing = Math.min(32, powerAbove(shape.parts));
  const merging: ReduceShape = {
    results: 64 / sharing,
    sharing,
    termsFirst: true,
    parts: 1,
    partTerms: shape.parts,
  };
  const total = reduceBody(second, merging, {
    combiner: again,
    results: second.argument(results),
    terms: second.argument(shape.parts),
    begin: [],
    term: {
      lines: [`let saved = result * u32(${second.argument(shape.parts)}) + term;`],
      value: combiner.type === 'bool' ? `(${values}[saved] != 0u)` : `${values}[saved]`,
      position: finds ? `${places}[saved]` : '0',
    },
    end: endOf(second, request, kernel, again),
    chained: false,
    merging: true,
  });
  return [finish(first, made, shape, results), finish(second, total, merging, results)];
}

function writerFor(request: FormRequest, kernel: ReduceKernel, written: 'outputs' | 'none'): KernelWriter {
  const first = kernel.inputs.length + kernel.extras.length;
  return new KernelWriter(request, written === 'none' ? [] : kernel.outputs.map((_, i) => first + i));
}

function resultsOf({ launch }: FormRequest, { outerRank }: ReduceKernel): number {
  return count(launch.dims.slice(0, outerRank));
}

function finish(w: KernelWriter, body: string[], shape: ReduceShape, results: number): Dispatch {
  const groups = Math.ceil(results / shape.results) * shape.parts;
  return w.finish(body, {
    workgroupSize: [shape.results * shape.sharing, 1, 1],
    workgroups: spread(groups, 1, w.request.facts.maxWorkgroups),
  });
}
