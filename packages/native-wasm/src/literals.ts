/** Literals: numbers given at each run, read from the record into vectors at the entry of a kernel. */
import type { DType, Expression, Launch } from '@ag/tensor';
import { parameter, type RecordLayout } from './abi.ts';
import * as w from './opcodes.ts';
import type { Vector, VectorCode } from './vector.ts';

/** For each literal number its place in the record; holes where expressions do not use it. */
export type LiteralFields = readonly ({ readonly at: number; readonly dtype: DType } | undefined)[];

export function literalFields(record: RecordLayout, launch: Launch, expressions: readonly Expression[]): LiteralFields {
  const fields: ({ at: number; dtype: DType } | undefined)[] = [];
  for (const { instructions } of expressions) {
    for (const instruction of instructions) {
      if (instruction.op !== 'literal' || fields[instruction.literal]) continue;
      const { literal, dtype } = instruction;
      fields[literal] = { at: record.literal(launch.literals[literal], dtype), dtype };
    }
  }
  return fields;
}

/** The literals as vectors, indexed by literal number. */
export function bindLiterals(v: VectorCode, fields: LiteralFields): Vector[] {
  const vectors: Vector[] = [];
  fields.forEach((field, i) => {
    if (!field) return;
    vectors[i] = v.entry(`literal${i}`, () => {
      const code = field.dtype === 'float64' ? w.v128_load64_splat : w.v128_load32_splat;
      v.f.get(parameter.record).memory(code, field.at);
    });
  });
  return vectors;
}
