/**
 * `summary`: one row for each module, with its shapes, parameters and FLOPs. Shapes are known before anything is
 * computed, so nothing is.
 */

import { type DType, type Shape, Tensor, zeros } from '@ag/tensor';
import { checkOptions } from '@ag/tensor/engine';
import type { AnyModule } from './module.ts';

/** One module in a {@link Summary}. */
export interface SummaryRow {
  /** Where the module is: `'features.0'`, `''` for the whole. */
  readonly path: string;
  /** The layer's name, or that of the class. */
  readonly layer: string;
  /** Of the first tensor it is given. */
  readonly inputShape: Shape | null;
  /** Null where the output is not one tensor. */
  readonly outputShape: Shape | null;
  /** The shapes of an output of several tensors, by path: `{ class: [1, 10], box: [1, 4] }`; null for one tensor. */
  readonly outputShapes: Readonly<Record<string, Shape>> | null;
  /** Elements of all parameters within; shared ones count where they are met first. */
  readonly parameters: number;
  /** Floating-point operations of products and convolutions within; a multiplication with its addition counts 2. */
  readonly flops: number;
}

/** Of one input its shape (or a tensor like it), of several a tuple or an object of shapes. */
export type SummaryInput =
  | Shape
  | Tensor
  | readonly SummaryInput[]
  | { readonly [name: string]: SummaryInput };

/** A model as a table: modules, shapes, parameters. `String(summary)` is the table as text. */
export interface Summary {
  /** Outer modules before those inside. */
  readonly rows: readonly SummaryRow[];
  readonly parameters: number;
  /** Elements of parameters that are not frozen. */
  readonly trainable: number;
  readonly flops: number;
  /** A table for people. */
  toString(): string;
}

/**
 * Goes through the model once, in evaluation mode, without computing anything.
 *
 * ```ts
 * console.log(String(summary(model, [1, 784])));
 * console.log(String(summary(model, { image: [1, 3, 32, 32], meta: [1, 4] })));
 * ```
 *
 * @param inputShape with the batch: FLOPs are those of such a batch. Of a model of several inputs a tuple or an object of shapes;
 * tensors in place of shapes say their dtypes
 * @param options.dtype of the input, default float32; 'int32' for models that begin with an embedding
 */
export function summary(
  model: AnyModule,
  inputShape: SummaryInput,
  options: { readonly dtype?: DType } = {},
): Summary {
  checkOptions('summary', options, 'dtype');
  const modules = model.namedModules();
  const modes = new Map([...modules.values()].map((module) => [module, module.training]));
  const rows: SummaryRow[] = [];
  const counted = new Set<object>();
  const restore = [...modules].map(([path, module]) => watch(module, path, rows, counted));
  try {
    model.eval();
    (model as { forward(x: unknown): unknown }).forward(inputOf(inputShape, options.dtype ?? 'float32'));
  } finally {
    for (const undo of restore) undo();
    for (const [module, training] of modes) module.training = training;
  }
  const all = model.parameters();
  const whole = rows.find((row) => row.path === '');
  const count = (list: typeof all): number => list.reduce((sum, variable) => sum + variable.size, 0);
  const result = {
    rows,
    parameters: count(all),
    trainable: count(all.filter((variable) => variable.trainable)),
    flops: whole?.flops ?? 0,
  };
  return { ...result, toString: () => table(result) };
}

function inputOf(input: SummaryInput, dtype: DType): unknown {
  if (input instanceof Tensor) return input;
  if (!Array.isArray(input))
    return Object.fromEntries(Object.entries(input).map(([name, part]) => [name, inputOf(part, dtype)]));
  if (input.length > 0 && input.every((part) => typeof part === 'object'))
    return input.map((part) => inputOf(part, dtype));
  return zeros(input as Shape, { dtype });
}

/** The tensors in arrays and plain objects, by path. */
function tensorsIn(value: unknown, path = ''): (readonly [string, Tensor])[] {
  if (value instanceof Tensor) return [[path, value]];
  if (typeof value !== 'object' || value === null) return [];
  if (!Array.isArray(value) && Object.getPrototypeOf(value) !== Object.prototype) return [];
  return Object.entries(value).flatMap(([name, part]) =>
    tensorsIn(part, path === '' ? name : `${path}/${name}`),
  );
}

