/** Expressions in a kernel: their operands loaded where the kernel stands, their results stored. */
import type { Expression, Output } from '@ag/tensor';
import { type EmittedExpression, emitExpression, wrapped } from './expression.ts';
import type { KernelWriter } from './kernelWriter.ts';

/** An expression at one position; `addressOf` gives the address of an operand there. */
export function evaluate(
  writer: KernelWriter,
  expression: Expression,
  addressOf: (operand: number) => string,
  prefix: string,
  accumulator?: string,
): EmittedExpression {
  return emitExpression(expression, {
    load: (operand) => writer.load(operand, addressOf(operand)),
    coordinate: addressOf,
    literal: (literal, dtype) => writer.literal(literal, dtype),
    use: (name) => writer.use(name),
    prefix,
    ...(accumulator !== undefined && { accumulator }),
  });
}

/** Statements that store results to the operands from number `first` on, or add them to what is there. */
export function storeResults(
  writer: KernelWriter,
  results: readonly string[],
  outputs: readonly Output[],
  first: number,
  addressOf: (operand: number) => string,
): string[] {
  return outputs.map(({ dtype, accumulate }, i) => {
    const address = addressOf(first + i);
    const value = results[i];
    if (!accumulate) return writer.store(first + i, address, value);
    const old = writer.load(first + i, address);
    const sum = dtype === 'bool' ? `(${old} || ${value})` : wrapped(`${old} + ${value}`, dtype);
    return writer.store(first + i, address, sum);
  });
}

/** Operand numbers that an expression loads or asks the coordinates of. */
export function operandsOf(expression: Expression): number[] {
  const found = new Set<number>();
  for (const instruction of expression.instructions)
    if (instruction.op === 'load' || instruction.op === 'coordinate') found.add(instruction.operand);
  return [...found];
}
