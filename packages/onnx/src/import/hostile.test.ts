/** Files made to take all time or memory, or a terminal: small ones get an error with a code, at once. */
import { tensor } from '@ag/tensor';
import { create, toBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { decodeModel } from '../file/decode.ts';
import { type ArrayToWrite, graphOf, nodeOf, valueInfoOf } from '../file/encode.ts';
import { inspectOnnx } from '../inspect.ts';
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  FunctionProtoSchema,
  ModelProtoSchema,
  type NodeProto,
} from '../proto/onnx.ts';
import { ints, modelOf, perceptron, type SmallModel } from '../testing/build.ts';
import { loadOnnx } from './model.ts';

interface SmallFunction {
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly nodes: NodeProto[];
  readonly attributes?: readonly string[];
}

function withFunctions(model: SmallModel, functions: readonly SmallFunction[]): Uint8Array {
  const { proto } = decodeModel('test', modelOf(model));
  proto.functions = functions.map(({ name, inputs, outputs, nodes, attributes = [] }) =>
    create(FunctionProtoSchema, {
      name,
      domain: '',
      input: [...inputs],
      output: [...outputs],
      attribute: [...attributes],
      node: nodes,
    }),
  );
  return toBinary(ModelProtoSchema, proto);
}

const one = (nodes: SmallModel['nodes'], tensors: SmallModel['tensors'] = {}): SmallModel => ({
  inputs: [['x', 'float32', null]],
  outputs: [['y', 'float32', null]],
  nodes,
  tensors,
});
const whole = (...data: number[]): ArrayToWrite => ({ type: 'int64', shape: [], data });
const coded = (code: string, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) });
const x = tensor([1, 2]);
const image = tensor([1, 2, 3, 4]).reshape([1, 1, 4]);

describe('functions of a file', () => {
  it('that call each other twice, sixty deep, are refused', () => {
    const doubled = Array.from({ length: 60 }, (_, i) => ({
      name: `F${i}`,
      inputs: ['a'],
      outputs: ['c'],
      nodes: [nodeOf(`F${i + 1}`, ['a'], ['b']), nodeOf(`F${i + 1}`, ['b'], ['c'])],
    }));
    const last = { name: 'F60', inputs: ['a'], outputs: ['c'], nodes: [nodeOf('Neg', ['a'], ['c'])] };
    const bytes = withFunctions(one([['F0', ['x'], ['y']]]), [...doubled, last]);
    expect(() => loadOnnx(bytes)).toThrow(coded('AG_FILE_FORMAT', /more than 1048576 parts/));
  });

  it('that call themselves are refused, once or twice', () => {
    for (const nodes of [
      [nodeOf('F', ['a'], ['c'])],
      [nodeOf('F', ['a'], ['b']), nodeOf('F', ['b'], ['c'])],
    ]) {
      const bytes = withFunctions(one([['F', ['x'], ['y']]]), [
        { name: 'F', inputs: ['a'], outputs: ['c'], nodes },
      ]);
      expect(() => loadOnnx(bytes)).toThrow(coded('AG_FILE_FORMAT', /the function "F" calls itself/));
    }
  });

  it('that are called twice have branches of each call', () => {
    const leaky = nodeOf('LeakyRelu', ['a'], ['out']);
    leaky.attribute.push(
      create(AttributeProtoSchema, {
        name: 'alpha',
        refAttrName: 'slope',
        type: AttributeProto_AttributeType.FLOAT,
      }),
    );
    const branch = graphOf({
      name: 'branch',
      inputs: [],
      outputs: [valueInfoOf('out', 'float32', null)],
      nodes: [leaky],
    });
    const both = { then_branch: { graph: branch }, else_branch: { graph: branch } };
    const bytes = withFunctions(
      one(
        [
          ['F', ['x', 'yes'], ['h'], { slope: { float: 0.5 } }],
          ['F', ['h', 'yes'], ['y'], { slope: { float: 0.25 } }],
        ],
        { yes: { type: 'bool', shape: [], data: [1] } },
      ),
      [
        {
          name: 'F',
          inputs: ['a', 'c'],
          outputs: ['b'],
          nodes: [nodeOf('If', ['c'], ['b'], both)],
          attributes: ['slope'],
        },
      ],
    );
    expect([
      ...loadOnnx(bytes)
        .forward(tensor([-8, 8]))[0]
        .dataSync(),
    ]).toEqual([-1, 8]);
  });

  it('have a constant once, and move the statistics that they are given', () => {
    const list = (...data: number[]): ArrayToWrite => ({ type: 'float32', shape: [2], data });
    const bytes = withFunctions(
      one(
        [
          ['F', ['x', 'mean', 'variance'], ['h']],
          ['F', ['h', 'mean', 'variance'], ['y']],
        ],
        { mean: list(0, 0), variance: list(1, 1) },
      ),
      [
        {
          name: 'F',
          inputs: ['a', 'm', 'v'],
          outputs: ['b'],
          nodes: [
            nodeOf('Constant', [], ['scale'], { value: { tensor: list(1, 1) } }),
            nodeOf('BatchNormalization', ['a', 'scale', 'scale', 'm', 'v'], ['b'], {
              momentum: { float: 0.5 },
            }),
          ],
        },
      ],
    );
    const model = loadOnnx(bytes).train();
    expect(Object.keys(model.stateDict()).filter((name) => name.endsWith('scale'))).toHaveLength(1);
    model.forward(
      tensor([
        [1, 2],
        [3, 6],
      ]),
    );
    // Half of 0 and half of the means 2 and 4; then half of that and of the bias, which is the mean that comes out.
    const moved = [...model.stateDict().mean.dataSync()];
    expect(moved[0]).toBeCloseTo(1, 5);
    expect(moved[1]).toBeCloseTo(1.5, 5);
  });
});

