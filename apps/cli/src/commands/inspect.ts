/** The command line of `agrad inspect`. */
import { defineCommand, type OptionsFor } from '../command.ts';
import { boolean, Invalid, type Kind, number, text } from '../flags.ts';

/** The shape of an input; '' stands for the only one. */
export type NamedShape = readonly [name: string, shape: readonly number[]];

const shapeKind: Kind<NamedShape> = {
  read: (value) => {
    const [, name = '', sizes = ''] = /^(?:(.*)=)?([^=]*)$/.exec(String(value)) ?? [];
    const shape = sizes
      .replace(/^\[|\]$/g, '')
      .split(/[,×x]/)
      .map((size) => (size.trim() === '' ? Number.NaN : Number(size)));
    return shape.every((size) => Number.isSafeInteger(size) && size >= 0)
      ? [name, shape]
      : new Invalid('sizes, such as x=1,3,224,224');
  },
};

/** The shape of an input of an ONNX file. */
export const shape = {
  type: shapeKind,
  value: '<name=sizes>',
  help: 'of an ONNX file: the shape of an input whose sizes are open, such as x=1,3,224,224',
  repeatable: true,
} as const;

export const inspectCommand = defineCommand({
  usage: 'inspect <file>',
  summary: 'show what a file or run holds: tensors, statistics; of ONNX files the graph and what it costs',
  examples: [
    'agrad inspect model.safetensors',
    'agrad inspect model.onnx --shape x=1,3,224,224',
    'agrad inspect model.pt --tensor layer1.weight',
    'agrad inspect runs/digits-… --diff model.npz --tolerance 1e-6',
  ],
  flags: {
    shape,
    nodes: { type: boolean, help: 'of an ONNX file: show every node with its shapes and operations' },
    diff: { type: text, value: '<other>', help: 'compare with another file or run, tensor by tensor' },
    tolerance: {
      type: number(0),
      value: '<difference>',
      help: 'with --diff: exit with code 6 if numbers differ by more, or names or shapes differ',
    },
    tensor: { type: text, value: '<name>', help: 'print the numbers of a tensor' },
    statistics: { type: boolean, default: true, help: 'read no numbers: names, types and shapes only' },
  },
  notes: `
Files: .safetensors (also several by their .index.json), .pt, .pth, .npz, .npy, .onnx, JSON weights, checkpoints, the folder
of a run. Large safetensors files are read part by part. Operations (FLOPs) count a multiplication and an addition as two.`,
});

export type InspectOptions = OptionsFor<typeof inspectCommand>;
