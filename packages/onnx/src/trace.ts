/**
 * `traceOnnx`: shapes at each node of a network for given inputs, and what each costs.
 */
import { type Tensor, zeros } from '@ag/tensor';
import { describeValue, typeError, valueError } from '@ag/tensor/engine';
import { named } from './errors.ts';
import { dtypeFor, elementTypes } from './file/tensors.ts';
import { flopsOf } from './flops.ts';
import { type OnnxModel, traced } from './import/model.ts';
import type { Value } from './import/value.ts';

/** A node that was run. */
export interface OnnxTracedNode {
  readonly name: string;
  readonly operator: string;
  readonly domain: string;
  /** Names of values; '' for an optional one that is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Shapes of the inputs, null for one that is left out. */
  readonly inputShapes: readonly (readonly number[] | null)[];
  /** Shapes of the outputs, null for one that nothing reads. */
  readonly outputShapes: readonly (readonly number[] | null)[];
  /** Operations on numbers, a multiplication with an addition being two; 0 for what moves numbers or is made of other nodes. */
  readonly flops: number;
}

/**
 * Runs a network on inputs of given shapes without computing anything, and says of each node which shapes it had and how many
 * operations it takes: nodes of branches that were taken, of functions and of each step of loops by themselves. Where shapes
 * depend on the values of tensors, they are those for inputs of zeros.
 *
 * ```ts
 * const nodes = traceOnnx(loadOnnx(bytes), { x: [1, 3, 224, 224] });
 * console.log(nodes.reduce((sum, { flops }) => sum + flops, 0));
 * ```
 *
 * @param shapes a shape for each of `model.inputs`; those with fixed sizes may be left out
 * @throws Error for a shape that the network does not take, naming the node
 */
export function traceOnnx(
  model: OnnxModel,
  shapes: { readonly [input: string]: readonly number[] } = {},
): OnnxTracedNode[] {
  if (typeof shapes !== 'object' || shapes === null)
    throw typeError(`traceOnnx: shapes must be an object of shapes by input, got ${describeValue(shapes)}`);
  for (const name of Object.keys(shapes)) {
    if (model.inputs.some((input) => input.name === name)) continue;
    const known = model.inputs.map((input) => named(input.name)).join(', ');
    throw valueError(`traceOnnx: there is no input '${name}'; inputs are ${known}`);
  }
  const inputs = model.inputs.map(({ name, type, shape }): Tensor => {
    const given = Object.hasOwn(shapes, name) ? shapes[name] : shape;
    if (!given?.every((size): size is number => typeof size === 'number')) {
      const sizes = shape ? `[${shape.map((size) => size ?? '?').join(', ')}]` : 'open';
      throw valueError(
        `traceOnnx: the shape of ${named(name)} is ${sizes}; give it: { ${named(name)}: [1, …] }`,
      );
    }
    const number = elementTypes.findIndex((known) => known === (type ?? 'float32'));
    return zeros(given, { dtype: dtypeFor(number, `traceOnnx: input ${named(name)}`) });
  });
  const nodes: OnnxTracedNode[] = [];
  const shapeOf = (value: Value | null): readonly number[] | null => value && [...value.shape];
  traced(model, inputs, (call, outputs) => {
    const { proto } = call.node;
    const inputShapes = call.inputs.map(shapeOf);
    const outputShapes = outputs.map(shapeOf);
    nodes.push({
      name: proto.name,
      operator: proto.opType,
      domain: proto.domain === 'ai.onnx' ? '' : proto.domain,
      inputs: proto.input,
      outputs: proto.output,
      inputShapes,
      outputShapes,
      // What is known on the host, such as sizes, is no work for a network.
      flops: outputs.every((value) => value === null || value.host !== null)
        ? 0
        : flopsOf({ call, inputs: inputShapes, outputs: outputShapes }),
    });
  });
  return nodes;
}
