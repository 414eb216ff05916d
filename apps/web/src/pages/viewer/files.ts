/**
 * Files of weights and networks, opened in the worker.
 *
 * Of safetensors only what is looked at is read, by slices.
 */
import {
  loadNpy,
  loadNpz,
  loadTorch,
  type StoredTensor,
  storedSafetensors,
  storedTensors,
  widthOf,
} from '@ag/nn';
import { inspectOnnx, type OnnxSummary, onnxTensors } from '@ag/onnx';

export interface OpenedFile {
  readonly name: string;
  /** In words: `safetensors`, `ONNX`. */
  readonly format: string;
  readonly bytes: number;
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: readonly StoredTensor[];
  readonly onnx?: { readonly summary: OnnxSummary; readonly bytes: Uint8Array };
}

type Format = 'safetensors' | 'onnx' | 'torch' | 'npz' | 'npy';

const endings: Readonly<Record<string, Format>> = {
  safetensors: 'safetensors',
  onnx: 'onnx',
  pt: 'torch',
  pth: 'torch',
  npz: 'npz',
  npy: 'npy',
};

/** @throws Error for a file that is none of the formats, or damaged */
export async function openFile(file: Blob, name: string): Promise<OpenedFile> {
  const format = formatOf(name, new Uint8Array(await file.slice(0, 4096).arrayBuffer()));
  const read = async (start: number, end: number) =>
    new Uint8Array(await file.slice(start, end).arrayBuffer());
  const common = { name, bytes: file.size, metadata: {} };
  if (format === 'safetensors') {
    const { tensors, metadata } = await storedSafetensors({ size: file.size, read });
    const isCheckpoint = metadata.format === 'ag-checkpoint';
    return {
      ...common,
      format: isCheckpoint ? 'checkpoint (safetensors)' : 'safetensors',
      metadata,
      tensors,
    };
  }
  const bytes = await read(0, file.size);
  switch (format) {
    case 'onnx': {
      const summary = inspectOnnx(bytes);
      const tensors = onnxTensors(bytes).map(
        (tensor): StoredTensor => ({
          name: tensor.name,
          dtype: tensor.type,
          shape: tensor.shape,
          size: tensor.size,
          bytes: tensor.size * widthOf(tensor.type),
          async *parts() {
            yield tensor.read().data;
          },
        }),
      );
      return { ...common, format: 'ONNX', metadata: summary.metadata, tensors, onnx: { summary, bytes } };
    }
    case 'torch': {
      const { tensors, names } = await loadTorch(bytes);
      return { ...common, format: 'PyTorch', tensors: storedTensors(tensors, names) };
    }
    case 'npz':
      return { ...common, format: 'NumPy archive', tensors: storedTensors(await loadNpz(bytes)) };
    case 'npy':
      return {
        ...common,
        format: 'NumPy array',
        tensors: storedTensors({ [name.replace(/\.npy$/i, '')]: loadNpy(bytes) }),
      };
  }
}

/** By the ending of the name, else by the first bytes. */
function formatOf(name: string, start: Uint8Array): Format {
  const named = new Map(Object.entries(endings)).get(/\.([^.]+)$/.exec(name)?.[1].toLowerCase() ?? '');
  if (named) return named;
  const text = new TextDecoder('latin1').decode(start);
  if (text.startsWith('PK')) return text.includes('/data.pkl') ? 'torch' : 'npz';
  if (text.startsWith('\x93NUMPY')) return 'npy';
  // Before pickles: a header may be 0x80 bytes long.
  if (text[8] === '{' && start[6] === 0 && start[7] === 0) return 'safetensors';
  if (start[0] === 0x80 && start[1] <= 5) return 'torch';
  if (start[0] === 0x08 && start[1] > 0 && start[1] < 32) return 'onnx';
  throw new Error(
    `${name} is no file of weights that is known: .onnx, .safetensors, .pt, .pth, .npz, .npy and checkpoints are`,
  );
}
