/**
 * WebGPU in Node for tests: Dawn (npm `webgpu`, a peer) on the software driver that Chromium carries, so that results are
 * those of the same device everywhere and no graphics processor is needed. A driver of your own: set `VK_DRIVER_FILES` to
 * its manifest; `AG_GPU=any` takes whatever the system offers.
 *
 *   const { gpu, reason } = await dawn();
 *   describe.skipIf(gpu === undefined)(…)
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, realpathSync } from 'node:fs';
import { constants, homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { peer, peersFolder } from './peers.mjs';

/**
 * A `GPU` object: `{ gpu, driver, version }`, or `{ reason }` where there is none. `driver` is the manifest of the driver,
 * or undefined for the system's. `toggles` go to Dawn as they are. A process ends only once the object is dropped, so a
 * script ends itself.
 */
export async function dawn({ toggles = [] } = {}) {
  const fetched = await peer('webgpu');
  if (fetched.reason) return { reason: fetched.reason };
  const software = process.platform === 'linux' && process.env.AG_GPU !== 'any';
  const driver = process.env.VK_DRIVER_FILES ?? (software ? softwareDriver() : undefined);
  if (software && driver === undefined)
    return { reason: 'there is no Chromium whose software driver Dawn could use (set CHROMIUM to its path)' };
  if (driver !== undefined) {
    process.env.VK_DRIVER_FILES = driver;
    keepLoader(join(dirname(driver), 'libvulkan.so.1'));
  }
  // Without one the loader of drivers warns.
  process.env.XDG_RUNTIME_DIR ??= mkdtempSync(join(tmpdir(), 'ag-runtime-'));
  try {
    const { create, globals } = await fetched.load('webgpu');
    Object.assign(globalThis, globals);
    const gpu = create(toggles);
    const adapter = await gpu.requestAdapter();
    if (!adapter) return { reason: `Dawn finds no adapter${driver ? ` by ${driver}` : ''}` };
    return { gpu, driver, version: fetched.version('webgpu') };
  } catch (error) {
    return { reason: `Dawn does not load: ${error.message.split('\n')[0]}` };
  }
}

/**
 * What a process of its own needs in its environment to find the same device, for tests of the command: the driver, the
 * loader beside it, and where npm `webgpu` is.
 */
export function dawnEnvironment() {
  const driver = process.env.VK_DRIVER_FILES;
  return {
    AG_PEERS: peersFolder(),
    XDG_RUNTIME_DIR: process.env.XDG_RUNTIME_DIR,
    ...(driver === undefined ? {} : { VK_DRIVER_FILES: driver, LD_LIBRARY_PATH: dirname(driver) }),
  };
}

/**
 * Loads the Vulkan loader that lies beside Chromium's driver, for systems without one. Node takes it for an addon and
 * refuses, but by then it is in the process, where Dawn finds it by its name; the flag keeps it there.
 */
function keepLoader(path) {
  if (!existsSync(path)) return;
  const neverUnload = 0x1000;
  try {
    process.dlopen({ exports: {} }, path, constants.dlopen.RTLD_NOW | neverUnload);
  } catch {}
}

/** The manifest of the driver in Chromium's folder. */
export function softwareDriver() {
  const names = [process.env.CHROMIUM, 'chromium', 'chromium-browser', 'google-chrome'].filter(Boolean);
  const programs = names.map((name) => spawnSync('which', [name], { encoding: 'utf8' }).stdout?.trim() ?? '');
  const folders = [
    ...programs.filter((path) => path !== '' && existsSync(path)).map((path) => dirname(realpathSync(path))),
    '/usr/lib/chromium',
    '/usr/lib64/chromium-browser',
    '/opt/google/chrome',
    ...playwrightBrowsers(),
  ];
  return folders.map((folder) => join(folder, 'vk_swiftshader_icd.json')).find((path) => existsSync(path));
}

function playwrightBrowsers() {
  const folder = process.env.PLAYWRIGHT_BROWSERS_PATH ?? join(homedir(), '.cache/ms-playwright');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.startsWith('chromium'))
    .flatMap((name) =>
      ['chrome-linux', 'chrome-linux64', 'chrome-headless-shell-linux64'].map((inner) =>
        join(folder, name, inner),
      ),
    );
}
