/**
 * The gradient of a loop: a loop from the last step to the first over what each step started from.
 *
 * A step of it differentiates a step of the loop, which it computes again from the carried values of that step; the results of
 * products and sums in it are read rather than computed again, unless the loop was asked to save memory. It carries the gradient at the
 * carried values, and adds up those at what all steps share; where these are products, the factors of all steps are collected
 * and multiplied once. Being a loop it can be differentiated again.
 */

import { isFloat } from '../dtype.ts';
import { codedError } from '../errors.ts';
import { zerosLike } from '../functions/create.ts';
import { contract } from '../ops/contract.ts';
import { add, addAll } from '../ops/elementwise.ts';
import { permute } from '../ops/movement.ts';
import type { ContractionLabels, Differentiate, Op } from '../ops/op.ts';
import { type ReduceAttributes, sum } from '../ops/reduce.ts';
import { sizeOf } from '../shape.ts';
import { apply, type Tensor } from '../tensor.ts';
import { bodyOf, type LoopAttributes, type LoopResult, lengthOf, positionsIn } from './attributes.ts';
import type { Body } from './body.ts';
import { buildLoop, type Role, standIn } from './build.ts';
import { gradientOfResult, resultOf } from './result.ts';

/** The rule of all loops. */
export function loopRule(
  g: Tensor,
  inputs: readonly Tensor[],
  loop: Tensor,
  attributes: LoopAttributes,
  differentiate?: Differentiate,
): (Tensor | null)[] {
  const op = loop.op as Op<LoopAttributes>;
  const { name } = op;
  const length = lengthOf(attributes, inputs);
  if (length === Number.POSITIVE_INFINITY) {
    throw codedError(
      Error,
      'AG_NOT_DIFFERENTIABLE',
      `${name}: the gradient has to know what each step started from, and there may be any number of steps. Say how many there can ` +
        'be, whileLoop(condition, body, init, { maxSteps: 100 }); their carried values are then kept.',
    );
  }
  if (!differentiate)
    throw codedError(
      Error,
      'AG_INTERNAL',
      `${name}: the rule of a loop needs to differentiate its body; please report this`,
    );
  const body = bodyOf(attributes, inputs);
  const at = positionsIn(attributes);
  const arriving = gradientsIn(g);
  const roles = new Map<Tensor, NonNullable<Role>>();
  const captured = inputs.slice(at.captured, at.count);

  // What each step computed, and the gradients at it.
  const outputs: Tensor[] = [];
  const seeds: Tensor[] = [];
  const carried = body.carry.flatMap((leaf, i) => {
    if (!isFloat(leaf.dtype)) return [];
    const initial = arriving.get(`final ${i}`) ?? zerosLike(inputs[i]);
    const stand = standIn(leaf);
    roles.set(stand, { kind: 'carry' });
    outputs.push(body.next[i]);
    seeds.push(stand);
    return [{ i, leaf, stand, initial }];
  });
  for (const [key, gradient] of arriving) {
    const [of, position] = key.split(' ');
    if (of !== 'stack') continue;
    const node = body.nodes[Number(position)];
    const stand = standIn(node);
    roles.set(stand, { kind: 'sequence', of: gradient });
    outputs.push(node);
    seeds.push(stand);
  }
  const sequences = body.sequences.flatMap((leaf, i) =>
    isFloat(leaf.dtype) ? [{ leaf, input: at.sequences + i }] : [],
  );
  const shared = body.captured.flatMap((leaf, i) =>
    isFloat(leaf.dtype) ? [{ leaf, input: at.captured + i }] : [],
  );
  const wrt = [...carried, ...sequences, ...shared].map(({ leaf }) => leaf);
  const found = differentiate(outputs, seeds, wrt);
  const gradientAt = new Map(wrt.map((leaf, i) => [leaf, found[i]]));

  // What the nodes of the step stand for.
  body.carry.forEach((leaf, i) => {
    const position = body.positions.get(leaf);
    // What no step reads can still be asked for its shape.
    if (position === undefined) roles.set(leaf, { kind: 'captured', of: inputs[i] });
    else roles.set(leaf, { kind: 'sequence', of: resultOf(loop, 'stack', position) });
  });
  body.sequences.forEach((leaf, i) => roles.set(leaf, { kind: 'sequence', of: inputs[at.sequences + i] }));
  body.captured.forEach((leaf, i) => roles.set(leaf, { kind: 'captured', of: captured[i] }));
  body.scalars.forEach((leaf, i) => roles.set(leaf, { kind: 'scalar', of: inputs[at.scalars + i] }));
  if (body.index) roles.set(body.index, { kind: 'index' });
  const varying = varyingNodes(body);
  const roleOf = (node: Tensor): Role => {
    const known = roles.get(node);
    if (known) return known;
    if (node.leaf?.kind === 'literal') return { kind: 'scalar', of: node };
    const position =
      attributes.recompute || !varying.has(node) || !isStored(node) ? undefined : body.positions.get(node);
    if (position === undefined) return null;
    const role = { kind: 'sequence', of: resultOf(loop, 'stack', position) } as const;
    roles.set(node, role);
    return role;
  };

  // Products of all steps at once, and sums over the steps.
  const products: { input: number; product: Product }[] = [];
  const totals: { input: number; total: Total }[] = [];
  const sums: { input: number; stand: Tensor; next: Tensor }[] = [];
  const carriedSize = carried.reduce((size, { leaf }) => size + sizeOf(leaf.shape), 0);
  for (const { leaf, input } of shared) {
    const gradient = gradientAt.get(leaf)!;
    if (isZero(gradient)) continue;
    const rest: Tensor[] = [];
    for (const term of termsOf(gradient)) {
      const product = productOf(term, (node) => varies(node, roleOf));
      const total = product ? null : totalOf(term, carriedSize, (node) => varies(node, roleOf));
      if (product) products.push({ input, product });
      else if (total) totals.push({ input, total });
      else rest.push(term);
    }
    if (rest.length === 0) continue;
    const stand = standIn(leaf);
    roles.set(stand, { kind: 'carry' });
    sums.push({ input, stand, next: rest.reduce((all, term) => all.add(term), stand) });
  }
  const rows = sequences.filter(({ leaf }) => !isZero(gradientAt.get(leaf)!));
  const collected = [
    ...products.flatMap(({ product }) => product.factors),
    ...totals.map(({ total }) => total.of),
  ];
  const factors = collected.filter((node) => roleOf(node) === null);
  const back = buildLoop({
    op,
    carry: [
      ...carried.map(({ leaf, stand, initial }) => ({ leaf: stand, initial, next: gradientAt.get(leaf)! })),
      ...sums.map(({ input, stand, next }) => ({ leaf: stand, initial: zerosLike(inputs[input]), next })),
    ],
    others: [...rows.map(({ leaf }) => gradientAt.get(leaf)!), ...factors],
    roleOf,
    length,
    count: attributes.counted ? inputs[at.count] : body.condition ? resultOf(loop, 'count') : null,
    reverse: !attributes.reverse,
    recompute: attributes.recompute,
  });

  const result = new Array<Tensor | null>(inputs.length).fill(null);
  const give = (input: number, gradient: Tensor): void => {
    result[input] = result[input]?.add(gradient) ?? gradient;
  };
  carried.forEach(({ i }, k) => give(i, back.final(k)));
  sums.forEach(({ input }, k) => give(input, back.final(carried.length + k)));
  for (const { leaf, input } of rows) give(input, back.stack(gradientAt.get(leaf)!));
  const all = (node: Tensor): Tensor => {
    const role = roleOf(node);
    return role?.kind === 'sequence' ? role.of : back.stack(node);
  };
  for (const { input, product } of products) {
    const { factors, labels } = product;
    const time = 1 + Math.max(...labels.a, ...labels.b);
    give(
      input,
      apply(contract, factors.map(all), { a: [time, ...labels.a], b: [time, ...labels.b], out: labels.out }),
    );
  }
  for (const { input, total } of totals) give(input, total.from(all(total.of)));
  return result;
}

