/**
 * What the platform offers: files in Node, none in browsers. Node's modules are asked for at run time through
 * `process.getBuiltinModule`, so that no bundler meets an import it cannot resolve.
 */

/**
 * Node's file system, paths, home folder and decompression; its globals as well, as bundlers that meet their plain names put
 * stand-ins into pages.
 */
export interface NodeModules {
  fs: typeof import('node:fs/promises');
  path: typeof import('node:path');
  os: typeof import('node:os');
  zlib: typeof import('node:zlib');
  process: typeof process;
  Buffer: typeof Buffer;
}

/** Node's modules, or undefined where there are none (browsers). */
export function nodeModules(): NodeModules | undefined {
  const runtime = (globalThis as { process?: typeof process }).process;
  if (typeof runtime?.getBuiltinModule !== 'function' || runtime.versions?.node === undefined)
    return undefined;
  return {
    fs: runtime.getBuiltinModule('node:fs/promises'),
    path: runtime.getBuiltinModule('node:path'),
    os: runtime.getBuiltinModule('node:os'),
    zlib: runtime.getBuiltinModule('node:zlib'),
    process: runtime,
    Buffer: (globalThis as { Buffer?: typeof Buffer }).Buffer as typeof Buffer,
  };
}

/** An environment variable, or undefined where it is empty or there are none. */
export function environment(name: string): string | undefined {
  const runtime = (globalThis as { process?: typeof process }).process;
  return runtime?.env?.[name] || undefined;
}
