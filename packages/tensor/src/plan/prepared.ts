/**
 * A graph whose plan is held and run again with other numbers: what compiled functions and placeholder graphs are
 * made of. A run creates no nodes, only the tensors of its results.
 */
import type { Backend, Binding } from '../backend.ts';
import { isTypedArray, type TypedArray } from '../dtype.ts';
import { backend, planFor, type ReadyPlan } from '../runtime.ts';
import { Tensor } from '../tensor.ts';
import type { Variable } from '../variable.ts';
import { bindLeaf, runPlan } from './evaluate.ts';
import { settleAssignments } from './pending.ts';
import { sameSignature, traverse, type Traversal, type Update } from './signature.ts';

/** What stands for each placeholder in one run. Host arrays are read, never kept. */
export type Feeds = ReadonlyMap<Tensor, Tensor | TypedArray>;

/** Outputs and updates of variables, ready to be computed again and again. */
export class PreparedGraph {
  readonly outputs: readonly Tensor[];
  readonly updates: readonly Update[];
  readonly #atRun: readonly (() => void)[];
  #backend: Backend | null = null;
  #plan: ReadyPlan | null = null;
  #leaves: readonly Tensor[] = [];
  #literals: readonly (() => number)[] = [];
  #bindings: Binding[] = [];
  #scalars = new Float64Array(0);

  /** @param atRun host work to do before each run. */
  constructor(outputs: readonly Tensor[], updates: readonly Update[] = [], atRun: readonly (() => void)[] = []) {
    this.outputs = outputs;
    this.updates = updates;
    this.#atRun = atRun;
  }

  /** Computes the outputs and commits the updates. Variables count with their current values. */
  run(feeds: Feeds): Tensor[] {
    for (const work of this.#atRun) work();
    if (this.#backend !== backend()) this.#prepare();
    const plan = this.#plan!;
    for (let i = 0; i < this.#literals.length; i++) this.#scalars[i] = this.#literals[i]!();
    for (let i = 0; i < this.#leaves.length; i++) {
      const binding = plan.leafBindings[i]!;
      if (binding >= 0) this.#bindings[binding] = this.#bind(this.#leaves[i]!, feeds);
    }
    const results = this.outputs.map((output) => new Tensor(output.shape, output.dtype, output.op, output.inputs, undefined, null));
    runPlan(plan, this.#bindings, this.#scalars, [], results, this.updates, {}).commit();
    for (const result of results) result.origin = null;
    if (this.updates.length > 0) settleAssignments(this.updates);
    return results;
  }

  #bind(leaf: Tensor, feeds: Feeds): Binding {
    const source = leaf.leaf!;
    if (source.kind === 'variable') return source.variable.currentMemory(this.#backend!);
    if (source.kind !== 'placeholder') return bindLeaf(leaf);
    const fed = feeds.get(leaf);
    if (fed === undefined) throw new Error(`placeholder '${source.name}' was not fed; give it a tensor of shape [${leaf.shape.join(', ')}]`);
    return isTypedArray(fed) ? fed : bindLeaf(fed);
  }

  #prepare(): void {
    if (this.#plan) this.#plan.pins--;
    const traversal: Traversal = traverse(this.outputs, this.updates);
    this.#plan = planFor(traversal, this.outputs, this.updates);
    this.#plan.pins++;
    this.#backend = backend();
    this.#leaves = traversal.leaves;
    this.#literals = traversal.literals.map((literal) => {
      const leaf = literal.leaf as Extract<NonNullable<Tensor['leaf']>, { kind: 'literal' }>;
      return leaf.read ?? (() => leaf.value);
    });
    this.#bindings = new Array<Binding>(this.#plan.program.bindingCount);
    this.#scalars = new Float64Array(traversal.literals.length);
  }

  /** How another graph differs in structure or in the numbers written into it; null when it does not. */
  differenceFrom(other: PreparedGraph): string | null {
    const all = (graph: PreparedGraph): Tensor[] => [...graph.outputs, ...graph.updates.map((update) => update.value)];
    const mine = traverse(all(this), []);
    const row = mine.row.slice(0, mine.length);
    const theirs = traverse(all(other), []);
    if (!sameSignature(row, theirs)) {
      const i = mine.nodes.findIndex((node, j) => node.op?.name !== theirs.nodes[j]?.op?.name);
      const name = (nodes: readonly Tensor[]): string => nodes[i]?.op?.name ?? (nodes[i] ? 'a leaf' : 'nothing');
      return i < 0
        ? 'sizes or attributes of its operations differ'
        : `operation ${i} of ${mine.nodes.length} is ${name(mine.nodes)} the first time and ${name(theirs.nodes)} the second`;
    }
    for (let i = 0; i < mine.literals.length; i++) {
      const a = mine.literals[i]!.leaf as Extract<NonNullable<Tensor['leaf']>, { kind: 'literal' }>;
      const b = theirs.literals[i]!.leaf as typeof a;
      if (!a.read && !Object.is(a.value, b.value)) return `the number ${a.value} becomes ${b.value}`;
    }
    return null;
  }

  /** The variables that a run updates. */
  get updated(): Variable[] {
    return this.updates.map((update) => update.variable);
  }
}