/** The gradients that arrived, by result. */
function gradientsIn(g: Tensor): Map<string, Tensor> {
  const found = new Map<string, Tensor>();
  const met = new Set<Tensor>();
  const stack = [g];
  while (stack.length > 0) {
    const node = stack.pop()!;
    if (met.has(node)) continue;
    met.add(node);
    if (node.op === (gradientOfResult as unknown)) {
      const { of, at } = node.attributes as LoopResult;
      const key = `${of} ${at}`;
      const before = found.get(key);
      found.set(key, before ? before.add(node.inputs[0]) : node.inputs[0]);
    } else stack.push(...node.inputs);
  }
  return found;
}

/** What is cheaper to keep than to compute again: all but cheap elementwise steps, views and loops. */
function isStored({ op }: Tensor): boolean {
  const lowering = op?.lower;
  if (lowering === undefined) return false;
  if (lowering.form === 'map') return (lowering.cost ?? 1) > maxCost;
  return !['view', 'coordinates', 'barrier', 'loop', 'result', 'place'].includes(lowering.form);
}

/** Elementwise steps up to this cost are computed again: what the planner does twice rather than store. */
const maxCost = 4;

/** The nodes of a body that are not the same at all steps. */
function varyingNodes(body: Body): ReadonlySet<Tensor> {
  const found = new Set<Tensor>([...body.carry, ...body.sequences]);
  if (body.index) found.add(body.index);
  for (const node of body.nodes) if (node.inputs.some((input) => found.has(input))) found.add(node);
  return found;
}

