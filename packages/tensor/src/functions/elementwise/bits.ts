/** Operations on the bits of integers. They have no gradient. */
import { builder, s } from '../../kernel/expression.ts';
import { binaryFunction, integerType, number, unaryFunction } from './define.ts';

/** Each bit: 1 where both have it; logical and of bool. @throws TypeError for floats */
export const bitwiseAnd = /* @__PURE__ */ binaryFunction('bitwiseAnd', {
  of: (a, b) => s.and(a, b),
  type: /* @__PURE__ */ integerType('bitwiseAnd', true),
  cost: 1,
});

/** Each bit: 1 where either has it; logical or of bool. @throws TypeError for floats */
export const bitwiseOr = /* @__PURE__ */ binaryFunction('bitwiseOr', {
  of: (a, b) => s.or(a, b),
  type: /* @__PURE__ */ integerType('bitwiseOr', true),
  cost: 1,
});

/** Each bit: 1 where exactly one has it; exclusive or of bool. @throws TypeError for floats */
export const bitwiseXor = /* @__PURE__ */ binaryFunction('bitwiseXor', {
  of: (a, b) => s.xor(a, b),
  type: /* @__PURE__ */ integerType('bitwiseXor', true),
  cost: 1,
});

/** Each bit turned: −1 − x of int32; `logicalNot` of bool. @throws TypeError for floats */
export const bitwiseNot = /* @__PURE__ */ unaryFunction('bitwiseNot', {
  of: (x) => {
    const dtype = builder().dtypeOf(x);
    if (dtype === 'bool') return s.not(x);
    const ones = dtype === 'int32' ? -1 : dtype === 'uint32' ? 2 ** 32 - 1 : 255;
    return s.xor(x, number(ones, x));
  },
  type: /* @__PURE__ */ integerType('bitwiseNot', true),
  cost: 1,
});

/** x·2ⁿ: bits moved up, and lost beyond the dtype; 0 for a count below 0 or above 31. @throws TypeError for floats and bool */
export const leftShift = /* @__PURE__ */ binaryFunction('leftShift', {
  of: (x, count) => s.shiftLeft(x, count),
  type: /* @__PURE__ */ integerType('leftShift', false),
  cost: 4,
});

/** ⌊x/2ⁿ⌋: bits moved down; 0, or −1 for negative numbers, for a count below 0 or above 31. @throws TypeError for floats and bool */
export const rightShift = /* @__PURE__ */ binaryFunction('rightShift', {
  of: (x, count) => s.shiftRight(x, count),
  type: /* @__PURE__ */ integerType('rightShift', false),
  cost: 4,
});
