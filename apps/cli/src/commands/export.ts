/** The command line of `agrad export`. */
import { defineCommand, type OptionsFor } from '../command.ts';
import { boolean, integer, number, oneOf } from '../flags.ts';
import { shape } from './inspect.ts';
import { recipe } from './shared.ts';

export const exportCommand = defineCommand({
  usage: 'export <run|weights> [out]',
  summary: 'export a trained network for other programs: ONNX, PyTorch, safetensors, NumPy, WebAssembly',
  examples: [
    'agrad export runs/digits-… --onnx digits.onnx --verify',
    'agrad export runs/digits-… --pytorch',
    'agrad export weights.safetensors model.onnx --shape x=1,28,28',
    'agrad export weights.pt model.onnx --recipe ./my-recipe.ts',
    'agrad export runs/digits-… --wasm model.wasm --max-batch 16',
    'agrad export runs/digits-… --wasm step.wasm --train',
  ],
  flags: {
    onnx: { type: boolean, help: 'an ONNX file, the network with its weights' },
    pytorch: { type: boolean, help: "a .pt file with PyTorch's names, for load_state_dict" },
    safetensors: { type: boolean, help: 'a safetensors file, with the architecture and the preprocessing' },
    npz: { type: boolean, help: 'a NumPy archive of the weights' },
    wasm: {
      type: boolean,
      help: 'a WebAssembly module that computes by itself, with an ES module that loads it (.js, .d.ts)',
    },
    train: {
      type: boolean,
      help: "of WebAssembly: a training step of the run, from its first weights on, instead of the network's answer",
    },
    maxBatch: {
      type: integer(1),
      value: '<n>',
      help: 'of WebAssembly: the largest batch that it answers, one example by default',
    },
    arithmetic: {
      type: oneOf('separate', 'fused'),
      value: '<kind>',
      default: 'separate',
      help: 'of WebAssembly: products and sums rounded apart, which runs everywhere, or fused (relaxed SIMD)',
    },
    beside: { type: boolean, help: 'of WebAssembly: the weights as a file beside it (.bin)' },
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
    fold: {
      type: boolean,
      help: 'of ONNX: fold batch normalization into the convolutions before it, for a file to use, not to train on',
    },
    shape: {
      ...shape,
      help: 'of ONNX: the shape of one example, where no recipe gives it, such as x=1,28,28',
    },
    recipe,
  },
  settings: ['dataDir', 'backend', 'threads'],
  notes: `
The format may follow from the name of the file instead: .onnx, .pt, .safetensors, .npz, .wasm. Without a name the file is called
model, beside the run's weights.`,
});

export type ExportOptions = OptionsFor<typeof exportCommand>;