describe('names', () => {
  it('reach no terminal as they are', () => {
    const bad = '\u001b[31m\u009b2J\u202e';
    const messages = [
      () => loadOnnx(modelOf(one([[bad, ['x'], ['y']]]))),
      () => loadOnnx(modelOf(one([[bad, [bad], ['y']]]))),
      () =>
        loadOnnx(
          modelOf({ ...perceptron, inputs: [[bad, 'float32', [bad]]], nodes: [['Neg', [bad], ['y']]] }),
        ).forward(),
    ].map((of) => {
      try {
        of();
      } catch (error) {
        // Lines after the first say where.
        return (error as Error).message.split('\n')[0];
      }
      return '\u001b';
    });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what is looked for
    for (const message of messages) expect(message).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
  });

  it('such as __proto__ are names', () => {
    const tensors = Object.fromEntries([
      ['__proto__', { type: 'float32', shape: [2], data: [3, 4] } as const],
    ]);
    const bytes = modelOf(one([['Mul', ['x', '__proto__'], ['y']]], tensors));
    const model = loadOnnx(bytes);
    expect([...model.forward(x)[0].dataSync()]).toEqual([3, 8]);
    expect(Object.keys(model.stateDict())).toEqual(['__proto__']);
    model.loadStateDict(model.stateDict());
    expect(inspectOnnx(bytes).tensors[0].name).toBe('__proto__');
    for (const operator of ['__proto__', 'constructor', 'toString'])
      expect(() => loadOnnx(modelOf(one([[operator, ['x'], ['y']]])))).toThrow(/that is not supported/);
    expect(Object.prototype).not.toHaveProperty('type');
  });

  it('that two weights have are refused', () => {
    const { proto, graph } = decodeModel('test', modelOf(perceptron));
    graph.initializer.push(graph.initializer[0]);
    expect(() => loadOnnx(toBinary(ModelProtoSchema, proto))).toThrow(/two weights "first.weight"/);
  });
});

