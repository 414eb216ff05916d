/**
 * What the microscope knows of a formula: its graph with values, gradients and local derivatives.
 *
 * All of it is computed by @ag/tensor and @ag/graph.
 */
import {
  type Formula,
  formula,
  gradients,
  inspect,
  jacobian,
  numericalGradient,
  topologicalSort,
} from '@ag/graph';
import { apply, type NestedArray, type Tensor, tensor } from '@ag/tensor';
import { originOf, type ViewlessGraph, viewsOf, withoutViews } from './views.ts';

/** One arrow of the chain rule: how the gradient at a node reaches one of its operands. */
export interface Link {
  readonly from: string;
  readonly label: string;
  /** ∂node/∂operand: a number, or a matrix with a row for each element of the node. */
  readonly local: NestedArray;
  /** Elements of the operand, by their position, at which the node has no derivative: a kink, an edge, no value. */
  readonly undefinedAt: readonly number[];
  /** What this link adds to the operand's gradient. */
  readonly contribution: NestedArray | null;
}

export interface Study {
  readonly names: readonly string[];
  readonly graph: ViewlessGraph;
  /** How many views the formula has, shown or not. */
  readonly views: number;
  /** For each node of the graph, its links to operands; empty for leaves. */
  readonly links: readonly (readonly Link[])[];
  /** Positions of nodes in the order of the forward pass: operations only, the leaves have their values from the start. */
  readonly forward: readonly number[];
  /** For each variable of few elements, what central differences say of its gradient. */
  readonly checks: readonly Check[];
}

/** A gradient beside the slope that two evaluations close by give. */
export interface Check {
  readonly name: string;
  /** Largest difference of the two, beside 1 and the gradient; NaN where either is no number. */
  readonly difference: number;
}

/** Local Jacobians are formed for nodes and operands of at most this many elements. */
const maxElements = 64;

/**
 * Reads a formula and its values.
 * @param values for each name the text of a number or of nested arrays, as JSON
 * @param showViews whether reshapes and transposes are nodes; else they are labels of wires
 * @param of study the derivative with respect to this variable instead: a graph as well
 * @throws Error that says what is wrong with the formula or a value
 */
export async function study(
  text: string,
  values: ReadonlyMap<string, string>,
  showViews = true,
  of = '',
): Promise<Study> {
  const parsed = formula(text);
  const leaves = leavesOf(parsed, values);
  const y = resultOf(parsed, leaves, of);
  const order = topologicalSort(y);
  const sources = order.map((node) => ({ op: node.op, inputs: node.inputs, attributes: node.attributes }));
  const graph = inspect(y, { values: true, gradients: 'compute', names: leaves });

  const links: Link[][] = [];
  for (const [i, source] of sources.entries()) {
    const own: Link[] = [];
    if (source.op !== null) {
      for (const [index, input] of source.inputs.entries()) {
        const position = order.indexOf(input);
        const from = graph.nodes[position];
        const edge = graph.edges.find(
          (e) => e.from === from.id && e.to === graph.nodes[i].id && e.index === index,
        );
        if (input.size > maxElements || order[i].size > maxElements || from.kind === 'constant') continue;
        // What is true or false does not vary.
        if (![input, order[i]].every(({ dtype }) => dtype.startsWith('float'))) continue;
        const op = source.op;
        const withOperand = (x: Tensor) =>
          apply(
            op,
            source.inputs.map((other, j) => (j === index ? x : other.detach())),
            source.attributes,
          );
        const local = jacobian(withOperand);
        own.push({
          from: from.id,
          label: from.label,
          local: await local(input.detach()).reshape(localShape(order[i], input)).toArray(),
          undefinedAt: await withoutDerivative(withOperand, input.detach()),
          contribution: (edge?.gradient ?? null) as NestedArray | null,
        });
      }
    }
    links.push(own);
  }
  const { nodes, edges } = graph;
  const views = viewsOf(graph);
  const shown = showViews ? { graph: { nodes, edges }, links } : foldViews({ nodes, edges }, links);
  return {
    names: parsed.names,
    ...shown,
    views: views.size,
    forward: shown.graph.nodes.flatMap((node, i) => (node.op === undefined ? [] : [i])),
    checks: await checksOf(parsed, leaves, of),
  };
}

/** A tensor for each name of a formula, of what was typed for it, or 1. */
export function leavesOf(
  { names }: Pick<Formula, 'names'>,
  values: ReadonlyMap<string, string>,
): Readonly<Record<string, Tensor>> {
  // Made of entries, so that a variable of any name is an own property: `__proto__` assigned would be none.
  return Object.fromEntries(names.map((name) => [name, parseValue(name, values.get(name) ?? '1')]));
}

