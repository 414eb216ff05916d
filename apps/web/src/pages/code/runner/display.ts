/** What is shown of a value: text, a picture, a tensor's numbers, a network's parameters. */

import type { Inspection } from '@ag/graph';
import type { AnyModule } from '@ag/nn';
import { Tensor, Variable } from '@ag/tensor';
import { type GridImage, graphView, heatmap, imageGrid, lineChart } from '@ag/viz';
import type { Content } from '../items.ts';

/** Tensors with more elements are shown by shape and first numbers alone. */
const mostElements = 1 << 16;

/** The content at once, or a promise where numbers must be computed first. */
export function contentOf(value: unknown): Content | Promise<Content> {
  if (typeof value === 'string') return ofText(value);
  if (value instanceof Tensor) return ofTensor(value);
  if (value instanceof Variable) return ofTensor(value.value);
  if (isNetwork(value)) return ofNetwork(value);
  if (isInspection(value)) return { kind: 'svg', svg: graphView(value) };
  return { kind: 'text', text: inspected(value) };
}

/** Several values of one `console.log`: one content each where one is more than text, else a line. */
export function contentsOf(values: readonly unknown[]): (Content | Promise<Content>)[] {
  const isPlain = (value: unknown): boolean =>
    typeof value === 'string'
      ? !isSvg(value)
      : !(value instanceof Tensor || value instanceof Variable || isNetwork(value) || isInspection(value));
  if (values.every(isPlain))
    return [
      {
        kind: 'text',
        text: values.map((value) => (typeof value === 'string' ? value : inspected(value))).join(' '),
      },
    ];
  return values.map(contentOf);
}

function isSvg(text: string): boolean {
  return /^\s*<svg[\s>]/.test(text);
}

function ofText(text: string): Content {
  return isSvg(text) ? { kind: 'svg', svg: text } : { kind: 'text', text };
}

function isNetwork(value: unknown): value is AnyModule {
  const { namedParameters, forward } = (value ?? {}) as Partial<AnyModule>;
  return typeof namedParameters === 'function' && typeof forward === 'function';
}

function isInspection(value: unknown): value is Inspection {
  const { nodes, edges, toMermaid } = (value ?? {}) as Partial<Inspection>;
  return Array.isArray(nodes) && Array.isArray(edges) && typeof toMermaid === 'function';
}

function ofNetwork(network: AnyModule): Content {
  const rows = [...network.namedParameters()].map(([name, { shape }]) => ({
    name,
    shape: `[${shape.join(', ')}]`,
    count: shape.reduce((all, size) => all * size, 1),
  }));
  const parameters = rows.reduce((all, { count }) => all + count, 0);
  return { kind: 'network', name: network.constructor.name, parameters, rows };
}

async function ofTensor(tensor: Tensor): Promise<Content> {
  const { shape, dtype } = tensor;
  try {
    const data = await tensor.data();
    return {
      kind: 'tensor',
      shape: [...shape],
      dtype,
      text: String(tensor),
      svg: data.length > mostElements ? null : pictureOf(shape, Array.from(data, Number)),
    };
  } catch (error) {
    // A tensor of a function that is being compiled has no numbers.
    return { kind: 'text', text: `${tensor}: ${error instanceof Error ? error.message : error}` };
  }
}

/** A picture where it says more than the numbers: curves, matrices, images. */
function pictureOf(shape: readonly number[], data: readonly number[]): string | null {
  if (!data.every(Number.isFinite)) return null;
  if (shape.length === 1 && shape[0] > 12) return lineChart([{ name: 'value', y: data }], { height: 200 });
  if (shape.length === 2 && data.length > 16 && Math.min(...shape) > 1 && Math.max(...shape) <= 256) {
    const [rows, columns] = shape;
    return heatmap(Array.from({ length: rows }, (_, i) => data.slice(i * columns, (i + 1) * columns)));
  }
  const images =
    shape.length === 3 ? shape : shape.length === 4 && shape[1] === 1 ? [shape[0], shape[2], shape[3]] : [];
  if (images.length === 0 || Math.min(...images) === 0 || images[1] < 4 || images[2] < 4) return null;
  const [count, height, width] = images;
  const of = (i: number): GridImage => ({
    pixels: data.slice(i * height * width, (i + 1) * height * width),
    width,
    height,
  });
  const [low, high] = data.reduce(([least, most], x) => [Math.min(least, x), Math.max(most, x)], [0, 1e-30]);
  return imageGrid(
    Array.from({ length: Math.min(count, 24) }, (_, i) => of(i)),
    { range: [low, high] },
  );
}

/** Anything as one writes it down, two levels deep. */
export function inspected(value: unknown, depth = 0, seen: readonly unknown[] = []): string {
  if (typeof value === 'string') return depth === 0 ? value : JSON.stringify(value);
  if (typeof value === 'function') return `function ${value.name || '(anonymous)'}`;
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value !== 'object' || value === null) return String(value);
  if (value instanceof Tensor) return String(value);
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  if (seen.includes(value)) return '[circular]';
  const within = [...seen, value];
  const show = (each: unknown): string => inspected(each, depth + 1, within);
  const list = (items: readonly string[], more: number, [open, close]: string): string => {
    const all = more > 0 ? [...items, `… ${more} more`] : items;
    const line = all.join(', ');
    if (all.length === 0) return `${open}${close}`;
    if (line.length <= 90 && !line.includes('\n'))
      return open === '{' ? `{ ${line} }` : `${open}${line}${close}`;
    return `${open}\n  ${all.join(',\n').replaceAll('\n', '\n  ')}\n${close}`;
  };
  if (Array.isArray(value) || ArrayBuffer.isView(value)) {
    const items = Array.from(value as unknown as ArrayLike<unknown>);
    const name = Array.isArray(value) ? '' : `${value.constructor.name} `;
    return name + list(items.slice(0, 100).map(show), items.length - 100, '[]');
  }
  if (depth > 2) return value.constructor?.name ?? 'Object';
  if (value instanceof Map) {
    const entries = [...value].map(([key, each]) => `${show(key)} → ${show(each)}`);
    return `Map ${list(entries.slice(0, 50), entries.length - 50, '{}')}`;
  }
  if (value instanceof Set) return `Set ${list([...value].slice(0, 50).map(show), value.size - 50, '{}')}`;
  const entries = Object.entries(value).map(([key, each]) => `${key}: ${show(each)}`);
  const own = value.constructor?.name;
  return (own && own !== 'Object' ? `${own} ` : '') + list(entries.slice(0, 50), entries.length - 50, '{}');
}
