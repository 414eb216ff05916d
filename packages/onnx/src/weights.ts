/**
 * `onnxTensors`: what lies in a file, without making a module of it.
 */
import { checkOptions } from '@ag/tensor/engine';
import { quoted } from './errors.ts';
import { decodeModel, externalReader, type FileOptions } from './file/decode.ts';
import { type HostArray, readTensor, sizesOf, typeName } from './file/tensors.ts';
import { type Host, hostOf } from './import/value.ts';
import type { OnnxTensor } from './inspect.ts';
import type { GraphProto, NodeProto, TensorProto } from './proto/onnx.ts';

/** A tensor of a file, whose elements can be read. */
export interface OnnxStoredTensor extends OnnxTensor {
  /** Whether it is the value of a `Constant`, as whose output it is known. Some exporters keep weights so. */
  readonly constant: boolean;
  /**
   * Its elements, half precision as float32, int64 as numbers, which are exact to 2⁵³.
   * @throws Error for a type that is not supported, and for elements that are not there
   */
  read(): Host;
}

/** Graphs lie in nodes, which lie in graphs; deeper than this is a file that was made to break readers. */
const deepest = 64;

/**
 * All tensors that lie in an ONNX file, those in branches, loops and `Constant` nodes too, whatever its operators.
 *
 * ```ts
 * for (const { name, shape, read } of onnxTensors(bytes)) console.log(name, shape, read().data);
 * ```
 *
 * @throws Error for bytes that are no ONNX model
 */
export function onnxTensors(bytes: Uint8Array, options: FileOptions = {}): readonly OnnxStoredTensor[] {
  const operation = 'onnxTensors';
  checkOptions(operation, options, 'external');
  const { graph, proto } = decodeModel(operation, bytes);
  const external = externalReader(operation, options);
  const found: OnnxStoredTensor[] = [];
  const add = (tensor: TensorProto, name: string, constant: boolean): void => {
    const where = `${operation}: tensor ${quoted(name)}`;
    const shape = sizesOf(tensor.dims, where);
    found.push({
      name,
      type: typeName(tensor.dataType),
      shape,
      size: shape.reduce((product, size) => product * size, 1),
      external: tensor.dataLocation === 1,
      constant,
      read: () => hostOf(readTensor(tensor, where, external) satisfies HostArray),
    });
  };
  const stack: (readonly [nodes: readonly NodeProto[], path: string, depth: number])[] = [];
  const enter = (inner: GraphProto, path: string, depth: number): void => {
    for (const tensor of inner.initializer) add(tensor, path + tensor.name, false);
    if (depth < deepest) stack.push([inner.node, path, depth]);
  };
  enter(graph, '', 0);
  for (const { node, name } of proto.functions) stack.push([node, `${name}/`, 0]);
  while (stack.length > 0) {
    const [nodes, path, depth] = stack.pop()!;
    for (const node of nodes) {
      const own = `${path}${node.name || node.output[0] || node.opType}/`;
      for (const { t, g, graphs } of node.attribute) {
        if (t && node.opType === 'Constant') add(t, path + (node.output[0] ?? ''), true);
        for (const inner of g ? [g, ...graphs] : graphs) enter(inner, own, depth + 1);
      }
    }
  }
  return found;
}
