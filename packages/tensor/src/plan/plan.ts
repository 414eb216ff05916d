/**
 * A plan: everything about running a graph of one structure that does not depend on its numbers.
 *
 * Lower, fuse, emit launches, mark those that go over the same rows, give each stored value memory. A graph goes in and
 * a program comes out: nothing here knows a backend or changes anything.
 */
import type { BufferSpec, Launch, Program } from '../kernel/kernel.ts';
import type { CompiledGraph } from '../ops/op.ts';
import { checkShape, sizeOf } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { markBands } from './bands.ts';
import type { Cluster } from './cluster.ts';
import { postponeWaits } from './collectives.ts';
import { emit, type ScopeNames } from './emit.ts';
import { fuse } from './fuse.ts';
import type { BufferPositions } from './kernelBody.ts';
import { type Lowered, lower, type PlanNode } from './lower.ts';
import { overwriteRule } from './overwrite.ts';
import { type PlannedUpdate, type Traversal, traverse } from './signature.ts';
import { assignSlots } from './slots.ts';

export interface Plan {
  readonly signature: Int32Array;
  readonly program: Program;
  /** How many leaves kernels read: the program's first bindings. */
  readonly boundLeaves: number;
  /** The binding of each leaf of the traversal, −1 where only its shape matters. */
  readonly leafBindings: readonly number[];
  /** For each update, whether it is written over the variable's current memory. */
  readonly inPlace: readonly boolean[];
  /** Whether a run meets other processes: one that has begun is not tried again. */
  readonly collective: boolean;
}

export interface PlanOptions {
  /** One kernel for each node when false: slow, for tests that compare. */
  readonly fusion: boolean;
  /** Launches say where they come from, for profiles. */
  readonly scopeOf?: ScopeNames | null;
  /** Buffers that a kernel may read and write. Default: as many as it takes. */
  readonly maxBuffers?: number;
}

/**
 * Bindings of a program, in order: the leaves that kernels read, the outputs, the updates' new values.
 *
 * @throws RangeError naming an operation whose result has more elements than a tensor may have
 */
export function makePlan(
  traversal: Traversal,
  outputs: readonly Tensor[],
  updates: readonly PlannedUpdate[],
  { fusion, scopeOf = null, maxBuffers = Number.POSITIVE_INFINITY }: PlanOptions,
): Plan {
  // Broadcasting and products make tensors of any size out of small ones.
  for (const { op, shape } of traversal.nodes) if (op) checkShape(shape, op.name);
  const signature = traversal.signature.slice(0, traversal.length);
  const compile = Object.assign((graph: readonly Tensor[]) => compileGraph(graph, fusion, maxBuffers), {
    fusion,
    maxBuffers,
  });
  // Last to first: gradients come out of backpropagation in that order, so each is used up soon after it is made.
  const reversed = updates.map(({ value }) => value).reverse();
  const lowered = lower(traversal, [...outputs, ...reversed]);
  const { clusters, stored } = fuse(lowered.nodes, lowered.results, fusion, maxBuffers);
  const layout = layOut(lowered, outputs.length, clusters, stored);
  const emitted = clusters.flatMap((cluster) => emit(cluster, layout.bufferOf, scopeOf, compile));
  const { buffers, launches, leafBindings, boundLeaves } = dropUnreadLeaves(layout, postponeWaits(emitted));

  const firstUpdate = boundLeaves + outputs.length;
  const isUpdate = (buffer: number): boolean => {
    const spec = buffers[buffer];
    return spec.kind === 'bound' && spec.binding >= firstUpdate;
  };
  const banded = fusion ? markBands(launches, (buffer) => !isUpdate(buffer)) : launches;
  const { specs, slots } = assignSlots(buffers, banded);

  const bufferAt = new Map(
    specs.flatMap((spec, buffer): [number, number][] =>
      spec.kind === 'bound' ? [[spec.binding, buffer]] : [],
    ),
  );
  const bindingOf = new Map(traversal.leaves.map((leaf, i) => [leaf, leafBindings[i]]));
  const canOverwrite = overwriteRule(banded);
  const aliases: [number, number][] = [];
  const inPlace = updates.map(({ variable }, i) => {
    if (!variable.inPlace) return false;
    const current = variable.currentLeaf();
    const binding = current?.visitMark === traversal.visitMark ? bindingOf.get(current) : undefined;
    const old = binding === undefined || binding < 0 ? null : bufferAt.get(binding);
    const overwrites = canOverwrite(bufferAt.get(firstUpdate + i)!, old ?? null);
    if (overwrites && binding !== undefined && binding >= 0) aliases.push([firstUpdate + i, binding]);
    return overwrites;
  });
  return {
    signature,
    program: {
      slots,
      buffers: specs,
      bindingCount: firstUpdate + updates.length,
      scalarCount: traversal.literals.length,
      launches: banded,
      ...(aliases.length > 0 && { aliases }),
    },
    boundLeaves,
    leafBindings,
    inPlace,
    collective: banded.some(({ kernel }) => kernel.form === 'host' && kernel.collective !== undefined),
  };
}

