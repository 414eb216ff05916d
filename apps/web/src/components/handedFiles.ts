/**
 * Files that one page hands to the code lab.
 *
 * For as long as the application is open, programs read them by their names.
 */

const files = new Map<string, Blob>();

export function handFile(name: string, file: Blob): void {
  files.set(name, file);
}

/** The bytes of those that a program names. */
export async function handedFiles(program: string): Promise<Record<string, Uint8Array>> {
  const named = [...files].filter(([name]) => program.includes(name));
  const read = named.map(async ([name, file]) => [name, new Uint8Array(await file.arrayBuffer())] as const);
  return Object.fromEntries(await Promise.all(read));
}
