/**
 * Makes a loop of the graph of a step: finds what the step reads from outside, takes out what is the same at all steps, and
 * gives the graph to `body.ts`.
 */
import { placeholderLeaf } from '../functions/create.ts';
import type { Op } from '../ops/op.ts';
import { apply, type Tensor } from '../tensor.ts';
import type { LoopAttributes } from './attributes.ts';
import { type BodyGraph, internBody, standInName } from './body.ts';
import { resultOf } from './result.ts';

/** What a leaf of a step's graph stands for; null for a node that the step computes. */
export type Role =
  /** One row of it at each step. */
  | { readonly kind: 'sequence'; readonly of: Tensor }
  /** The same at all steps. */
  | { readonly kind: 'captured'; readonly of: Tensor }
  /** A number given at each run. */
  | { readonly kind: 'scalar'; readonly of: Tensor }
  | { readonly kind: 'index' | 'carry' }
  | null;

export interface LoopParts {
  readonly op: Op<LoopAttributes>;
  /** What stands for carried values in the graph, what they start as, and what they become. */
  readonly carry: readonly { readonly leaf: Tensor; readonly initial: Tensor; readonly next: Tensor }[];
  readonly condition?: Tensor | null;
  /** Further nodes that can be asked for, row by row. */
  readonly others: readonly Tensor[];
  readonly roleOf: (node: Tensor) => Role;
  readonly length: number;
  readonly count?: Tensor | null;
  readonly reverse: boolean;
  readonly recompute: boolean;
}

export interface Loop {
  /** The tensor that results are made of. */
  readonly tensor: Tensor;
  /** The last value of what is carried at position `i`. */
  final(i: number): Tensor;
  /** How many steps were taken. */
  count(): Tensor;
  /** The values of one of `others`, or of a leaf that stands for something carried, at all steps. */
  stack(node: Tensor): Tensor;
}

/** A loop of these parts. */
export function buildLoop(parts: LoopParts): Loop {
  const { carry, roleOf } = parts;
  const condition = parts.condition ?? null;
  const roots = [...carry.map(({ next }) => next), ...(condition ? [condition] : []), ...parts.others];
  const graph = new StepGraph(roots, roleOf);
  const at = (node: Tensor): Tensor => graph.built.get(node)!;
  const carryLeaves = carry.map(({ leaf }) => graph.built.get(leaf) ?? leaf);
  const bodyGraph: BodyGraph = {
    carry: carryLeaves,
    sequences: graph.sequences.map(({ leaf }) => leaf),
    captured: graph.captured.map(({ leaf }) => leaf),
    index: graph.index,
    next: carry.map(({ next }) => at(next)),
    condition: condition && at(condition),
    others: parts.others.map(at),
  };
  const { body, scalars, nodes } = internBody(bodyGraph);
  const positions = new Map(nodes.map((node, i) => [node, i]));
  const count = parts.count ?? null;
  const attributes: LoopAttributes = {
    id: body.id,
    carried: carry.length,
    sequences: graph.sequences.length,
    captured: graph.captured.length,
    counted: count !== null,
    length: parts.length,
    reverse: parts.reverse,
    recompute: parts.recompute,
    body: () => body,
  };
  const tensor = apply(
    parts.op,
    [
      ...carry.map(({ initial }) => initial),
      ...graph.sequences.map(({ of }) => of),
      ...graph.captured.map(({ of }) => of),
      ...(count ? [count] : []),
      ...scalars.map((leaf) => graph.numbers.get(leaf)!),
    ],
    attributes,
  );
  return {
    tensor,
    final: (i) => resultOf(tensor, 'final', i),
    count: () => resultOf(tensor, 'count'),
    stack: (node) => resultOf(tensor, 'stack', positions.get(at(node))!),
  };
}

/** The graph of a step on stand-ins of its own. */
class StepGraph {
  /** For each node of the step, what stands in its place. */
  readonly built = new Map<Tensor, Tensor>();
  readonly sequences: { readonly leaf: Tensor; readonly of: Tensor }[] = [];
  readonly captured: { readonly leaf: Tensor; readonly of: Tensor }[] = [];
  /** For each literal of the graph, the number from outside. */
  readonly numbers = new Map<Tensor, Tensor>();
  index: Tensor | null = null;
  readonly #roleOf: LoopParts['roleOf'];
  readonly #varies = new Map<Tensor, boolean>();
  /** Whether something from outside is in it: numbers alone are computed where they are used. */
  readonly #fromOutside = new Set<Tensor>();
  readonly #outside = new Map<Tensor, Tensor>();
  readonly #leaves = new Map<Tensor, Tensor>();

  constructor(roots: readonly Tensor[], roleOf: LoopParts['roleOf']) {
    this.#roleOf = roleOf;
    const order = this.#order(roots);
    for (const node of order) this.#classify(node);
    for (const root of roots) this.#build(root);
  }

