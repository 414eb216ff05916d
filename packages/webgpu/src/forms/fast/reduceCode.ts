/** The WGSL of a reduction: each invocation combines some terms, then those that share a result combine what they have. */
import type { KernelWriter } from '../../emit/kernelWriter.ts';
import { declareOnce } from './axes.ts';
import type { Combiner } from './combine.ts';
import { chain, type ReduceShape } from './reduceShape.ts';

/** What a reduction reads and what follows from a result. */
export interface ReduceParts {
  readonly combiner: Combiner;
  /** u32 or i32 argument texts: how many results, how many terms. */
  readonly results: string;
  readonly terms: string;
  /** Statements where the result `result` (u32) is known: where its operands begin. */
  readonly begin: readonly string[];
  /** Statements for the term `term` (u32), and the text of its value and of its position. */
  readonly term: { readonly lines: readonly string[]; readonly value: string; readonly position: string };
  /** Statements for a finished `total` (and `totalAt`); with parts `part` is known, too. */
  readonly end: readonly string[];
  /** float32 sums and products are made of chains. */
  readonly chained: boolean;
  /** Whether terms are states, of which totals are made, and not numbers. */
  readonly merging: boolean;
}

export function reduceBody(w: KernelWriter, shape: ReduceShape, parts: ReduceParts): string[] {
  const { combiner } = parts;
  const { sharing } = shape;
  const threads = shape.results * sharing;
  const lanes =
    sharing === 1
      ? 'let share = 0u; let own = lane;'
      : shape.results === 1
        ? 'let share = lane; let own = 0u;'
        : shape.termsFirst
          ? `let share = lane % ${sharing}u; let own = lane / ${sharing}u;`
          : `let own = lane % ${shape.results}u; let share = lane / ${shape.results}u;`;
  const split = shape.parts > 1;
  const { value, position } = parts.term;
  const take = (name: string): string => combiner[parts.merging ? 'merge' : 'take'](name, value, position);
  const loop = parts.chained
    ? [
        `for (var start = begin + share; start < end; start += ${sharing * chain}u) {`,
        combiner.declare('link'),
        `let stop = min(start + ${sharing * chain}u, end);`,
        `for (var term = start; term < stop; term += ${sharing}u) {`,
        ...parts.term.lines,
        take('link'),
        '}',
        combiner.merge('total', 'link', 'linkAt'),
        '}',
      ]
    : [
        `for (var term = begin + share; term < end; term += ${sharing}u) {`,
        ...parts.term.lines,
        take('total'),
        '}',
      ];
  return [
    lanes,
    split
      ? `let part = group % u32(${w.argument(shape.parts)}); let team = group / u32(${w.argument(shape.parts)});`
      : 'let team = group;',
    `let count = u32(${parts.results});`,
    `let place = team * ${shape.results}u + own;`,
    'let result = min(place, count - 1u);',
    ...parts.begin,
    split
      ? `let begin = part * u32(${w.argument(shape.partTerms)}); let end = min(begin + u32(${w.argument(shape.partTerms)}), u32(${parts.terms}));`
      : `let begin = 0u; let end = u32(${parts.terms});`,
    combiner.declare('total'),
    ...loop,
    ...treeCode(w, combiner, 'total', threads, sharing, 'own', 'share'),
    'if (share == 0u && place < count) {',
    ...parts.end,
    '}',
  ];
}

/**
 * Combines the states `name` of invocations `lane` = 0 … sharing − 1 of the same `own`; afterwards lane 0 has the result. All invocations
 * of the workgroup have to come here.
 */
export function treeCode(
  w: KernelWriter,
  combiner: Combiner,
  name: string,
  threads: number,
  sharing: number,
  own: string,
  lane: string,
): string[] {
  if (sharing === 1) return [];
  const values = `lanes_${combiner.type}`;
  declareOnce(w, `var<workgroup> ${values}: array<${combiner.type}, ${threads}>;`);
  if (combiner.finds) declareOnce(w, `var<workgroup> lanePositions: array<i32, ${threads}>;`);
  const at = combiner.finds;
  const save = [`${values}[slot] = ${name};`, ...(at ? [`lanePositions[slot] = ${name}At;`] : [])];
  return [
    '{',
    `let slot = ${own} * ${sharing}u + ${lane};`,
    ...save,
    'workgroupBarrier();',
    `for (var half = ${sharing / 2}u; half > 0u; half /= 2u) {`,
    `if (${lane} < half) {`,
    combiner.merge(name, `${values}[slot + half]`, at ? 'lanePositions[slot + half]' : '0'),
    ...save,
    '}',
    'workgroupBarrier();',
    '}',
    '}',
  ];
}
