/**
 * Products in tiles: matrices, batches of them, convolutions and their gradients.
 *
 * All arrive as sums over k of A[m, k]·B[k, n], whose groups of axes may be the windows of a convolution: nothing is unrolled in memory. Where
 * results are few and sums long, as in the gradient of a weight, workgroups share the sums and a second dispatch adds up their
 * parts, always in the same order.
 */
import { bytesPerElement, type DType } from '@ag/tensor';
import { count } from '@ag/tensor/engine';
import type { Facts } from '../../device/facts.ts';
import { valueType } from '../../emit/dtypes.ts';
import { KernelWriter, spread } from '../../emit/kernelWriter.ts';
import type { Dispatch, Form, FormRequest } from '../form.ts';
import { mergedAxes } from './axes.ts';
import { directDispatch } from './direct.ts';
import { type Product, productOf } from './product.ts';
import { layoutOf } from './tileFactor.ts';
import { busyWorkgroups, invocationsOf, type TileName, tileFor, tileShapes } from './tileShapes.ts';
import { epilogueFinish, type Finish, groupsOf, type Tiling, tileBody } from './tiles.ts';

/** Terms of a sum in one chain: with more, an error would grow with their number. */
const longestChain = 2048;
/** Terms of a part, at least, where workgroups share sums only to have enough to do. */
const shortestPart = 128;
/** Parts of sums take no more memory than this. */
const maxPartBytes = 64 * 1024 * 1024;

/** Others are products that wrap, or bits: reductions. */
const tiledTypes: ReadonlySet<DType> = new Set(['float32', 'int32', 'uint32']);

export const tiledProduct: Form = (request) => {
  const product = productOf(request.launch);
  if (product === null) return null;
  if (!tiledTypes.has(product.kernel.dtype)) return null;
  if ([product.batch, product.m, product.n].some((sizes) => count(sizes) === 0))
    return { launches: 1, dispatches: [] };
  if (request.facts.software)
    return {
      launches: 1,
      dispatches: [directDispatch(request, product, valueType(product.kernel.dtype))],
    };
  const sizes = [product.batch, product.m, product.n].map(count);
  const name = tileFor(request.facts, sizes[0], sizes[1], sizes[2]);
  return {
    launches: 1,
    dispatches: productDispatches(request, product, tilingFor(request.facts, product, name)),
  };
};

/** How a product is cut up with tiles of one shape. */
export function tilingFor(facts: Facts, product: Product, name: TileName): Tiling {
  const shape = tileShapes[name];
  const terms = count(product.k);
  const results = count(product.batch) * count(product.m) * count(product.n);
  const groups = groupsOf(product, { shape, parts: 1, partTerms: terms });
  const wanted = Math.min(Math.floor(busyWorkgroups / Math.max(1, groups)), Math.floor(terms / shortestPart));
  const needed = Math.ceil(terms / longestChain);
  const most = Math.floor(Math.min(maxPartBytes, facts.maxBinding) / (4 * Math.max(1, results)));
  const parts = Math.max(1, Math.min(most, Math.max(wanted, needed)));
  const partTerms = Math.ceil(terms / parts / shape.depth) * shape.depth;
  return parts === 1
    ? { shape, parts, partTerms: terms }
    : { shape, parts: Math.ceil(terms / partTerms), partTerms };
}

/** The dispatches of a product: one, or two where workgroups share sums. */
export function productDispatches(request: FormRequest, product: Product, tiling: Tiling): Dispatch[] {
  const { kernel, launch } = product;
  const { batchRank, mRank } = kernel;
  const type = valueType(kernel.dtype);
  const split = tiling.parts > 1;
  const outputs = kernel.outputs.map((_, i) => product.firstOther + kernel.extras.length + i);
  const [a, b] = launch.operands;
  const layouts = [
    layoutOf(
      0,
      mergedAxes(product.m, [a.strides.slice(batchRank, batchRank + mRank)]),
      product.k,
      a.strides.slice(batchRank + mRank),
      a.strides.slice(0, batchRank),
      canReadVectors(request, product, 0, split),
    ),
    layoutOf(
      1,
      mergedAxes(product.n, [b.strides.slice(batchRank + product.k.length)]),
      product.k,
      b.strides.slice(batchRank, batchRank + product.k.length),
      b.strides.slice(0, batchRank),
      canReadVectors(request, product, 1, split),
    ),
  ] as const;
  const vectors = layouts.filter(({ reading }) => reading !== 'elements');
  const w = new KernelWriter(
    request,
    split ? [] : outputs,
    [],
    new Map(vectors.map(({ operand }) => [operand, 'vec4'])),
  );
  const results = count(product.batch) * count(product.m) * count(product.n);
  const bytes = results * tiling.parts * bytesPerElement(kernel.dtype);
  const finish = split ? partFinish(w, product, bytes, type) : epilogueFinish(w, product);
  const body = tileBody(w, product, tiling, type, layouts[0], layouts[1], finish);
  const first = w.finish(body, {
    workgroupSize: [invocationsOf(tiling.shape), 1, 1],
    workgroups: spread(groupsOf(product, tiling), 1, request.facts.maxWorkgroups),
  });
  return split ? [first, totalDispatch(request, product, tiling, bytes, type)] : [first];
}

/** Whether a factor can be bound as vectors: it starts at a multiple of 4, and the kernel does not write the buffer. */
function canReadVectors(
  { program, bufferOf, inLoop }: FormRequest,
  { launch, kernel }: Product,
  position: number,
  split: boolean,
): boolean {
  const { buffer, offset, dynamic } = launch.operands[position];
  if (inLoop || offset % 4 !== 0 || dynamic.length > 0 || program.buffers[buffer].length % 4 !== 0)
    return false;
  if (split) return true;
  const own = bufferOf(buffer);
  const written = launch.operands.slice(2 + kernel.extras.length);
  return written.every((other) => bufferOf(other.buffer) !== own);
}

/** Stores sums part by part. */
function partFinish(w: KernelWriter, product: Product, bytes: number, type: string): Finish {
  const partials = w.scratch(0, bytes, type, true);
  const m = w.argument(count(product.m));
  const batches = w.argument(count(product.batch));
  return {
    setup: [`let plane0 = part * ${batches} + batch;`],
    row: [`let rowAt = (plane0 * ${m} + row) * n;`],
    result: [`${partials}[rowAt + column] = sum;`],
  };
}

/** Adds up the parts of each result and computes the epilogue. */
function totalDispatch(
  request: FormRequest,
  product: Product,
  { parts }: Tiling,
  bytes: number,
  type: string,
): Dispatch {
  const { kernel } = product;
  const w = new KernelWriter(
    request,
    kernel.outputs.map((_, i) => product.firstOther + kernel.extras.length + i),
  );
  const partials = w.scratch(0, bytes, type, false);
  const finish = epilogueFinish(w, product);
  const [batches, m, n] = [product.batch, product.m, product.n].map((sizes) => count(sizes));
  const results = batches * m * n;
  const body = [
    `let many = u32(${w.argument(results)});`,
    'if (id >= many) { return; }',
    `let n = u32(${w.argument(n)}); let m = u32(${w.argument(m)});`,
    'let line = id / n;',
    'let column = i32(id - line * n);',
    'let batch = i32(line / m);',
    'let row = i32(line - (line / m) * m);',
    `var sum = ${type}();`,
    `for (var part = 0u; part < u32(${w.argument(parts)}); part++) { sum += ${partials}[part * many + id]; }`,
    ...finish.setup,
    ...finish.row,
    ...finish.result,
  ];
  return w.finish(body, { workgroups: spread(results, 64, request.facts.maxWorkgroups) });
}
