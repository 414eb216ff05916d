/**
 * The programs of a loop, for what is read of it: the rest of the body is not computed.
 */
import { bytesPerElement, computedDType } from '../dtype.ts';
import type { LoopKernel } from '../kernel/kernel.ts';
import type { LoopSchedule, ScalarSource } from '../kernel/loopSchedule.ts';
import type { CompiledGraph, GraphCompiler, LoopRequest, TensorType } from '../ops/op.ts';
import { bindLoop } from '../reference/loop.ts';
import { sizeOf } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { bodyOf, type LoopAttributes, type LoopResult, lengthOf, positionsIn } from './attributes.ts';
import { ancestorsOf, type Body, type Needs } from './body.ts';
import { runSchedule } from './schedule.ts';

/** Positions of the inputs of a loop that some of its results need. */
export function keptInputs(
  inputs: readonly TensorType[],
  attributes: LoopAttributes,
  results: readonly unknown[],
): number[] {
  const body = bodyOf(attributes, inputs).structure;
  const needs = needsOf(body, results as readonly LoopResult[]);
  const at = positionsIn(attributes);
  return [
    ...needs.carry,
    ...needs.sequences.map((i) => at.sequences + i),
    ...needs.captured.map((i) => at.captured + i),
    ...(attributes.counted ? [at.count] : []),
    ...needs.scalars.map((i) => at.scalars + i),
  ];
}

/** What the results need: the carried values that they are made of, at any number of steps, and what these read. */
function needsOf(body: Body, results: readonly LoopResult[]): Needs {
  const key = JSON.stringify(results);
  const known = body.needs.get(key);
  if (known) return known;
  const carry = new Set<number>();
  const roots = new Set<Tensor>(body.condition ? [body.condition] : []);
  for (const result of results) {
    if (result.of === 'final') carry.add(result.at);
    if (result.of === 'stack') roots.add(body.nodes[result.at]);
  }
  for (;;) {
    for (const i of carry) roots.add(body.next[i]);
    const met = ancestorsOf([...roots]);
    const before = carry.size;
    body.carry.forEach((leaf, i) => {
      if (met.has(leaf)) carry.add(i);
    });
    if (carry.size > before) continue;
    const positions = (leaves: readonly Tensor[]): number[] =>
      leaves.flatMap((leaf, i) => (met.has(leaf) ? [i] : []));
    const needs: Needs = {
      carry: [...carry].sort((a, b) => a - b),
      sequences: positions(body.sequences),
      captured: positions(body.captured),
      scalars: positions(body.scalars),
    };
    body.needs.set(key, needs);
    return needs;
  }
}

/** A program of the body for some of its nodes, made once. */
function programOf(body: Body, outputs: readonly Tensor[], compile: GraphCompiler): CompiledGraph {
  const key = `${compile.fusion} ${compile.maxBuffers} ${outputs.map((node) => body.positions.get(node)).join()}`;
  let program = body.programs.get(key);
  if (!program) {
    program = compile(outputs);
    body.programs.set(key, program);
  }
  return program;
}

