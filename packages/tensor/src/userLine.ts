/**
 * Which line of a stack is the user's: messages about a computation name the line that asked for it, not the library's
 * own. The library's files are known by where this file lies, so a project with folders of the same names keeps its lines.
 */
import { takeStack } from './errors.ts';

const packages = 'tensor|graph|nn|optim|datasets|native-wasm|webgpu|onnx|train|viz|all';
/** Installed, as package managers and Vite's prepared dependencies lay it out. */
const installed = /\/node_modules\/(?:[^\s]*\/)?@ag[/_]/;
const internal = /node:internal|<anonymous>\)?$/;
const test = /\.test\.[cm]?[jt]sx?\b/;

/**
 * The first frame outside of this library: `file:line:column`, with the function where it is known; null when there is none.
 *
 * @param stack as `Error.stack` has it, of any engine
 * @param own where this file lies; bundled with the user's code, its lines cannot be told from the user's.
 */
export function userLine(stack: string | undefined, own: string = import.meta.url ?? ''): string | null {
  const scope = /^(.*\/)tensor\/(?:src|dist)\//.exec(plainPath(own))?.[1];
  const checkout = scope ? new RegExp(`${escaped(scope)}(?:${packages})/(?:src|dist)/`) : null;
  for (const line of (stack ?? '').split('\n')) {
    if (!/:\d+:\d+/.test(line) || internal.test(line.trim())) continue;
    const path = plainPath(line);
    const ours = installed.test(path) || (checkout?.test(path) && !test.test(path));
    if (!ours) return frameText(line);
  }
  return null;
}

/** The user's line that led here, however many of the library's own lie between; null where there is none. */
export function callersLine(): string | null {
  const here = new Error();
  takeStack(here, callersLine);
  return userLine(here.stack);
}

/** Without `at`, and the place alone where the engine writes `function@place`. */
function frameText(line: string): string {
  return line
    .trim()
    .replace(/^at (?:async )?/, '')
    .replace(/^<anonymous> \((.*)\)$/, '$1')
    .replace(/^.*@(?=[a-z-]+:\/\/)/, '')
    .replace('file://', '');
}

/** One way of writing for URLs and for paths of all systems. */
function plainPath(text: string): string {
  const path = text
    .replaceAll('\\', '/')
    .replace(/file:\/\/\/?(?=[A-Za-z]:\/)/, '')
    .replace('file://', '');
  try {
    return decodeURI(path);
  } catch {
    return path;
  }
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
