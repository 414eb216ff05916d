/** Elements in all their places and types. */
import { create, toBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { loadOnnx } from '../import/model.ts';
import { ModelProtoSchema, type TensorProto, TensorProtoSchema } from '../proto/onnx.ts';
import { modelOf, perceptron } from '../testing/build.ts';
import { decodeModel } from './decode.ts';
import { elementTypes, readTensor } from './tensors.ts';

const proto = (fields: object): TensorProto => create(TensorProtoSchema, { dims: [2n], ...fields });
const type = (name: (typeof elementTypes)[number]): number => elementTypes.indexOf(name);

describe('elements', () => {
  it.each([
    ['float32', { floatData: [1.5, -2] }, [1.5, -2]],
    ['float64', { doubleData: [0.1, 2] }, [0.1, 2]],
    ['int64', { int64Data: [-5n, 2n ** 40n] }, [-5, 2 ** 40]],
    ['int32', { int32Data: [-5, 7] }, [-5, 7]],
    ['uint32', { uint64Data: [5n, 4294967295n] }, [5, 4294967295]],
    ['uint8', { int32Data: [5, 255] }, [5, 255]],
    ['bool', { int32Data: [0, 3] }, [0, 1]],
    ['float16', { int32Data: [0x3c00, 0xc100] }, [1, -2.5]],
    ['bfloat16', { int32Data: [0x3f80, 0xc020] }, [1, -2.5]],
    ['float32', { rawData: Uint8Array.of(0, 0, 128, 63, 0, 0, 0, 192) }, [1, -2]],
    [
      'int64',
      { rawData: Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 254, 255, 255, 255, 255, 255, 255, 255) },
      [1, -2],
    ],
    ['float16', { rawData: Uint8Array.of(1, 0, 0, 0x7c) }, [2 ** -24, Number.POSITIVE_INFINITY]],
  ] as const)('of type %s', (name, fields, expected) => {
    expect([...readTensor(proto({ dataType: type(name), ...fields }), 'test', null).data]).toEqual(expected);
  });

  it.each([
    ['int8', { int32Data: [1, 2] }, /elements of type int8 are not supported/],
    ['string', { stringData: [new Uint8Array(1), new Uint8Array(1)] }, /elements of type string/],
    ['float32', { floatData: [1] }, /\[2\] float32 needs 2 elements, the file has 1/],
    ['float32', { rawData: new Uint8Array(7) }, /needs 8 bytes, the file has 7/],
    ['float32', { dims: [-1n], floatData: [1] }, /a size is negative/],
    ['float32', { dims: [2n ** 62n] }, /which is not possible/],
    ['float32', { dims: [2n ** 31n] }, /more than a tensor can hold/],
    ['float32', { dims: [0n, 2n ** 40n] }, /more than a tensor can hold/],
    ['float32', { dataLocation: 1 }, /does not say where/],
    [
      'float32',
      { dataLocation: 1, externalData: [{ key: 'location', value: 'w' }] },
      /its elements lie in another file, "w"; give it/,
    ],
  ] as const)('of type %s that are not right', (name, fields, message) => {
    expect(() => readTensor(proto({ dataType: type(name), ...fields }), 'test', null)).toThrow(message);
  });
});

describe('external data', () => {
  const { proto: model } = decodeModel('test', modelOf(perceptron));
  const whole = new Uint8Array(200);
  let offset = 0;
  for (const tensor of model.graph!.initializer) {
    whole.set(tensor.rawData, offset);
    tensor.externalData = [
      { key: 'location', value: 'model.onnx_data' },
      { key: 'offset', value: String(offset) },
      { key: 'length', value: String(tensor.rawData.length) },
    ].map((entry) => ({ ...entry, $typeName: 'onnx.StringStringEntryProto' as const }));
    offset += tensor.rawData.length;
    tensor.dataLocation = 1;
    tensor.rawData = new Uint8Array(0);
  }
  const bytes = toBinary(ModelProtoSchema, model);
  const state = (options: object): number[] =>
    Object.values(loadOnnx(bytes, options).stateDict()).flatMap((t) => [...t.dataSync()]);
  const inside = Object.values(loadOnnx(modelOf(perceptron)).stateDict()).flatMap((t) => [...t.dataSync()]);

  it('comes from files by name, or from a function', () => {
    expect(state({ external: { 'model.onnx_data': whole } })).toEqual(inside);
    const read = (location: string, from: number, length: number | undefined) => {
      expect(location).toBe('model.onnx_data');
      return whole.subarray(from, from + length!);
    };
    expect(state({ external: read })).toEqual(inside);
  });

  it('is missed by name', () => {
    expect(() => loadOnnx(bytes)).toThrow(
      /"first.weight": its elements lie in another file, "model.onnx_data"/,
    );
    expect(() => loadOnnx(bytes, { external: { other: whole } })).toThrow(/not among the files given: other/);
    expect(() => loadOnnx(bytes, { external: { 'model.onnx_data': whole.subarray(0, 10) } })).toThrow(
      /has 10 bytes at 0 where 48 are needed/,
    );
  });
});

describe('half precision', () => {
  const model = modelOf({
    ...perceptron,
    tensors: { ...perceptron.tensors, 'first.bias': { type: 'float32', shape: [4], data: [0, 0, 0, 0] } },
  });
  const { proto: half } = decodeModel('test', model);
  half.graph!.initializer[1].dataType = type('float16');
  half.graph!.initializer[1].rawData = Uint8Array.of(0, 0x3c, 0, 0x40, 0, 0, 0, 0);
  const bytes = toBinary(ModelProtoSchema, half);

  it('becomes float32, or is refused', () => {
    const bias = loadOnnx(bytes).namedParameters().get('first.bias')!;
    expect([...bias.value.dataSync()]).toEqual([1, 2, 0, 0]);
    expect(bias.dtype).toBe('float32');
    expect(() => loadOnnx(bytes, { widen: false })).toThrow(/"first.bias" is float16/);
  });
});

it('reads Buffers of Node, whose slice() copies nothing', () => {
  const bytes = Buffer.concat([Buffer.alloc(3), modelOf(perceptron)]).subarray(3);
  const weights = (file: Uint8Array) =>
    Object.values(loadOnnx(file).stateDict()).map((value) => [...value.dataSync()]);
  expect(weights(bytes)).toEqual(weights(modelOf(perceptron)));
});
