/**
 * Whose mistake an error is. What a module of the user's own throws, or what its functions answer that makes no sense, is
 * the user's, and the message names the line; everything else stays an error of the program itself.
 */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where in the user's code something is, `file:line:column`, and what stands there. */
export interface Blame {
  /** The module, as the command line names it. */
  readonly module: string;
  /** `/home/me/moons.ts:14:9, the model`; null where it cannot be known. */
  readonly place: string | null;
}

const blamed = new WeakMap<object, Blame>();

/** Says that an error is the user's, unless somebody further inside has said so, who knows it better. */
export function blame(error: object, by: Blame): void {
  if (!blamed.has(error)) blamed.set(error, by);
}

/** What was said about an error, or about what caused it. */
export function blameOf(error: unknown): Blame | undefined {
  for (let one = error; typeof one === 'object' && one !== null; one = (one as { cause?: unknown }).cause) {
    const found = blamed.get(one);
    if (found) return found;
  }
  return undefined;
}

/** The folder of this command, built or as source: its frames are nobody else's. */
const ownFolder = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? '../' : './', import.meta.url));
/** The packages beside it in a checkout; an installed command has them in `node_modules`. */
const checkout = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../../../../packages/' : '../../../packages/', import.meta.url),
);

/**
 * The first line of a stack that is neither of this command, nor of a package, nor of Node: `file:line:column`.
 *
 * @param stack as V8 writes it
 */
export function usersLine(stack: string | undefined): string | null {
  for (const line of stack?.split('\n') ?? []) {
    const place = placeIn(line);
    if (place !== null && isUsers(place)) return place;
  }
  return null;
}

/** `file:line:column` of a frame. */
function placeIn(frame: string): string | null {
  const [, place] = /^\s+at (?:.*\()?((?:file:\/\/)?[^()]+:\d+:\d+)\)?$/.exec(frame) ?? [];
  if (place === undefined) return null;
  const [, file, rest] = /^(.*?)(:\d+:\d+)$/.exec(place)!;
  return `${pathOf(file.replace(/^async /, ''))}${rest}`;
}

function pathOf(file: string): string {
  return file.startsWith('file:') ? fileURLToPath(file) : file;
}

function isUsers(place: string): boolean {
  return (
    !/^node:|[\\/]node_modules[\\/]|^<anonymous>/.test(place) &&
    !place.startsWith(ownFolder) &&
    !place.startsWith(checkout) &&
    !place.startsWith('evalmachine')
  );
}

/**
 * Where a function is written, as far as it is in the user's code. The engine knows; asking it takes milliseconds, which
 * only an error is worth.
 */
export function placeOfFunction(wanted: unknown): string | null {
  if (typeof wanted !== 'function') return null;
  const holder = globalThis as { agradLooksFor?: unknown };
  // Not imported, since help should load nothing it does not need, and not every runtime has it.
  const inspector = process.getBuiltinModule?.('node:inspector');
  if (!inspector) return null;
  const session = new inspector.Session();
  let place: string | null = null;
  try {
    session.connect();
    const scripts = new Map<string, string>();
    session.on('Debugger.scriptParsed', ({ params }) => scripts.set(params.scriptId, params.url));
    session.post('Debugger.enable');
    holder.agradLooksFor = wanted;
    session.post('Runtime.evaluate', { expression: 'globalThis.agradLooksFor' }, (_, found) => {
      const objectId = found?.result.objectId;
      if (objectId === undefined) return;
      session.post('Runtime.getProperties', { objectId }, (_, properties) => {
        const location = properties?.internalProperties?.find(({ name }) => name === '[[FunctionLocation]]');
        const at = location?.value?.value as
          | { scriptId: string; lineNumber: number; columnNumber: number }
          | undefined;
        const file = at && scripts.get(at.scriptId);
        if (file) place = `${pathOf(file)}:${at.lineNumber + 1}:${at.columnNumber + 1}`;
      });
    });
  } catch {
    // A debugger that is attached already may refuse; the message then names the file alone.
  } finally {
    delete holder.agradLooksFor;
    session.disconnect();
  }
  return place !== null && isUsers(place) ? place : null;
}

/** What the engine says where code of the program is wrong; what packages refuse they say in words of their own. */
const engineSays =
  /is not (a function|defined|iterable|a constructor)|^Cannot (read|set|access|create|destructure|convert|assign)|Maximum call stack|^Assignment to constant|before initialization|Invalid array length/;

/**
 * Whether an error that nobody has been blamed for is a mistake of the program itself: one of the engine's own errors,
 * with no line of the user's on the way to it.
 */
export function isProgramError(error: Error): boolean {
  return engineSays.test(error.message) && usersLine(error.stack) === null;
}

/** The line of the user's module in a stack, where it is there; the first other one of the user's own else. */
export function lineOfModule(error: Error, module: string): string | null {
  const file = resolve(module);
  for (let one: unknown = error; one instanceof Error; one = one.cause) {
    const places = (one.stack ?? '').split('\n').map(placeIn);
    const first = usersLine(one.stack) ?? places.find((place) => place?.startsWith(file)) ?? null;
    if (first !== null) return first;
  }
  return null;
}
