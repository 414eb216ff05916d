/** Weights of an ONNX file that lie in other files beside it. */
import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, normalize } from 'node:path';
import type { ReadExternal } from '@ag/onnx';
import { Failure } from '../failure.ts';

/**
 * Reads the parts of a model's other files. Only what lies in the model's folder: a file from a stranger names no other
 * places.
 *
 * @param path the model's file
 */
export function externalOf(path: string): ReadExternal {
  return (location, offset, length) => {
    if (isAbsolute(location) || normalize(location).startsWith('..')) {
      throw new Failure(
        'incompatible',
        `${path}: weights lie in '${location}', outside of the model's folder`,
        'Move them beside the model.',
      );
    }
    const file = join(dirname(path), location);
    if (!existsSync(file)) {
      throw new Failure(
        'data',
        `${path}: its weights lie in '${location}', and there is no such file beside it`,
        `Put it into ${dirname(path)}.`,
      );
    }
    const { size } = statSync(file);
    const bytes = new Uint8Array(Math.max(0, Math.min(length ?? size - offset, size - offset)));
    const handle = openSync(file, 'r');
    try {
      for (let at = 0; at < bytes.length; ) {
        const read = readSync(handle, bytes, at, bytes.length - at, offset + at);
        if (read === 0) break;
        at += read;
      }
    } finally {
      closeSync(handle);
    }
    return bytes;
  };
}
