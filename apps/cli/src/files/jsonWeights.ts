/** Weights as JSON: `{ tensors: { name: { dtype, shape, data } }, metadata }`, numbers in row-major order. */
import type { SafetensorsFile } from '@ag/nn';
import { tensor } from '@ag/tensor';
import { Failure } from '../failure.ts';
import { readJson } from '../readJson.ts';

/** The element types that JSON weights can name. */
const dtypes: readonly string[] = ['float32', 'float64', 'int32', 'uint32', 'uint8', 'bool'];

export async function writeJsonWeights({ tensors, metadata }: SafetensorsFile): Promise<string> {
  const entries: [string, unknown][] = [];
  for (const [name, value] of Object.entries(tensors)) {
    const data = Array.from(await value.data(), (x) => (Number.isFinite(x) ? x : String(x)));
    entries.push([name, { dtype: value.dtype, shape: value.shape, data }]);
  }
  return `${JSON.stringify({ metadata, tensors: Object.fromEntries(entries) })}\n`;
}

/** @throws Failure `incompatible` for a file without weights */
export function readJsonWeights(path: string): SafetensorsFile {
  const fail = (what: string, cause?: unknown): never => {
    throw new Failure(
      'incompatible',
      `${path}: ${what}`,
      "Such files are made by 'agrad convert weights.safetensors weights.json'.",
      cause,
    );
  };
  let content: {
    tensors?: Record<string, { dtype?: string; shape?: number[]; data?: unknown[] }>;
    metadata?: Record<string, string>;
  };
  try {
    content = readJson(path) as typeof content;
  } catch (error) {
    if (error instanceof Failure) throw error;
    return fail(`is not JSON: ${(error as Error).message}`, error);
  }
  if (typeof content?.tensors !== 'object' || content.tensors === null)
    return fail('there is no object "tensors"');
  const tensors = Object.entries(content.tensors).map(([name, entry]) => {
    if (!Array.isArray(entry?.data) || !Array.isArray(entry.shape))
      return fail(`'${name}' has no data or no shape`);
    const { dtype = 'float32' } = entry;
    if (!dtypes.includes(dtype)) return fail(`'${name}' has dtype ${dtype}; known are ${dtypes.join(', ')}`);
    return [name, tensor(entry.data.map(Number), { shape: entry.shape, dtype: dtype as 'float32' })] as const;
  });
  return { tensors: Object.fromEntries(tensors), metadata: content.metadata ?? {} };
}
