/**
 * What becomes of a computation, stage by stage, as text: the graph, the planner's nodes, the kernels, the program.
 */
import { bytesPerElement } from '../dtype.ts';
import { valueError } from '../errors.ts';
import type { Program } from '../kernel/kernel.ts';
import { toText } from '../kernel/programText.ts';
import { launchTraffic } from '../kernel/traffic.ts';
import { type Cluster, readBases } from '../plan/cluster.ts';
import { fuse } from '../plan/fuse.ts';
import { type Lowered, lower, type PlanNode } from '../plan/lower.ts';
import { makePlan } from '../plan/plan.ts';
import { type Traversal, traverse } from '../plan/signature.ts';
import { withoutGrowth } from '../run/growth.ts';
import { formatShape, type Shape } from '../shape.ts';
import { checkTensor, type Tensor } from '../tensor.ts';

/** The stages of a computation, in the order of the work. */
export const stages = ['graph', 'nodes', 'kernels', 'program', 'memory'] as const;

/** A stage of compilation that `explain` shows. */
export type Stage = (typeof stages)[number];

/** Options of {@link explain}. */
export interface ExplainOptions {
  /** Which stages to show. Default all. */
  readonly stages?: readonly Stage[];
}

/**
 * How tensors would be computed if they were read now, in one plan. Nothing is computed.
 *
 * - `graph`: what the calls have built, one line for each tensor
 * - `nodes`: the planner's nodes, when operations are replaced by those that define them and equal work is shared
 * - `kernels`: which nodes are computed together, what each kernel reads and what it stores
 * - `program`: the launches with sizes, strides and expressions, as a backend gets them
 * - `memory`: what is held and moved
 *
 * ```ts
 * import { explain } from '@ag/tensor/debug';
 *
 * console.log(explain(x.matmul(w.value).add(b.value).sigmoid(), { stages: ['graph', 'kernels'] }));
 * ```
 *
 * @throws TypeError for anything but tensors, RangeError for a stage that there is not
 */
export function explain(tensors: Tensor | readonly Tensor[], options: ExplainOptions = {}): string {
  const asked = (Array.isArray(tensors) ? tensors : [tensors]) as readonly Tensor[];
  for (const tensor of asked) checkTensor(tensor, 'explain', 'tensor');
  const shown = options.stages ?? stages;
  for (const stage of shown) {
    if (!stages.includes(stage))
      throw valueError(`explain: there is no stage '${stage}', only ${stages.join(', ')}`);
  }
  const outputs = [...new Set(asked)].filter(({ op }) => op !== null);
  if (outputs.length === 0) return `${asked.map(valueText).join('\n')}\n`;
  return withoutGrowth(() => {
    const traversal = traverse(outputs, []);
    const lowered = lower(traversal, outputs);
    const text: Record<Stage, () => string> = {
      graph: () => graphText(traversal, outputs),
      nodes: () => nodesText(lowered),
      kernels: () => kernelsText(lowered),
      program: () => toText(makePlan(traversal, outputs, [], { fusion: true }).program),
      memory: () => memoryText(makePlan(traversal, outputs, [], { fusion: true }).program),
    };
    return shown.map((stage) => `${stage}\n\n${text[stage]()}`).join('\n');
  });
}

/** A tensor that has its elements already. */
function valueText({ leaf, shape, dtype }: Tensor): string {
  return `a value (${leaf!.kind}) ${dtype} ${formatShape(shape)}: nothing is left to compute`;
}

function graphText({ nodes }: Traversal, outputs: readonly Tensor[]): string {
  const lines = nodes.map((node, i) => {
    const what =
      node.op === null
        ? leafText(node)
        : `${node.op.name}(${node.inputs.map(({ position }) => `%${position}`).join(', ')})`;
    const result = outputs.includes(node) ? ', asked for' : '';
    return `%${i} = ${what} ${typeText(node)}${attributesText(node.op === null ? undefined : node.attributes)}${result}`;
  });
  return block(lines);
}

function leafText({ leaf }: Tensor): string {
  switch (leaf!.kind) {
    case 'literal':
      return `number ${leaf!.value}`;
    case 'variable':
      return `variable '${leaf!.variable.name}' version ${leaf!.version}`;
    case 'placeholder':
      return `placeholder '${leaf!.name}'`;
    default:
      return `${leaf!.kind} array`;
  }
}

function nodesText({ nodes, results }: Lowered): string {
  const lines = nodes.map((node) => {
    const result = results.includes(node) ? ', asked for' : '';
    return `#${node.index} = ${nodeText(node)} ${typeText(node)}${attributesText(node.attributes)}${result}`;
  });
  return block(lines);
}

function nodeText({ op, leaf, inputs }: PlanNode): string {
  if (op !== null) return `${op.name}(${inputs.map(({ index }) => `#${index}`).join(', ')}) ${op.lower.form}`;
  switch (leaf!.kind) {
    case 'binding':
      return `leaf ${leaf!.binding}`;
    case 'scalar':
      return `number $${leaf!.scalar}`;
    default:
      return `constant ${leaf!.value}`;
  }
}

function kernelsText({ nodes, results }: Lowered): string {
  const { clusters, stored } = fuse(nodes, results, true);
  return block(clusters.flatMap((cluster, i) => clusterText(cluster, i, stored)));
}

function clusterText(cluster: Cluster, position: number, stored: ReadonlySet<PlanNode>): string[] {
  const { root, members, absorbed, level } = cluster;
  const own = root ? [root, ...members] : members;
  const inside = new Set([...own, ...absorbed]);
  const read = new Set([...inside].flatMap(readBases).filter((base) => !inside.has(base)));
  const list = (some: Iterable<PlanNode>): string =>
    [...some]
      .map(({ index }) => index)
      .sort((a, b) => a - b)
      .map((index) => `#${index}`)
      .join(' ') || 'nothing';
  return [
    `${position} ${own.map(({ op }) => op!.name).join('·')} (${root ? root.op!.lower.form : 'map'}, level ${level})`,
    `  reads ${list(read)}`,
    ...(absorbed.size > 0 ? [`  computes where it reads ${list(absorbed)}`] : []),
    `  stores ${list(own.filter((node) => stored.has(node)))}`,
  ];
}

function memoryText(program: Program): string {
  const { launches, buffers, slots } = program;
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  const bound = buffers.filter(({ kind }) => kind === 'bound');
  const held = bound.map(({ length, dtype }) => length * bytesPerElement(dtype));
  const traffic = launches.map((launch) => launchTraffic(launch, program));
  return block([
    `launches: ${launches.length}`,
    `operands and results: ${bound.length} arrays, ${sum(held)} bytes`,
    `between the kernels: ${buffers.length - bound.length} arrays in ${slots.length} slots, ${sum(slots)} bytes`,
    `read: ${sum(traffic.map(({ bytesRead }) => bytesRead))} bytes, written: ${sum(traffic.map(({ bytesWritten }) => bytesWritten))} bytes`,
  ]);
}

function typeText({ shape, dtype }: { readonly shape: Shape; readonly dtype: string }): string {
  return `${dtype} ${formatShape(shape)}`;
}

function attributesText(attributes: unknown): string {
  return attributes === undefined ? '' : ` ${JSON.stringify(attributes)}`;
}

function block(lines: readonly string[]): string {
  return `${lines.join('\n')}\n`;
}
