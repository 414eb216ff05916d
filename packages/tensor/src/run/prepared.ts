/**
 * A graph whose plan is held and run again with other numbers: what compiled functions and placeholder graphs are
 * made of. A run creates no nodes, only the tensors of its results.
 */

import { isTypedArray, type TypedArray } from '../dtype.ts';
import { codedError } from '../errors.ts';
import type { Backend, Binding } from '../kernel/backend.ts';
import type { Leaf } from '../node.ts';
import { sameSignature, type Traversal, traverse } from '../plan/signature.ts';
import { Tensor } from '../tensor.ts';
import type { Update, Variable } from '../variable.ts';
import { commitAssignments, computeInitialValues } from './evaluate.ts';
import { finalizersOf } from './finalization.ts';
import { forgetAside, settleAssignments } from './pending.ts';
import { freeMemoryOrThrow, planFor, type ReadyPlan } from './planCache.ts';
import { randomState, restoreRandomState } from './randomKeys.ts';
import { bindLeaf, runPlan } from './runPlan.ts';
import { backend } from './runtime.ts';
import type { HostWork } from './tracing.ts';

type LiteralLeaf = Extract<Leaf, { kind: 'literal' }>;

/** What stands for a placeholder in one run. Host arrays are read, never kept. */
export type Feed = Tensor | TypedArray;

const none: readonly Tensor[] = [];

/** A graph that nobody holds any more lets go of its plan. */
const finalizers = /* @__PURE__ */ finalizersOf<ReadyPlan>((plan) => {
  plan.pins--;
});

/** Outputs and updates of variables, ready to be computed again and again. */
export class PreparedGraph {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly updates: readonly Update[];
  readonly #beforeEachRun: readonly HostWork[];
  #backend: Backend | null = null;
  #plan: ReadyPlan | null = null;
  #bindings: Binding[] = [];
  #scalars = new Float64Array(0);
  /** Scalars to be read at each run. */
  #live: readonly { readonly scalar: number; readonly read: () => number }[] = [];
  /** Bindings that stay within a run but not between runs: variables, fed inputs, other leaves. */
  #variables: readonly { readonly binding: number; readonly variable: Variable }[] = [];
  #fed: readonly { readonly binding: number; readonly input: number }[] = [];
  #others: readonly { readonly binding: number; readonly leaf: Tensor }[] = [];

  /**
   * @param inputs placeholders, in the order in which `run` takes their feeds
   * @param beforeEachRun host work to do before each run
   */
  constructor(
    inputs: readonly Tensor[],
    outputs: readonly Tensor[],
    updates: readonly Update[] = [],
    beforeEachRun: readonly HostWork[] = [],
  ) {
    this.inputs = inputs;
    this.outputs = outputs;
    this.updates = updates;
    this.#beforeEachRun = beforeEachRun;
  }

  /** Computes the outputs and commits the updates. Variables count with their current values. */
  run(feeds: readonly Feed[]): Tensor[] {
    commitAssignments();
    const random = randomState();
    const undo: (() => void)[] = [];
    try {
      for (const work of this.#beforeEachRun) {
        const takeBack = work();
        if (takeBack) undo.push(takeBack);
      }
      return this.#compute(feeds);
    } catch (error) {
      for (const takeBack of undo.reverse()) takeBack();
      // A run that is tried again draws the same numbers.
      restoreRandomState(random);
      throw error;
    }
  }