/** Whether a node of a step is not the same at all steps. */
function varies(root: Tensor, roleOf: (node: Tensor) => Role): boolean {
  const met = new Set<Tensor>([root]);
  for (const node of met) {
    const role = roleOf(node);
    if (role === null) for (const input of node.inputs) met.add(input);
    else if (role.kind !== 'captured' && role.kind !== 'scalar') return true;
  }
  return false;
}

/** Whether all elements are the literal 0. */
function isZero(tensor: Tensor): boolean {
  let node = tensor;
  while (node.op?.lower.form === 'view') node = node.inputs[0];
  return node.leaf?.kind === 'literal' && node.leaf.value === 0;
}

/** The terms of a sum. */
function termsOf(sum: Tensor): Tensor[] {
  const op: unknown = sum.op;
  if (op !== add && op !== addAll) return [sum];
  if (sum.inputs.some((input) => sizeOf(input.shape) !== sizeOf(sum.shape) || input.dtype !== sum.dtype))
    return [sum];
  return sum.inputs.flatMap(termsOf);
}

interface Product {
  readonly factors: readonly Tensor[];
  readonly labels: ContractionLabels;
}

/** What is summed at each step, and the sum over all of them from its rows. */
interface Total {
  readonly of: Tensor;
  readonly from: (rows: Tensor) => Tensor;
}

/**
 * A term as a sum over elements of a step (a bias) that is worth taking once over all steps: no more is collected than the loop carries. Summed
 * at each step it would tie together examples that have nothing else to do with one another, and could be computed apart.
 */
function totalOf(term: Tensor, limit: number, varies: (node: Tensor) => boolean): Total | null {
  const views: Tensor[] = [];
  let node = term;
  while (node.op?.lower.form === 'view' || node.op?.lower.form === 'place') {
    if (node.inputs.length !== 1) return null;
    views.unshift(node);
    node = node.inputs[0];
  }
  if ((node.op as unknown) !== sum) return null;
  const [of] = node.inputs;
  const { axes } = node.attributes as ReduceAttributes;
  if (axes.length === 0 || of.dtype !== term.dtype || sizeOf(of.shape) > limit || !varies(of)) return null;
  const { shape } = node;
  const from = (rows: Tensor): Tensor => {
    const total = rows.sum([0, ...axes.map((axis) => axis + 1)]).reshape([...shape]);
    return views.reduce((x, view) => apply(view.op as Op<unknown>, [x], view.attributes), total);
  };
  return { of, from };
}

/** A term as a product that is worth making of all steps at once: it is not smaller than its factors. */
function productOf(term: Tensor, varies: (node: Tensor) => boolean): Product | null {
  const order =
    (term.op as unknown) === permute ? (term.attributes as { order: readonly number[] }).order : null;
  const node = order === null ? term : term.inputs[0];
  if ((node.op as unknown) !== contract) return null;
  const factors = node.inputs;
  if (sizeOf(term.shape) < sizeOf(factors[0].shape) + sizeOf(factors[1].shape)) return null;
  if (factors.some((factor) => factor.dtype !== term.dtype || !varies(factor))) return null;
  const { a, b, out } = node.attributes as ContractionLabels;
  return { factors, labels: { a, b, out: order === null ? out : order.map((i) => out[i]) } };
}
