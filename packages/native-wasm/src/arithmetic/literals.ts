/** Literals: numbers given at each run, which a kernel reads into vectors at its entry. */
import type { DType, Expression, Launch } from '@ag/tensor';
import { type ArgumentBlock, parameter } from '../abi.ts';
import * as w from '../assembler/opcodes.ts';
import type { Vector, VectorCode } from './vector.ts';

/** For each literal number and dtype its place in the argument block. */
export type LiteralFields = ReadonlyMap<string, number>;

const keyOf = (literal: number, dtype: DType) => `${dtype} ${literal}`;

export function literalFields(
  argumentBlock: ArgumentBlock,
  launch: Launch,
  expressions: readonly Expression[],
): LiteralFields {
  const fields = new Map<string, number>();
  for (const { instructions } of expressions) {
    for (const instruction of instructions) {
      if (instruction.op !== 'literal') continue;
      const key = keyOf(instruction.literal, instruction.dtype);
      if (!fields.has(key))
        fields.set(key, argumentBlock.literal(launch.literals[instruction.literal], instruction.dtype));
    }
  }
  return fields;
}

/** A literal in all lanes. */
export function literalVector(v: VectorCode, fields: LiteralFields, literal: number, dtype: DType): Vector {
  const key = keyOf(literal, dtype);
  return v.entry(`literal ${key}`, () => {
    const code = dtype === 'float64' ? w.v128_load64_splat : w.v128_load32_splat;
    v.f.get(parameter.argumentBlock).memory(code, fields.get(key)!);
  });
}
