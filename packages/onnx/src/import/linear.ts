/**
 * Products: matrices and what is written as one, determinants.
 */
import { det, einsum, type Tensor } from '@ag/tensor';
import type { Call, Rules } from './call.ts';

function gemm(call: Call): Tensor {
  const turned = (i: number, name: string): Tensor =>
    call.int(name, 0) === 1 ? call.tensor(i).transpose() : call.tensor(i);
  const product = turned(0, 'transA').matmul(turned(1, 'transB'));
  const alpha = call.float('alpha', 1);
  const scaled = alpha === 1 ? product : product.mul(alpha);
  const c = call.optional(2);
  if (!c) return scaled;
  const beta = call.float('beta', 1);
  return scaled.add(beta === 1 ? c : c.mul(beta));
}

export const linear: Rules = {
  MatMul: (call) => call.tensor(0).matmul(call.tensor(1)),
  Gemm: gemm,
  Einsum: (call) => einsum(call.text('equation').replaceAll(' ', ''), ...call.tensors()),
  Det: (call) => det(call.tensor(0)),
};