/** The kernel of a loop. */
export function loopKernel(
  name: string,
  { attributes, inputs, operands, scalars, results, compile }: LoopRequest<LoopAttributes>,
): LoopKernel {
  const body = bodyOf(attributes, inputs).structure;
  const wanted = results as readonly LoopResult[];
  const needs = needsOf(body, wanted);
  const at = positionsIn(attributes);
  const inputCount = operands.filter((operand) => operand >= 0).length;
  const areaOf = (of: LoopResult['of'], position: number): number => {
    const i = wanted.findIndex((result) => result.of === of && result.at === position);
    return i < 0 ? -1 : inputCount + i;
  };
  const scratch: number[] = [];
  const reserve = (bytes: number): number => inputCount + wanted.length + scratch.push(bytes) - 1;
  const bytesOf = ({ shape, dtype }: TensorType): number => sizeOf(shape) * bytesPerElement(dtype);

  const carryPositions = new Map(body.carry.map((leaf, i) => [body.positions.get(leaf) ?? -1 - i, i]));
  const stacked = wanted.flatMap((result, i) =>
    result.of === 'stack' && !carryPositions.has(result.at)
      ? [{ node: body.nodes[result.at], area: inputCount + i }]
      : [],
  );
  const main = programOf(
    body,
    [...needs.carry.map((i) => body.next[i]), ...stacked.map(({ node }) => node)],
    compile,
  );
  const test = body.condition && programOf(body, [body.condition], compile);
  const inBody = new Map(main.leaves.map((leaf, binding) => [leaf, binding]));
  const inTest = new Map((test?.leaves ?? []).map((leaf, binding) => [leaf, binding]));
  const fixedIn = (bindings: ReadonlyMap<Tensor, number>) =>
    body.captured.flatMap((leaf, i) => {
      const binding = bindings.get(leaf);
      return binding === undefined ? [] : [{ area: operands[at.captured + i], binding }];
    });
  const scalarsIn = (program: CompiledGraph) => ({
    count: program.literals.length,
    sources: program.literals.map((leaf): ScalarSource => {
      if (leaf === body.index) return null;
      const input = at.scalars + body.scalars.indexOf(leaf);
      if (scalars[input]) return scalars[input];
      // What is met for its shape only is not read; numbers given at each run are of no storage dtype.
      return operands[input] < 0 ? { value: 0 } : { area: operands[input], dtype: computedDType(leaf.dtype) };
    }),
  });
  const schedule: LoopSchedule = {
    name,
    length: lengthOf(attributes, inputs),
    reverse: attributes.reverse,
    count: attributes.counted ? operands[at.count] : -1,
    taken: areaOf('count', 0),
    carried: needs.carry.map((i, k) => {
      const leaf = body.carry[i];
      const bytes = bytesOf(leaf);
      const final = areaOf('final', i);
      const position = body.positions.get(leaf);
      const rows = position === undefined ? -1 : areaOf('stack', position);
      return {
        bytes,
        initial: operands[i],
        final,
        rows,
        spare: final < 0 ? reserve(bytes) : -1,
        other: rows < 0 ? reserve(bytes) : -1,
        reads: inBody.get(leaf) ?? -1,
        writes: main.leaves.length + k,
        conditionReads: inTest.get(leaf) ?? -1,
      };
    }),
    sequences: body.sequences.flatMap((leaf, i) => {
      const binding = inBody.get(leaf);
      return binding === undefined
        ? []
        : [{ area: operands[at.sequences + i], bytes: bytesOf(leaf), binding }];
    }),
    stacks: stacked.map(({ node, area }, k) => ({
      area,
      bytes: bytesOf(node),
      binding: main.leaves.length + needs.carry.length + k,
    })),
    fixed: fixedIn(inBody),
    bindings: main.program.bindingCount,
    scalars: scalarsIn(main),
    condition: test && {
      bindings: test.program.bindingCount,
      fixed: fixedIn(inTest),
      scalars: scalarsIn(test),
      area: reserve(8),
      binding: test.leaves.length,
    },
  };
  const bodyOutputs = wanted.map((result) => resultTypeOf(result, body));
  return {
    form: 'loop',
    name,
    inputs: operands
      .flatMap((operand, i) => (operand >= 0 ? [{ operand, dtype: inputs[i].dtype }] : []))
      .sort((a, b) => a.operand - b.operand)
      .map(({ dtype }) => dtype),
    outputs: bodyOutputs,
    programs: test ? [main.program, test.program] : [main.program],
    scratch,
    schedule,
    steps: Number.isFinite(schedule.length) ? schedule.length : 16,
    run: (machine) => runSchedule(schedule, machine),
    bindToArrays: bindLoop,
  };
}

function resultTypeOf(result: LoopResult, body: Body): TensorType['dtype'] {
  if (result.of === 'count') return 'int32';
  return (result.of === 'final' ? body.carry[result.at] : body.nodes[result.at]).dtype;
}