  #compute(feeds: readonly Feed[]): Tensor[] {
    const target = backend();
    if (this.#backend !== target) this.#prepare(target);
    for (const { scalar, read } of this.#live) this.#scalars[scalar] = read();
    let leaves: Leaf[];
    try {
      leaves = this.#attempt(feeds, target);
    } catch (error) {
      freeMemoryOrThrow(target, error);
      leaves = this.#attempt(feeds, target);
    }
    if (this.updates.length > 0) {
      settleAssignments(this.updates);
      forgetAside();
    }
    return this.outputs.map(
      ({ shape, dtype }, i) => new Tensor(shape, dtype, null, none, undefined, leaves[i]),
    );
  }

  #attempt(feeds: readonly Feed[], target: Backend): Leaf[] {
    const bindings = this.#bindings;
    for (const { binding, variable } of this.#variables) bindings[binding] = variable.currentMemory(target);
    let previous: Tensor[] | null = null;
    for (const { binding, input } of this.#fed) {
      const feed = feeds[input];
      if (isTypedArray(feed)) {
        bindings[binding] = feed;
      } else {
        const leaf = feed.leaf!;
        if (leaf.kind === 'variable') previous = [...(previous ?? []), feed];
        bindings[binding] =
          leaf.kind === 'variable' && this.#overwrites(leaf.variable)
            ? leaf.variable.readSync(leaf.version)
            : bindLeaf(feed);
      }
    }
    // They are part of the graph, so they stay as long as it does, however small.
    for (const { binding, leaf } of this.#others) bindings[binding] = bindLeaf(leaf, 0);
    return runPlan(this.#plan!, bindings, this.#scalars, previous ?? none, this.updates, 'small to host');
  }

  /** Whether the run writes over the value that `variable` has: what is fed from there has to be copied first. */
  #overwrites(variable: Variable): boolean {
    const { inPlace } = this.#plan!;
    return this.updates.some((update, i) => inPlace[i] && update.variable === variable);
  }

  #prepare(target: Backend): void {
    this.release();
    const traversal: Traversal = traverse(this.outputs, this.updates);
    let plan: ReadyPlan;
    try {
      plan = planFor(traversal, this.outputs, this.updates);
    } catch (error) {
      freeMemoryOrThrow(target, error);
      plan = planFor(traversal, this.outputs, this.updates);
    }
    plan.pins++;
    this.#plan = plan;
    finalizers.register(this, plan, this);
    this.#bindings = new Array<Binding>(plan.program.bindingCount);
    this.#scalars = new Float64Array(traversal.literals.length);
    const live: { scalar: number; read: () => number }[] = [];
    traversal.literals.forEach((literal, scalar) => {
      const leaf = literal.leaf as LiteralLeaf;
      if (leaf.read) live.push({ scalar, read: leaf.read });
      else this.#scalars[scalar] = leaf.value;
    });
    this.#live = live;
    const variables: { binding: number; variable: Variable }[] = [];
    const fed: { binding: number; input: number }[] = [];
    const others: { binding: number; leaf: Tensor }[] = [];
    traversal.leaves.forEach((tensor, i) => {
      const binding = plan.leafBindings[i];
      const leaf = tensor.leaf!;
      if (binding < 0) return;
      if (leaf.kind === 'variable') variables.push({ binding, variable: leaf.variable });
      else if (leaf.kind !== 'placeholder') others.push({ binding, leaf: tensor });
      else {
        const input = this.inputs.indexOf(tensor);
        if (input < 0)
          throw codedError(Error, 'AG_NOT_FED', `placeholder '${leaf.name}' is not among the inputs`);
        fed.push({ binding, input });
      }
    });
    computeInitialValues(traversal.leaves, this.updates);
    this.#variables = variables;
    this.#fed = fed;
    this.#others = others;
    // Last: where something on the way fails, the next run prepares anew.
    this.#backend = target;
  }

  /** Lets the plan go to the cache, where others may push it out. The next run finds it or makes it again. */
  release(): void {
    if (this.#plan) {
      this.#plan.pins--;
      finalizers.unregister(this);
    }
    this.#plan = null;
    this.#backend = null;
  }

  /** How another graph differs in structure or in the numbers written into it; null when it does not. */
  differenceFrom(other: PreparedGraph): string | null {
    const all = (graph: PreparedGraph): Tensor[] => [
      ...graph.outputs,
      ...graph.updates.map((update) => update.value),
    ];
    const mine = traverse(all(this), []);
    const signature = mine.signature.slice(0, mine.length);
    const theirs = traverse(all(other), []);
    if (!sameSignature(signature, theirs)) {
      const i = mine.nodes.findIndex((node, j) => node.op?.name !== theirs.nodes[j]?.op?.name);
      const name = (nodes: readonly Tensor[]): string =>
        nodes[i]?.op?.name ?? (nodes[i] ? 'a leaf' : 'nothing');
      return i < 0
        ? 'sizes or attributes of its operations differ'
        : `operation ${i} of ${mine.nodes.length} is ${name(mine.nodes)} the first time and ${name(theirs.nodes)} the second`;
    }
    for (let i = 0; i < mine.literals.length; i++) {
      const a = mine.literals[i].leaf as LiteralLeaf;
      const b = theirs.literals[i].leaf as LiteralLeaf;
      if (!a.read && !Object.is(a.value, b.value)) return `the number ${a.value} becomes ${b.value}`;
    }
    return null;
  }
}