/** Replaces `forward` so that each call makes a row; returns what undoes it. */
function watch(module: AnyModule, path: string, rows: SummaryRow[], counted: Set<object>): () => void {
  const own = Object.getOwnPropertyDescriptor(module, 'forward');
  const forward = module.forward;
  const watched = (...inputs: unknown[]): unknown => {
    // The row's place is before those of the modules inside.
    const place = rows.length;
    const none = { inputShape: null, outputShape: null, outputShapes: null };
    rows.push({ path, layer: '', ...none, parameters: 0, flops: 0 });
    const fresh = module.parameters().filter((variable) => !counted.has(variable));
    const output = forward.apply(module, inputs);
    for (const variable of fresh) counted.add(variable);
    const tensors = tensorsIn(inputs).map(([, tensor]) => tensor);
    const outputs = tensorsIn(output);
    rows[place] = {
      path,
      layer: module.describe()?.[0] ?? module.constructor.name,
      inputShape: tensors[0]?.shape ?? null,
      outputShape: output instanceof Tensor ? output.shape : null,
      outputShapes:
        output instanceof Tensor || outputs.length === 0
          ? null
          : Object.fromEntries(outputs.map(([name, { shape }]) => [name, shape])),
      parameters: fresh.reduce((sum, variable) => sum + variable.size, 0),
      flops: flopsBetween(
        tensors,
        outputs.map(([, tensor]) => tensor),
      ),
    };
    return output;
  };
  Object.defineProperty(module, 'forward', {
    value: watched,
    configurable: true,
    writable: true,
    enumerable: false,
  });
  return () => {
    if (own) Object.defineProperty(module, 'forward', own);
    else Reflect.deleteProperty(module, 'forward');
  };
}

/** The products on the way from the inputs to the outputs, those within composed operations included. */
function flopsBetween(inputs: readonly Tensor[], outputs: readonly Tensor[]): number {
  const seen = new Set<Tensor>(inputs);
  const stack = [...outputs];
  let flops = 0;
  while (stack.length > 0) {
    const node = stack.pop()!;
    if (seen.has(node)) continue;
    seen.add(node);
    if (node.op === null) continue;
    const lowering = node.op.lower;
    if (lowering.form === 'expand') {
      stack.push(lowering.of(node.inputs, node.attributes));
      for (const input of node.inputs) stack.push(input);
      continue;
    }
    if (lowering.form === 'contract') {
      const labels = lowering.labels(node.attributes);
      const sizes = new Map<number, number>();
      [labels.a, labels.b].forEach((list, i) => {
        list.forEach((label, axis) => {
          sizes.set(label, node.inputs[i].shape[axis]);
        });
      });
      flops += 2 * [...sizes.values()].reduce((product, size) => product * size, 1);
    }
    for (const input of node.inputs) stack.push(input);
  }
  return flops;
}

function table({ rows, parameters, trainable, flops }: Omit<Summary, 'toString'>): string {
  const lines = rows.map((row) => [
    `${'  '.repeat(row.path === '' ? 0 : row.path.split('.').length)}${row.path || '(model)'}`,
    row.layer,
    row.outputShape
      ? `[${row.outputShape.join(', ')}]`
      : Object.entries(row.outputShapes ?? {})
          .map(([name, shape]) => `${name} [${shape.join(', ')}]`)
          .join(', '),
    row.parameters.toLocaleString('en-US'),
    row.flops.toLocaleString('en-US'),
  ]);
  const all = [['module', 'layer', 'output', 'parameters', 'FLOPs'], ...lines];
  const widths = all[0].map((_, column) => Math.max(...all.map((line) => line[column].length)));
  const format = (line: string[]): string =>
    line
      .map((cell, i) => (i < 3 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
      .join('  ')
      .trimEnd();
  const [head, ...body] = all.map(format);
  const frozen = parameters - trainable;
  const total = `${parameters.toLocaleString('en-US')} parameters${frozen ? ` (${frozen.toLocaleString('en-US')} frozen)` : ''}, ${flops.toLocaleString('en-US')} FLOPs`;
  return [head, '─'.repeat(head.length), ...body, '─'.repeat(head.length), total].join('\n');
}
