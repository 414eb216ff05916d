/**
 * The launch of a loop: one kernel that holds the programs of its bodies.
 *
 * What a loop is made of and which program runs when, the operation knows; a plan knows that a graph becomes a program of its
 * own, and that results are parts of the loop's kernel.
 */
import type { Launch } from '../kernel/kernel.ts';
import type { GraphCompiler, Lowering } from '../ops/op.ts';
import { contiguousStrides } from '../shape.ts';
import type { Cluster } from './cluster.ts';
import type { BufferPositions } from './kernelBody.ts';
import type { LoopNodeAttributes } from './loopInputs.ts';
import { baseOf, type PlanNode, viewOf } from './lower.ts';

type LoopLowering = Extract<Lowering<unknown>, { form: 'loop' }>;

/** The launch of a loop; none where nothing is read of it. */
export function emitLoop(
  cluster: Cluster,
  root: PlanNode,
  bufferOf: BufferPositions,
  label: string,
  compile: GraphCompiler,
): Launch[] {
  const results = cluster.members.filter((member) => bufferOf.has(member));
  if (results.length === 0) return [];
  const { own, kept, types } = root.attributes as LoopNodeAttributes;
  const stored: PlanNode[] = [];
  const operands = types.map(() => -1);
  const scalars: ({ scalar: number } | { value: number } | null)[] = types.map(() => null);
  const literals: number[] = [];
  root.inputs.forEach((x, i) => {
    if (x.leaf?.kind === 'scalar') {
      scalars[kept[i]] = { scalar: x.leaf.scalar };
      literals.push(x.leaf.scalar);
    } else if (x.leaf?.kind === 'constant') scalars[kept[i]] = { value: x.leaf.value };
    else operands[kept[i]] = stored.push(x) - 1;
  });
  const kernel = (root.op!.lower as LoopLowering).kernel({
    attributes: own,
    inputs: types,
    operands,
    scalars,
    results: results.map((result) => result.attributes),
    compile,
  });
  return [
    {
      kernel,
      dims: [],
      operands: [
        ...stored.map((x) => {
          const { offset, dynamic } = viewOf(x)!;
          return {
            buffer: bufferOf.get(baseOf(x))!,
            offset,
            dynamic,
            strides: contiguousStrides(x.shape),
          };
        }),
        ...results.map((x) => ({
          buffer: bufferOf.get(x)!,
          offset: 0,
          dynamic: [],
          strides: contiguousStrides(x.shape),
        })),
      ],
      literals,
      shapes: [...stored, ...results].map((x) => x.shape),
      label,
    },
  ];
}
