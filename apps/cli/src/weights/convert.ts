/** `agrad convert`: weights from one file format to another, with other names or types where that is asked for. */
import { statSync } from 'node:fs';
import { storedElement } from '@ag/nn';
import type { Tensor } from '@ag/tensor';
import { eventVersion, writeAtomically } from '@ag/train';
import type { ConvertOptions } from '../commands/convert.ts';
import { exitCodes, Failure } from '../failure.ts';
import { isHalf, readWeightsFile, type Weights, writerFor } from '../files/weightsFile.ts';
import { bytes } from '../numbers.ts';
import type { Terminal } from '../terminal.ts';
import { renamed } from './names.ts';
import { findWeights } from './trained.ts';

/** Runs the command; answers the exit code. */
export async function convert(options: ConvertOptions, terminal: Terminal): Promise<number> {
  const { names, dtype } = options;
  const [source, target] = options.positional;
  const to = writerFor(target);
  if (dtype === 'float16' && !to.halves)
    throw new Failure(
      'usage',
      `--dtype float16: ${target} holds its numbers as text`,
      'Take safetensors, npz or pt.',
    );
  const file = await contentOf(source);
  const whole = file.metadata.format !== 'ag-checkpoint';
  let tensors = file.tensors;
  if (names !== undefined) {
    if (!whole) {
      throw new Failure(
        'usage',
        `--names: ${source} is a checkpoint, with an optimizer's state beside the weights`,
        'Convert the run, or its weights.safetensors.',
      );
    }
    const changed = renamed(tensors, names, file.metadata.architecture, source);
    tensors = changed.tensors;
    if (!changed.byNetwork) {
      terminal.note(
        `${source} does not say its network: names are changed letter by letter, which is not enough for attention and recurrent layers`,
      );
    }
  }
  // Doubles are numbers of more digits than float32 has.
  if (dtype === 'float32') {
    tensors = Object.fromEntries(
      Object.entries(tensors).map(([name, value]) => [
        name,
        value.dtype === 'float64' ? value.cast('float32') : value,
      ]),
    );
  }
  const lost = dtype === 'float16' ? await beyondHalf(tensors) : null;
  if (lost !== null) {
    throw new Failure(
      'data',
      `--dtype float16: ${lost}, and float16 ends at 65504`,
      'Leave out --dtype, or take float32.',
    );
  }
  const metadata = to.texts ? file.metadata : {};
  let content: Uint8Array | string;
  try {
    content = await to.write({ tensors, metadata }, dtype === 'float16' ? 'F16' : undefined);
  } catch (error) {
    if (!String((error as { code?: unknown }).code).startsWith('AG_')) throw error;
    throw new Failure('incompatible', `${target}: ${(error as Error).message}`, undefined, error);
  }
  await writeAtomically(target, content);
  const count = Object.keys(tensors).length;
  if (!to.texts && Object.keys(file.metadata).length > 0) {
    terminal.note(`the training metadata of ${source} cannot be stored in this format`);
  }
  if (file.leftOut !== undefined) terminal.note(`left out: ${file.leftOut}`);
  const widened = Object.values(file.tensors).some((value) => isHalf(storedElement(value)));
  if (widened && dtype === undefined) {
    terminal.note(`${source} is in half precision and becomes float32; --dtype float16 keeps its size`);
  }
  terminal.print(`${target}: ${count} tensor${count === 1 ? '' : 's'}, ${bytes(content.length)}`);
  terminal.event({
    v: eventVersion,
    type: 'result',
    command: 'convert',
    from: source,
    to: target,
    tensors: count,
    bytes: content.length,
  });
  return exitCodes.done;
}

/** The weights of a file as it is, or those of a run. */
async function contentOf(source: string): Promise<Weights> {
  const isFolder = statSync(source, { throwIfNoEntry: false })?.isDirectory() ?? false;
  if (!isFolder) return readWeightsFile(source);
  const { weights, metadata } = await findWeights(source);
  return { tensors: weights, metadata, names: Object.keys(weights), format: 'safetensors' };
}

/** A finite number that is none in half precision, in words. */
async function beyondHalf(tensors: Readonly<Record<string, Tensor>>): Promise<string | null> {
  for (const [name, value] of Object.entries(tensors)) {
    if (value.dtype !== 'float32' && value.dtype !== 'float64') continue;
    for (const x of await value.data()) {
      if (Number.isFinite(x) && Math.abs(x) >= 65520) return `'${name}' holds ${x}`;
    }
  }
  return null;
}
