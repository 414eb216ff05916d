/**
 * The backend tests of the onnx package, from the archive that `scripts/nodeTests.py` writes.
 */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { type Tensor, tensor } from '@ag/tensor';
import { decodeMessage } from '../file/decode.ts';
import { type HostArray, readTensor } from '../file/tensors.ts';
import { loadOnnx } from '../import/model.ts';
import { hostOf, tensorOf } from '../import/value.ts';
import { TensorProtoSchema } from '../proto/onnx.ts';

type Part = readonly [offset: number, length: number];

/** One test: a model, and what comes out for what goes in. */
export interface NodeTest {
  readonly name: string;
  readonly kind: string;
  readonly model: Part;
  readonly sets: readonly { readonly inputs: readonly Part[]; readonly outputs: readonly Part[] }[];
  readonly rtol: number;
  readonly atol: number;
}

export interface NodeTests {
  readonly cases: readonly NodeTest[];
  /** Tests that are not in the archive, by name, with the reason. */
  readonly leftOut: { readonly [name: string]: string };
  /** The bytes of a part. */
  bytes(part: Part): Uint8Array;
}

export function nodeTests(): NodeTests {
  const file = gunzipSync(readFileSync(new URL('../../fixtures/nodeTests.bin.gz', import.meta.url)));
  const length = file.readUInt32LE(0);
  const { cases, leftOut } = JSON.parse(file.subarray(4, 4 + length).toString());
  const start = 4 + length;
  return {
    cases,
    leftOut,
    bytes: ([offset, size]) => new Uint8Array(file.subarray(start + offset, start + offset + size)),
  };
}

function arrayOf(bytes: Uint8Array): HostArray & { readonly name: string } {
  const proto = decodeMessage('test', TensorProtoSchema, bytes);
  return { ...readTensor(proto, 'test', null), name: proto.name };
}

/** Runs one test; of what is drawn at random only sizes and types are compared. @throws an error that says what differs */
export function runNodeTest(tests: NodeTests, test: NodeTest, drawn = false): void {
  const model = loadOnnx(tests.bytes(test.model));
  for (const { inputs, outputs } of test.sets) {
    const given = inputs.map((part) => arrayOf(tests.bytes(part)));
    const fed = given.map((array) => tensorOf(hostOf(array)));
    const results = model.forward(...fed);
    outputs.forEach((part, i) => {
      compare(results[i], arrayOf(tests.bytes(part)), test, drawn);
    });
  }
}

function compare(result: Tensor, expected: HostArray, { rtol, atol }: NodeTest, drawn: boolean): void {
  if (result.shape.join() !== expected.shape.join()) {
    throw new Error(`shape [${result.shape}] instead of [${expected.shape}]`);
  }
  const floating = expected.type.startsWith('float');
  if (
    floating !== result.dtype.startsWith('float') ||
    (expected.type === 'bool') !== (result.dtype === 'bool')
  ) {
    throw new Error(`dtype ${result.dtype} instead of ${expected.type}`);
  }
  const own = result.dataSync();
  if (drawn) return;
  const { data } = expected;
  for (let i = 0; i < data.length; i++) {
    const [a, b] = [own[i], data[i]];
    const near =
      a === b || (Number.isNaN(a) && Number.isNaN(b)) || Math.abs(a - b) <= atol + rtol * Math.abs(b);
    if (!near) throw new Error(`element ${i} is ${a} instead of ${b}`);
  }
}

/** A tensor of any numbers, for tests. */
export function numbers(shape: readonly number[], from = 0): Tensor {
  const size = shape.reduce((product, n) => product * n, 1);
  return tensor(
    Float32Array.from({ length: size }, (_, i) => Math.sin(i + from)),
    { shape },
  );
}