describe('sizes', () => {
  it('a loop without an end ends', () => {
    const body = graphOf({
      name: 'body',
      inputs: [valueInfoOf('i', 'int64', []), valueInfoOf('go', 'bool', []), valueInfoOf('v', 'int64', [])],
      outputs: [valueInfoOf('yes', 'bool', []), valueInfoOf('w', 'int64', [])],
      nodes: [nodeOf('Neg', ['v'], ['w'])],
      tensors: [],
    });
    const model = loadOnnx(
      modelOf(
        one([['Loop', ['many', 'yes', 'v'], ['y'], { body: { graph: body } }]], {
          many: whole(2 ** 52),
          yes: { type: 'bool', shape: [], data: [1] },
          v: whole(1),
        }),
      ),
    );
    expect(() => model.forward(x)).toThrow(coded('AG_UNSUPPORTED', /computes more than 1048576 nodes/));
  });

  it.each<[string, SmallModel, ReturnType<typeof tensor>, RegExp]>([
    [
      'a resize to 2³¹',
      one([['Resize', ['x', '', '', 'to'], ['y']]], { to: ints(1, 1, 2 ** 31 - 1) }),
      image,
      /2147483647 positions/,
    ],
    [
      'a resize to almost nothing that takes in everything',
      one([['Resize', ['x', '', 'scale'], ['y'], { antialias: 1, mode: 'linear' }]], {
        scale: { type: 'float32', shape: [3], data: [1, 1, 1e-7] },
      }),
      tensor(0).broadcastTo([1, 1, 20_000_000]),
      /positions/,
    ],
    [
      'reflections of 2³¹',
      one([['Pad', ['x', 'widths'], ['y'], { mode: 'reflect' }]], { widths: ints(0, 2 ** 31) }),
      x,
      /2147483650 positions/,
    ],
    [
      'parts without number',
      one([['Split', ['x'], ['y'], { num_outputs: 2 ** 31, axis: 0 }]]),
      x,
      /2147483648 parts for 1 outputs/,
    ],
    [
      'parts of known numbers beyond them',
      one(
        [
          ['Split', ['list', 'parts'], ['h'], { axis: 0 }],
          ['Reshape', ['x', 'h'], ['y']],
        ],
        { list: ints(2), parts: ints(2 ** 31 - 1) },
      ),
      x,
      /are not the whole of 1/,
    ],
    [
      'half an element',
      one(
        [
          ['Reshape', ['list', 'to'], ['h']],
          ['Shape', ['h'], ['s']],
          ['Reshape', ['x', 's'], ['y']],
        ],
        { list: ints(1, 2, 3, 4, 5), to: ints(2, -1) },
      ),
      x,
      /\[5\] cannot become \[2, 2.5\]/,
    ],
    [
      'strides of 0',
      one([['AveragePool', ['x'], ['y'], { kernel_shape: [2], strides: [0] }]]),
      image,
      /does not fit into axis 2/,
    ],
    [
      'windows in padding',
      one([['AveragePool', ['x'], ['y'], { kernel_shape: [2 ** 24], pads: [2 ** 30, 2 ** 30] }]]),
      image,
      /positions/,
    ],
  ])('%s', (_, model, input, message) => {
    expect(() => loadOnnx(modelOf(model)).forward(input)).toThrow(
      expect.objectContaining({
        code: expect.stringMatching(/^AG_/),
        message: expect.stringMatching(message),
      }),
    );
  });

  it('positions of many positions are left to tensors', () => {
    const many: ArrayToWrite = { type: 'int64', shape: [16_384], data: new Array<number>(16_384).fill(0) };
    const model = loadOnnx(
      modelOf(
        one(
          [
            ['Gather', ['list', 'many'], ['h'], { axis: 0 }],
            ['Cast', ['h'], ['y'], { to: 1 }],
          ],
          { list: { type: 'int64', shape: [1, 16_384], data: many.data }, many },
        ),
      ),
    );
    expect(model.forward(x)[0].shape).toEqual([16_384, 16_384]);
  });
});
