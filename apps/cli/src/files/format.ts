/** What a file of weights is, by the ending of its name, else by its first bytes. */
import { open } from 'node:fs/promises';
import { Failure } from '../failure.ts';

/** Formats of files with tensors. */
export type FileFormat = 'safetensors' | 'safetensors index' | 'npz' | 'npy' | 'torch' | 'json' | 'onnx';

const endings: Readonly<Record<string, FileFormat>> = {
  safetensors: 'safetensors',
  npz: 'npz',
  npy: 'npy',
  pt: 'torch',
  pth: 'torch',
  onnx: 'onnx',
};

/** The format that a name's ending says, if it says one. */
export function formatOfName(path: string): FileFormat | undefined {
  const ending = /\.([^.\\/]+)$/.exec(path)?.[1].toLowerCase() ?? '';
  return Object.hasOwn(endings, ending) ? endings[ending] : undefined;
}

/** @throws Failure `incompatible` for a file that is none of them */
export async function formatOfFile(path: string): Promise<FileFormat> {
  const named = formatOfName(path);
  if (named !== undefined) return named;
  const file = await open(path);
  let start: Uint8Array;
  try {
    const { bytesRead, buffer } = await file.read(new Uint8Array(4096), 0, 4096, 0);
    start = buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
  const text = new TextDecoder('latin1').decode(start);
  if (text.startsWith('PK')) return text.includes('/data.pkl') ? 'torch' : 'npz';
  if (text.startsWith('\x93NUMPY')) return 'npy';
  // Before pickles: a header may be 0x80 bytes long.
  if (text[8] === '{' && start[6] === 0 && start[7] === 0) return 'safetensors';
  if (start[0] === 0x80 && start[1] <= 5) return 'torch';
  if (/^\s*\{/.test(text))
    return text.includes('"weight_map"') || /\.index\.json$/i.test(path) ? 'safetensors index' : 'json';
  // A version of the format comes first in all that exporters write.
  if (start[0] === 0x08 && start[1] > 0 && start[1] < 32) return 'onnx';
  throw new Failure(
    'incompatible',
    `${path}: this is no file of weights that is known`,
    'Known are .safetensors, .npz, .npy, .pt, .pth, .onnx, and .json of agrad convert.',
  );
}
