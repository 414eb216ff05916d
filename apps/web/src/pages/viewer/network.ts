/**
 * A network of an ONNX file.
 *
 * Its graph by modules, what its nodes cost, and any of its values computed and differentiated.
 */
import { gradients } from '@ag/graph';
import { loadOnnx, type OnnxModel, type OnnxSummary, type OnnxTracedNode, traceOnnx } from '@ag/onnx';
import { full, key, linspace, normal, type Tensor, tensor, Variable } from '@ag/tensor';
import type { GraphData, GraphEdge, GraphNode } from '@ag/viz';
import { type Feed, shapesOf } from './feed.ts';

/** Rows and columns of a picture as numbers from 0 to 1, of the first input's size. */
export type Pixels = (channels: number, height: number, width: number) => Promise<Float32Array>;

/** Path of the module that a node stands in, by its name: `/layer1/layer1.0/conv/Conv` is in `layer1.0.conv`. */
export function moduleOf(name: string): string {
  const parts = name
    .split('/')
    .filter((part) => part !== '')
    .slice(0, -1);
  const own = parts.map((part, i) => {
    const above = `${parts[i - 1]}.`;
    return i > 0 && part.startsWith(above) ? part.slice(above.length) : part;
  });
  return own.join('.');
}

/** The graph as a picture takes it; weights are told of at their node, not drawn. */
export function graphOf(summary: OnnxSummary, traced: readonly OnnxTracedNode[] | null): GraphData {
  const makers = new Map<string, string>();
  const nodes: GraphNode[] = summary.inputs.map(({ name }) => {
    makers.set(name, `in ${name}`);
    return { id: `in ${name}`, label: name, kind: 'input' };
  });
  const edges: GraphEdge[] = [];
  const shapes = new Map(traced?.map(({ outputs, outputShapes }) => [outputs[0], outputShapes[0]] as const));
  for (const [i, node] of summary.nodes.entries()) {
    const id = String(i);
    const module = moduleOf(node.name);
    const shape = shapes.get(node.outputs[0]);
    nodes.push({
      id,
      label: node.operator,
      op: node.operator,
      kind: 'op',
      ...(shape && { shape }),
      ...(module !== '' && { module }),
    });
    for (const [index, input] of node.inputs.entries()) {
      const from = makers.get(input);
      if (from !== undefined) edges.push({ from, to: id, index });
    }
    for (const output of node.outputs) makers.set(output, id);
  }
  return { nodes, edges };
}

/** Nodes with shapes and costs, or why that cannot be said. */
export function traceOf(
  bytes: Uint8Array,
  summary: OnnxSummary,
  shapes: Feed['shapes'],
): { readonly nodes: readonly OnnxTracedNode[] | null; readonly reason: string | null } {
  try {
    return { nodes: traceOnnx(loadOnnx(bytes), shapesOf(summary, shapes)), reason: null };
  } catch (error) {
    return { nodes: null, reason: error instanceof Error ? error.message : String(error) };
  }
}

export interface Computed {
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly data: Float64Array;
}

const computed = async (x: Tensor): Promise<Computed> => ({
  shape: [...x.shape],
  dtype: x.dtype,
  data: Float64Array.from(await x.data()),
});

/** A gradient by an input or a weight, the largest first. */
export interface GradientRow extends Computed {
  readonly name: string;
  readonly norm: number;
}

/** Any value of a network, for inputs that are made as asked. */
export class Network {
  readonly #bytes: Uint8Array;
  readonly #summary: OnnxSummary;
  readonly #pixels: Pixels | null;
  #cut: { readonly value: string; readonly model: OnnxModel } | null = null;

  constructor(bytes: Uint8Array, summary: OnnxSummary, pixels: Pixels | null = null) {
    this.#bytes = bytes;
    this.#summary = summary;
    this.#pixels = pixels;
  }

