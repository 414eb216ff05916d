/**
 * Node's modules, asked for at run time. No bundler meets an import it cannot resolve, and pages load nothing of it.
 * Bun and Deno have the same modules in the same way.
 */

import { codedError } from '@ag/tensor/engine';

/** What is used of Node: files, paths, names of machines, random bytes, and the port of a worker thread. */
interface NodeModules {
  'node:crypto': typeof import('node:crypto');
  'node:fs/promises': typeof import('node:fs/promises');
  'node:os': typeof import('node:os');
  'node:path': typeof import('node:path');
  'node:worker_threads': typeof import('node:worker_threads');
}

/** One of Node's modules, or undefined where there are none (browsers, small engines). */
export function findNodeModule<Name extends keyof NodeModules>(name: Name): NodeModules[Name] | undefined {
  const runtime = (globalThis as { process?: typeof process }).process;
  // `?.` on the method: Node has it from 20.16, and pages may have a `process` that somebody else put there.
  return runtime?.getBuiltinModule?.(name) as NodeModules[Name] | undefined;
}

/**
 * One of Node's modules.
 * @throws Error that says what to use instead where there are none
 */
export function nodeModule<Name extends keyof NodeModules>(name: Name): NodeModules[Name] {
  const found = findNodeModule(name);
  if (found !== undefined) return found;
  throw codedError(
    Error,
    'AG_UNSUPPORTED',
    'files need Node, Bun or Deno. In a page, use encodeCheckpoint and decodeCheckpoint with bytes, and functions ' +
      'instead of paths for loggers.',
  );
}

/** The process, never by its plain name: bundlers that meet that put a stand-in into pages. */
export function nodeProcess(): typeof process {
  return (globalThis as unknown as { process: typeof process }).process;
}
