/** What an ONNX file is beside its weights: inputs and outputs, operators, and what a pass costs. */
import { loadOnnx, type OnnxSummary, type OnnxTracedNode, type OnnxValue, traceOnnx } from '@ag/onnx';
import type { InspectOptions } from '../commands/inspect.ts';
import { Failure } from '../failure.ts';
import { externalOf } from '../files/external.ts';
import { count } from '../numbers.ts';
import { table } from '../table.ts';

/** The inputs' shapes as they are asked for, with those of the file where it fixes them. */
export function shapesFor(
  { inputs }: Pick<OnnxSummary, 'inputs'>,
  asked: InspectOptions['shape'],
): { readonly shapes: Record<string, readonly number[]>; readonly open: readonly OnnxValue[] } {
  const shapes: Record<string, readonly number[]> = {};
  for (const [name, shape] of asked) {
    const own = name === '' && inputs.length === 1 ? inputs[0].name : name;
    if (!inputs.some((input) => input.name === own)) {
      throw new Failure(
        'usage',
        name === ''
          ? '--shape: name the input, as there are several'
          : `--shape ${name}: there is no such input`,
        `Inputs: ${inputs.map(describeValue).join(', ')}.`,
      );
    }
    shapes[own] = shape;
  }
  const open = inputs.filter(
    ({ name, shape }) => !Object.hasOwn(shapes, name) && !shape?.every((size) => typeof size === 'number'),
  );
  return { shapes, open };
}

/**
 * The nodes with their shapes and costs; without these and with the reason where shapes are open, or operators unknown.
 *
 * @throws Failure `usage` for a shape that the network does not take
 */
export function traceOf(
  { summary, bytes }: { readonly summary: OnnxSummary; readonly bytes: Uint8Array },
  path: string,
  asked: InspectOptions['shape'],
): { readonly traced: readonly OnnxTracedNode[] | null; readonly reason: string | null } {
  const { shapes, open } = shapesFor(summary, asked);
  if (open.length > 0) {
    const [{ name, shape }] = open;
    const example = shape ? shape.map((size) => (typeof size === 'number' ? size : 1)).join() : '1,…';
    return { traced: null, reason: `operations are counted with --shape ${name}=${example}` };
  }
  try {
    return { traced: traceOnnx(loadOnnx(bytes, { external: externalOf(path) }), shapes), reason: null };
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    if (asked.length > 0 && code !== 'AG_UNSUPPORTED') {
      const given = asked.map(([name, sizes]) => `${name === '' ? '' : `${name}=`}${sizes.join()}`);
      throw new Failure(
        'usage',
        `--shape ${given.join(' --shape ')}: ${message.replace(/^OnnxModel: /, '')}`,
        undefined,
        error,
      );
    }
    return { traced: null, reason: `operations are not counted: ${message.replace(/^loadOnnx: /, '')}` };
  }
}

/** Lines for people, and what the event says. */
export interface OnnxReport {
  readonly lines: readonly string[];
  readonly event: object;
}

export function onnxReport(
  { summary, bytes }: { readonly summary: OnnxSummary; readonly bytes: Uint8Array },
  path: string,
  options: Pick<InspectOptions, 'shape' | 'nodes'>,
): OnnxReport {
  const { inputs, outputs, opsets, irVersion, producer, operators, nodes } = summary;
  const { shapes } = shapesFor(summary, options.shape);
  const versions = Object.entries(opsets).map(([domain, version]) => `${domain || 'opset'} ${version}`);
  const lines = [
    [...versions, `IR version ${irVersion}`, ...(producer ? [`made by ${producer}`] : [])].join(', '),
    ...inputs.map((value) => `input ${describeValue(value)}`),
    ...outputs.map((value) => `output ${describeValue(value)}`),
  ];
  const common = { opsets, irVersion, producer, inputs, outputs, operators };
  const { traced, reason } = traceOf({ summary, bytes }, path, options.shape);
  if (traced === null) {
    const rows = Object.entries(operators)
      .sort(([, a], [, b]) => b - a)
      .map(([operator, number]) => [operator, count(number)]);
    lines.push('', ...table(['operator', 'nodes'], rows), '', reason ?? '');
    if (options.nodes) {
      lines.push(
        '',
        ...table(
          ['node', 'operator', 'inputs', 'outputs'],
          nodes.map((node) => [node.name, node.operator, node.inputs.join(' '), node.outputs.join(' ')]),
        ),
      );
    }
    return { lines, event: { ...common, nodes, flops: null } };
  }
  const total = traced.reduce((sum, { flops }) => sum + flops, 0);
  const byOperator = new Map<string, { nodes: number; flops: number }>();
  for (const { operator, flops } of traced) {
    const before = byOperator.get(operator) ?? { nodes: 0, flops: 0 };
    byOperator.set(operator, { nodes: before.nodes + 1, flops: before.flops + flops });
  }
  const share = (flops: number): string => (total === 0 ? '0 %' : `${((100 * flops) / total).toFixed(1)} %`);
  const rows = [...byOperator]
    .sort(([, a], [, b]) => b.flops - a.flops || b.nodes - a.nodes)
    .map(([operator, { nodes: number, flops }]) => [operator, count(number), count(flops), share(flops)]);
  const given = inputs
    .map(({ name, shape }) => `${name} ${(shapes[name] ?? shape ?? []).join('×')}`)
    .join(', ');
  lines.push(
    '',
    `${count(total)} operations (${flopsText(total)}) for ${given}`,
    '',
    ...table(['operator', 'nodes', 'operations', 'share'], rows),
  );
  if (options.nodes) {
    lines.push(
      '',
      ...table(
        ['node', 'operator', 'inputs', 'output', 'operations'],
        traced.map((node) => [
          node.name || node.outputs[0] || '',
          node.operator,
          node.inputShapes.map(shapeText).join(' '),
          node.outputShapes.map(shapeText).join(' '),
          count(node.flops),
        ]),
      ),
    );
  }
  return { lines, event: { ...common, nodes: traced, flops: total } };
}

/** `x: float32 [batch, 3]` */
export function describeValue({ name, type, shape }: OnnxValue): string {
  return `${name}: ${type ?? 'no tensor'}${shape ? ` [${shape.map((size) => size ?? '?').join(', ')}]` : ''}`;
}

function shapeText(shape: readonly number[] | null): string {
  return shape === null ? '–' : `[${shape.join(', ')}]`;
}

/** `4.1 GFLOPs` */
function flopsText(flops: number): string {
  const units = ['FLOPs', 'kFLOPs', 'MFLOPs', 'GFLOPs', 'TFLOPs'];
  let unit = 0;
  let value = flops;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toPrecision(3)} ${units[unit]}`;
}