  /** @throws Error for a value that cannot be computed from such inputs, naming the node */
  async run(value: string, feed: Feed): Promise<Computed> {
    const { model } = this.#cutAt(value);
    return computed(model.forward(...(await this.#inputs(feed)))[0]);
  }

  /**
   * The gradients of one element of a value, or of the sum of all, by every input of fractions and every weight.
   *
   * @param element its place among the elements in order; null for the sum
   */
  async differentiate(
    value: string,
    element: number | null,
    feed: Feed,
  ): Promise<{ readonly of: number; readonly rows: readonly GradientRow[] }> {
    const { model } = this.#cutAt(value);
    const inputs = await this.#inputs(feed);
    const variables = inputs.map((x) => (/^float/.test(x.dtype) ? new Variable(x) : null));
    const [y] = model.forward(...inputs.map((x, i) => variables[i]?.value ?? x));
    if (!/^float/.test(y.dtype)) throw new Error(`'${value}' is ${y.dtype}, which has no gradient`);
    if (element !== null && !(Number.isInteger(element) && element >= 0 && element < y.size))
      throw new Error(
        `'${value}' has ${y.size} elements, from 0 to ${y.size - 1}; ${element} is none of them`,
      );
    const scalar = element === null ? y.sum() : y.reshape([y.size]).index(element);
    const named: (readonly [string, Variable])[] = [
      ...variables.flatMap((variable, i) =>
        variable ? [[this.#summary.inputs[i].name, variable] as const] : [],
      ),
      ...model.namedParameters(),
    ];
    const found = gradients(
      scalar,
      named.map(([, variable]) => variable),
    );
    const rows: GradientRow[] = [];
    for (const [i, gradient] of found.entries()) {
      const own = await computed(gradient);
      rows.push({ ...own, name: named[i][0], norm: Math.sqrt(own.data.reduce((sum, x) => sum + x * x, 0)) });
    }
    return { of: await scalar.item(), rows: rows.sort((a, b) => b.norm - a.norm) };
  }

  #cutAt(value: string): { readonly model: OnnxModel } {
    if (this.#cut?.value !== value) this.#cut = { value, model: loadOnnx(this.#bytes, { outputs: [value] }) };
    return this.#cut;
  }

  async #inputs(feed: Feed): Promise<Tensor[]> {
    const shapes = shapesOf(this.#summary, feed.shapes);
    const made: Tensor[] = [];
    for (const [i, { name, type }] of this.#summary.inputs.entries())
      made.push(await this.#input(shapes[name], dtypeOf(type), feed, i));
    return made;
  }

  async #input(
    shape: readonly number[],
    dtype: ReturnType<typeof dtypeOf>,
    feed: Feed,
    index: number,
  ): Promise<Tensor> {
    const size = shape.reduce((all, axis) => all * axis, 1);
    const first = index === 0;
    switch (feed.kind) {
      case 'zeros':
        return full(shape, 0, { dtype });
      case 'ones':
        return full(shape, 1, { dtype });
      case 'ramp': {
        return linspace(-1, 1, size, { dtype: 'float64' }).reshape(shape).cast(dtype);
      }
      case 'numbers': {
        if (!first) return full(shape, 0, { dtype });
        if (feed.numbers.length !== size)
          throw new Error(
            `the first input takes ${size} numbers, [${shape.join(', ')}]; ${feed.numbers.length} are given`,
          );
        return tensor(Float64Array.from(feed.numbers), { shape }).cast(dtype);
      }
      case 'image': {
        if (!first) return full(shape, 0, { dtype });
        const [channels, height, width] = shape.slice(-3);
        if (
          shape.length < 3 ||
          ![1, 3].includes(channels) ||
          size !== channels * height * width ||
          !this.#pixels
        )
          throw new Error(
            `an image fits an input of 1 or 3 channels, [1, 3, height, width]; this one is [${shape.join(', ')}]`,
          );
        return tensor(await this.#pixels(channels, height, width), { shape });
      }
      case 'random': {
        const draw = normal(shape, { key: key(feed.seed + index) });
        return dtype === 'float32' ? draw : draw.abs().mul(3).floor().cast(dtype);
      }
    }
  }
}

/** The dtype here of an input's type. */
function dtypeOf(type: string | null): 'float32' | 'float64' | 'int32' | 'uint8' | 'bool' {
  if (type === 'float64' || type === 'uint8' || type === 'bool') return type;
  return type?.startsWith('int') ? 'int32' : 'float32';
}