/** A graph inside of an operation as a program. Its walk writes over the signature of the graph around it. */
function compileGraph(outputs: readonly Tensor[], fusion: boolean, maxBuffers: number): CompiledGraph {
  const traversal = traverse(outputs, []);
  const { program, leafBindings } = makePlan(traversal, outputs, [], { fusion, maxBuffers });
  const leaves: Tensor[] = [];
  leafBindings.forEach((binding, i) => {
    if (binding >= 0) leaves[binding] = traversal.leaves[i];
  });
  return { program, leaves, literals: traversal.literals };
}

/** Buffers of a program to be: bound ones for leaves and results, slots to be assigned for what is stored between kernels. */
interface Layout {
  readonly buffers: readonly BufferSpec[];
  readonly bufferOf: BufferPositions;
  readonly leaves: readonly PlanNode[];
}

function layOut(
  { nodes, results }: Lowered,
  outputCount: number,
  clusters: readonly Cluster[],
  stored: ReadonlySet<PlanNode>,
): Layout {
  const buffers: BufferSpec[] = [];
  const bufferOf = new Map<PlanNode, number>();
  const leaves: PlanNode[] = [];
  for (const node of nodes) {
    if (node.leaf?.kind !== 'binding') continue;
    leaves.push(node);
    bufferOf.set(node, buffers.push(bound(node, node.leaf.binding)) - 1);
  }
  results.forEach((node, i) => {
    // Results are the outputs, then the updates in reverse.
    const position = i < outputCount ? i : results.length - 1 - (i - outputCount);
    bufferOf.set(node, buffers.push(bound(node, leaves.length + position)) - 1);
  });
  for (const { root, members } of clusters) {
    for (const node of root ? [root, ...members] : members) {
      if (!stored.has(node) || bufferOf.has(node)) continue;
      const slot = { kind: 'slot', slot: -1, dtype: node.dtype, length: sizeOf(node.shape) } as const;
      bufferOf.set(node, buffers.push(slot) - 1);
    }
  }
  return { buffers, bufferOf, leaves };
}

function bound(node: PlanNode, binding: number): BufferSpec {
  return { kind: 'bound', binding, dtype: node.dtype, length: sizeOf(node.shape) };
}

/** Leaves of which only the shape matters are not bound; what comes behind them moves up. */
function dropUnreadLeaves(
  { buffers, bufferOf, leaves }: Layout,
  launches: readonly Launch[],
): {
  readonly buffers: readonly BufferSpec[];
  readonly launches: readonly Launch[];
  readonly leafBindings: readonly number[];
  readonly boundLeaves: number;
} {
  const read = new Set(launches.flatMap(({ operands }) => operands.map(({ buffer }) => buffer)));
  let boundLeaves = 0;
  const leafBindings = leaves.map((leaf) => (read.has(bufferOf.get(leaf)!) ? boundLeaves++ : -1));
  const kept: BufferSpec[] = [];
  const moved = buffers.map((spec) => {
    if (spec.kind === 'slot') return kept.push(spec) - 1;
    const { binding } = spec;
    const next = binding < leaves.length ? leafBindings[binding] : binding - leaves.length + boundLeaves;
    return next < 0 ? -1 : kept.push({ ...spec, binding: next }) - 1;
  });
  return {
    buffers: kept,
    launches: launches.map((launch) => ({
      ...launch,
      operands: launch.operands.map((operand) =>
        operand.buffer < 0 ? operand : { ...operand, buffer: moved[operand.buffer] },
      ),
    })),
    leafBindings,
    boundLeaves,
  };
}
