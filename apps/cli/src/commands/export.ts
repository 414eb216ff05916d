/** The command line of `agrad export`. */
import { defineCommand, type OptionsFor } from '../command.ts';
import { boolean, integer, number } from '../flags.ts';
import { shape } from './inspect.ts';
import { recipe } from './shared.ts';

export const exportCommand = defineCommand({
  usage: 'export <run|weights> [out]',
  summary: 'export a trained network for other programs: ONNX, PyTorch, safetensors, NumPy',
  examples: [
    'agrad export runs/digits-… --onnx digits.onnx --verify',
    'agrad export runs/digits-… --pytorch',
    'agrad export weights.safetensors model.onnx --shape x=1,28,28',
    'agrad export weights.pt model.onnx --recipe ./my-recipe.ts',
  ],
  flags: {
    onnx: { type: boolean, help: 'an ONNX file, the network with its weights' },
    pytorch: { type: boolean, help: "a .pt file with PyTorch's names, for load_state_dict" },
    safetensors: { type: boolean, help: 'a safetensors file, with the architecture and the preprocessing' },
    npz: { type: boolean, help: 'a NumPy archive of the weights' },
    verify: {
      type: boolean,
      help: 'run the file on examples and compare: by onnxruntime-node or -web where one is installed, else by reading it back',
    },
    tolerance: {
      type: number(0),
      value: '<difference>',
      default: 1e-5,
      help: 'with --verify: exit with code 6 beyond this, relative to the largest output above 1',
    },
    opset: {
      type: integer(17, 21),
      value: '<n>',
      default: 18,
      help: 'of ONNX: the version of its operators',
    },
    shape: {
      ...shape,
      help: 'of ONNX: the shape of one example, where no recipe gives it, such as x=1,28,28',
    },
    recipe,
  },
  settings: ['dataDir', 'backend', 'threads'],
  notes: `
The format may follow from the name of the file instead: .onnx, .pt, .safetensors, .npz. Without a name the file is called
model, beside the run's weights.`,
});

export type ExportOptions = OptionsFor<typeof exportCommand>;
