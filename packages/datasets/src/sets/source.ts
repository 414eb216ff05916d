/** Bytes of a file or an address. */
import { DataError } from '../errors.ts';
import { nodeModules } from '../platform.ts';

/** @throws DataError `missing` when they cannot be read */
export async function readBytes(source: string | URL): Promise<Uint8Array> {
  const node = nodeModules();
  const address = String(source);
  try {
    if (node !== undefined && !/^https?:/.test(address)) {
      const path = source instanceof URL || address.startsWith('file:') ? new URL(address) : address;
      return new Uint8Array(await node.fs.readFile(path));
    }
    const response = await fetch(source);
    if (!response.ok) throw new Error(`the server answers ${response.status}`);
    return new Uint8Array(await response.arrayBuffer());
  } catch (cause) {
    throw new DataError(`cannot be read (${cause instanceof Error ? cause.message : String(cause)})`, {
      code: 'missing',
      file: address,
      cause,
    });
  }
}