/** What a formula gives as one number: the sum of several; or the derivative of that with respect to a variable. */
export function resultOf(parsed: Formula, leaves: Readonly<Record<string, Tensor>>, of = ''): Tensor {
  const y = single(parsed.evaluate(leaves));
  if (of === '' || !parsed.names.includes(of)) return y;
  return single(gradients(y, [leaves[of]])[0]);
}

function single(x: Tensor): Tensor {
  return x.size === 1 ? x : x.sum();
}

async function checksOf(
  parsed: Formula,
  leaves: Readonly<Record<string, Tensor>>,
  of: string,
): Promise<readonly Check[]> {
  const few = Object.entries(leaves).filter(([, leaf]) => leaf.size <= maxElements);
  const slopes = gradients(
    resultOf(parsed, leaves, of),
    few.map(([, leaf]) => leaf),
  );
  const checks: Check[] = [];
  for (const [i, [name, leaf]] of few.entries()) {
    const there = (x: Tensor) => resultOf(parsed, { ...leaves, [name]: x }, of);
    const [exact, measured] = [await slopes[i].data(), await numericalGradient(there, leaf).data()];
    const apart = Array.from(exact, (slope, k) => Math.abs(slope - measured[k]) / (1 + Math.abs(slope)));
    checks.push({ name, difference: Math.max(...apart) });
  }
  return checks;
}

/** The graph without its views; links lead to where the elements of a view come from. */
function foldViews(
  graph: ViewlessGraph,
  links: readonly (readonly Link[])[],
): Pick<Study, 'graph' | 'links'> {
  const views = viewsOf(graph);
  const origin = originOf(graph);
  const labels = new Map(graph.nodes.map(({ id, label }) => [id, label]));
  const kept = links.filter((_, i) => !views.has(i));
  return {
    graph: withoutViews(graph),
    links: kept.map((own) =>
      own.map((link) => {
        const through = origin.get(link.from);
        return through
          ? { ...link, from: through.from, label: `${labels.get(through.from)} (${through.label})` }
          : link;
      }),
    ),
  };
}

/** How far a point is moved to see whether a function goes on as its derivative says, beside its size. */
const near = 1e-6;

/**
 * Where a function has no derivative with respect to an element: its slopes to the left and to the right differ however
 * near one looks, or are no numbers. Where it has none a rule of differentiation takes one that suits learning (0 for
 * the root of 0), which is not to be shown as if it were one. A smooth function's slopes differ by as much as one looks
 * to the sides, so that half of that is about half the difference; a kink's difference stays.
 */
async function withoutDerivative(f: (x: Tensor) => Tensor, x: Tensor): Promise<number[]> {
  const values = Array.from(await x.data(), Number);
  const at = async (position: number, change: number): Promise<number[]> => {
    const moved = Float64Array.from(values);
    moved[position] += change;
    return Array.from(await f(tensor(moved, { shape: x.shape })).data(), Number);
  };
  const here = Array.from(await f(x).data(), Number);
  const found: number[] = [];
  for (const position of values.keys()) {
    /** Largest difference of the slopes to both sides, beside their size. */
    const parting = async (step: number): Promise<number> => {
      const [left, right] = [await at(position, -step), await at(position, step)];
      let most = 0;
      for (const [i, value] of here.entries()) {
        const [before, after] = [(value - left[i]) / step, (right[i] - value) / step];
        // What rounding of the values alone makes of it.
        const noise =
          (Number.EPSILON * (2 * Math.abs(value) + Math.abs(left[i]) + Math.abs(right[i]))) / step;
        const apart = (Math.abs(after - before) - noise) / (1 + Math.abs(after) + Math.abs(before));
        if (!Number.isFinite(apart)) return Number.POSITIVE_INFINITY;
        most = Math.max(most, apart);
      }
      return most;
    };
    const step = near * (1 + Math.abs(values[position]));
    const [far, close] = [await parting(step), await parting(step / 4)];
    if (close === Number.POSITIVE_INFINITY || (far > 1e-6 && close > far / 2)) found.push(position);
  }
  return found;
}

function localShape(node: Tensor, input: Tensor): readonly number[] {
  return node.size === 1 && input.size === 1 ? [] : [node.size, input.size];
}

function parseValue(name: string, text: string): Tensor {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error(
      `${name} = ${text}: write a number (2.5), a vector ([1, 2]) or a matrix ([[1, 2], [3, 4]])`,
    );
  }
  return tensor(value as number, { dtype: 'float64' });
}
