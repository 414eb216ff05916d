/**
 * From the bytes of a file to its messages.
 */
import { describeValue, typeError } from '@ag/tensor/engine';
import { type DescMessage, fromBinary, type MessageShape } from '@bufbuild/protobuf';
import { fileError, quoted, wholeNumber } from '../errors.ts';
import { type GraphProto, type ModelProto, ModelProtoSchema } from '../proto/onnx.ts';
import type { ReadExternal } from './tensors.ts';

/** Where weights lie that are not in the file itself. */
export interface FileOptions {
  /**
   * Files with weights outside of the model's, by their names as the model has them, or a function that reads a part of one.
   * A length that is undefined means all that is left.
   */
  readonly external?: ReadExternal | { readonly [location: string]: Uint8Array };
}

/** A model whose parts that everything needs are there. */
export interface DecodedModel {
  readonly proto: ModelProto;
  readonly graph: GraphProto;
  /** The version of each set of operators, '' for ONNX's own. */
  readonly opsets: ReadonlyMap<string, number>;
}

/** @throws Error for bytes that are no ONNX model */
export function decodeModel(operation: string, bytes: Uint8Array): DecodedModel {
  if (!(bytes instanceof Uint8Array)) {
    throw typeError(`${operation}: expected the bytes of a file as Uint8Array, got ${describeValue(bytes)}`);
  }
  if (bytes.length === 0) throw fileError(`${operation}: the file is empty`);
  const proto = decodeMessage(operation, ModelProtoSchema, bytes);
  const { graph } = proto;
  if (!graph) {
    throw fileError(`${operation}: the file holds no graph; it is no ONNX model, or only a part of one`);
  }
  const opsets = new Map<string, number>();
  for (const { domain, version } of proto.opsetImport) {
    opsets.set(
      domain === 'ai.onnx' ? '' : domain,
      wholeNumber(version, `${operation}: the version of operators`),
    );
  }
  return { proto, graph, opsets };
}

/** One message. @throws Error for bytes that are something else */
export function decodeMessage<D extends DescMessage>(
  operation: string,
  schema: D,
  bytes: Uint8Array,
): MessageShape<D> {
  try {
    return fromBinary(schema, bytes, { readUnknownFields: false });
  } catch (error) {
    throw fileError(
      `${operation}: the file is damaged or no ONNX model: ${error instanceof Error ? error.message : error}`,
      { cause: error },
    );
  }
}

/** The function that reads external data, from either form of the option. */
export function externalReader(operation: string, options: FileOptions): ReadExternal | null {
  const { external } = options;
  if (external === undefined) return null;
  if (typeof external === 'function') return external;
  if (typeof external !== 'object' || external === null) {
    throw typeError(
      `${operation}: external must be a function or an object of Uint8Array by location, got ${describeValue(external)}`,
    );
  }
  return (location, offset, length) => {
    const file = Object.hasOwn(external, location) ? external[location] : undefined;
    if (!(file instanceof Uint8Array)) {
      throw fileError(
        `${operation}: weights lie in ${quoted(location)}, which is not among the files given: ${Object.keys(external).join(', ') || 'none'}`,
      );
    }
    return file.subarray(offset, length === undefined ? undefined : offset + length);
  };
}
