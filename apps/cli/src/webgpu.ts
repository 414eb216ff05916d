/**
 * WebGPU for the command. Node has none of its own: the npm package `webgpu` (Dawn) brings it, and is found where the user
 * installed it, beside the present folder or beside agrad; `AG_PEERS` names a folder of peers.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { WebGpuBackend } from '@ag/webgpu';

/** A `GPU` object and where it comes from. */
export interface FoundGpu {
  readonly gpu: GPU;
  readonly from: string;
}

/** The package's entry. */
interface Dawn {
  create(toggles: readonly string[]): GPU;
  readonly globals: object;
}

/** What to do where there is none. */
export const webgpuAdvice =
  'npm install webgpu (Dawn for Node, 130 MB) in this folder; on Linux it needs the Vulkan loader (libvulkan1) and a driver, and VK_DRIVER_FILES may name one.';

/** The engine's own, else of the npm package; in words why there is none. */
export async function findGpu(): Promise<FoundGpu | string> {
  const { navigator } = globalThis as { navigator?: { gpu?: GPU } };
  if (navigator?.gpu) return { gpu: navigator.gpu, from: 'the engine' };
  const path = dawnPath();
  if (path === null) return 'the npm package webgpu is not installed';
  try {
    const { create, globals }: Dawn = await import(pathToFileURL(path).href);
    for (const [name, value] of Object.entries(globals))
      if (!(name in globalThis)) Object.assign(globalThis, { [name]: value });
    return { gpu: create([]), from: `npm webgpu ${versionAt(path)}` };
  } catch (error) {
    return `the npm package webgpu at ${path} does not load: ${(error as Error).message.split('\n')[0]}`;
  }
}

function dawnPath(): string | null {
  const { AG_PEERS } = process.env;
  const places = [
    pathToFileURL(join(process.cwd(), 'package.json')).href,
    import.meta.url,
    ...(AG_PEERS ? [pathToFileURL(join(AG_PEERS, 'webgpu', 'package.json')).href] : []),
  ];
  for (const place of places) {
    try {
      return createRequire(place).resolve('webgpu');
    } catch {
      // Not there.
    }
  }
  return null;
}

function versionAt(path: string): string {
  try {
    return createRequire(path)('./package.json').version;
  } catch {
    return '';
  }
}

/** The backend on what was found. @throws Error in words of what is missing */
export async function startWebGpu(): Promise<WebGpuBackend> {
  const found = await findGpu();
  if (typeof found === 'string') throw new Error(found);
  const { webgpu } = await import('@ag/webgpu');
  return webgpu({ gpu: found.gpu });
}
