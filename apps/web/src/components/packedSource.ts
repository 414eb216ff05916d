/**
 * A program in an address.
 *
 * Compressed (deflate), then written with the letters that addresses may hold (base64url).
 */

/** Characters of the longest program that an address is read to. */
const longest = 400_000;

export async function pack(source: string): Promise<string> {
  const stream = new Blob([source]).stream().pipeThrough(new CompressionStream('deflate-raw'));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  const letters = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
  return btoa(letters).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** @throws Error for what is no packed program, and for one that would fill the memory */
export async function unpack(packed: string): Promise<string> {
  const damaged = 'the program in this address is damaged: part of the address may be missing';
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = Uint8Array.from(atob(packed.replaceAll('-', '+').replaceAll('_', '/')), (letter) =>
      letter.charCodeAt(0),
    );
  } catch {
    throw new Error(damaged);
  }
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate-raw')).getReader();
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let source = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      source += decoder.decode(value, { stream: !done });
      if (done) return source;
      if (source.length > longest) break;
    }
  } catch {
    throw new Error(damaged);
  }
  await reader.cancel();
  throw new Error(`the program in this address is longer than ${longest} characters`);
}