  /** Inputs first, without recursion. */
  #order(roots: readonly Tensor[]): Tensor[] {
    const done: Tensor[] = [];
    const met = new Set<Tensor>();
    const stack: Tensor[] = [...roots].reverse();
    while (stack.length > 0) {
      const node = stack[stack.length - 1];
      if (met.has(node)) {
        stack.pop();
        continue;
      }
      const inputs = this.#roleOf(node) === null ? node.inputs : [];
      const missing = inputs.filter((input) => !met.has(input));
      if (missing.length > 0) stack.push(...missing.reverse());
      else {
        stack.pop();
        met.add(node);
        done.push(node);
      }
    }
    return done;
  }

  #classify(node: Tensor): void {
    const role = this.#roleOf(node);
    if (role !== null) {
      this.#varies.set(node, role.kind === 'carry' || role.kind === 'sequence' || role.kind === 'index');
      if (role.kind === 'captured') this.#fromOutside.add(node);
      return;
    }
    this.#varies.set(
      node,
      node.inputs.some((input) => this.#varies.get(input)),
    );
    if (node.inputs.some((input) => this.#fromOutside.has(input))) this.#fromOutside.add(node);
  }

  /** Whether a node is worth computing once before the loop: it is the same at all steps and no view of something. */
  #isCommon(node: Tensor): boolean {
    if (this.#roleOf(node) !== null || this.#varies.get(node) || !this.#fromOutside.has(node)) return false;
    const form = node.op!.lower.form;
    return form !== 'view' && form !== 'barrier' && form !== 'loop';
  }

  #build(root: Tensor): void {
    const stack = [root];
    while (stack.length > 0) {
      const node = stack[stack.length - 1];
      if (this.built.has(node)) {
        stack.pop();
        continue;
      }
      const role = this.#roleOf(node);
      if (role !== null) {
        this.built.set(node, this.#leaf(node, role));
        continue;
      }
      const place = (input: Tensor): Tensor | undefined =>
        this.#varies.get(node) && this.#isCommon(input) ? this.#common(input) : this.built.get(input);
      const inputs = node.inputs.map(place);
      const missing = node.inputs.filter((_, i) => inputs[i] === undefined);
      if (missing.length > 0) {
        stack.push(...missing.reverse());
        continue;
      }
      this.built.set(node, apply(node.op!, inputs as Tensor[], node.attributes));
    }
  }

  #common(node: Tensor): Tensor {
    const known = this.#leaves.get(node);
    if (known) return known;
    const leaf = this.#standIn(node, node.shape);
    this.#leaves.set(node, leaf);
    this.captured.push({ leaf, of: this.#outsideOf(node) });
    return leaf;
  }

  /** The node in terms of what is outside. */
  #outsideOf(root: Tensor): Tensor {
    const stack = [root];
    while (stack.length > 0) {
      const node = stack[stack.length - 1];
      if (this.#outside.has(node)) {
        stack.pop();
        continue;
      }
      const role = this.#roleOf(node);
      if (role !== null) {
        this.#outside.set(node, (role as { readonly of: Tensor }).of);
        continue;
      }
      const missing = node.inputs.filter((input) => !this.#outside.has(input));
      if (missing.length > 0) {
        stack.push(...missing);
        continue;
      }
      const inputs = node.inputs.map((input) => this.#outside.get(input)!);
      const same = inputs.every((input, i) => input === node.inputs[i]);
      this.#outside.set(node, same ? node : apply(node.op!, inputs, node.attributes));
    }
    return this.#outside.get(root)!;
  }

  #leaf(node: Tensor, role: NonNullable<Role>): Tensor {
    switch (role.kind) {
      case 'carry':
        return node;
      case 'index':
        this.index = node;
        return node;
      case 'scalar': {
        this.numbers.set(node, role.of);
        return node;
      }
      case 'sequence': {
        const known = this.sequences.find(({ of }) => of === role.of);
        if (known) return known.leaf;
        const leaf = this.#standIn(node, node.shape);
        this.sequences.push({ leaf, of: role.of });
        return leaf;
      }
      case 'captured': {
        const known = this.captured.find(({ of }) => of === role.of);
        if (known) return known.leaf;
        const leaf = this.#standIn(node, node.shape);
        this.captured.push({ leaf, of: role.of });
        return leaf;
      }
    }
  }

  #standIn({ dtype }: Tensor, shape: Tensor['shape']): Tensor {
    return placeholderLeaf(shape, dtype, standInName);
  }
}

/** A stand-in for a value of a step. */
export function standIn({ shape, dtype }: Pick<Tensor, 'shape' | 'dtype'>): Tensor {
  return placeholderLeaf(shape, dtype, standInName);
}
