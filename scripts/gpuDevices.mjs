/**
 * The WebGPU backend on other drivers and other compilers of WGSL than the tests have, for the nightly run: the conformance suite in Node
 * by Dawn (Tint) and in Deno by wgpu (naga), on SwiftShader, which comes with Chromium, and on lavapipe, which comes with Debian's
 * `mesa-vulkan-drivers`. A line for each; what cannot be had is skipped with the reason; exit code 1 when one fails.
 *
 *   node scripts/gpuDevices.mjs                 all of them
 *   node scripts/gpuDevices.mjs --every 8       each eighth test (default 3)
 *   node scripts/gpuDevices.mjs --seconds 60    no new test after so many, for each (default 300)
 *   node scripts/gpuDevices.mjs --lavapipe FILE its manifest, where it is not installed in the usual place
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { softwareDriver } from './dawn.mjs';
import { peer } from './peers.mjs';

const { values } = parseArgs({
  options: {
    every: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '300' },
    lavapipe: { type: 'string', default: '/usr/share/vulkan/icd.d/lvp_icd.x86_64.json' },
  },
});
const swiftShader = softwareDriver();
const drivers = [
  {
    name: 'SwiftShader',
    manifest: swiftShader,
    absent: 'no Chromium (set CHROMIUM to its path)',
  },
  {
    name: 'lavapipe',
    manifest: existsSync(values.lavapipe) ? values.lavapipe : undefined,
    absent: 'apt-get install mesa-vulkan-drivers, or --lavapipe FILE',
  },
];

const folder = mkdtempSync(join(tmpdir(), 'ag-devices-'));
const count = { passed: 0, failed: 0 };
try {
  const script = join(folder, 'suite.mjs');
  await build({
    entryPoints: [fileURLToPath(new URL('../tests/browserGpu/process.ts', import.meta.url))],
    outfile: script,
    bundle: true,
    format: 'esm',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    external: ['node:*'],
    target: 'es2022',
    conditions: ['@ag/source'],
    logLevel: 'warning',
  });
  for (const host of [await node(script), await deno(script)])
    for (const driver of drivers) await report(host, driver);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(`${count.passed} passed, ${count.failed} failed`);
process.exitCode = count.failed > 0 ? 1 : 0;

/** Node with Dawn: a program and its arguments, or why there is none. */
async function node(script) {
  const found = await peer('webgpu');
  const dawn = new URL('dawn.mjs', import.meta.url).href;
  return found.reason
    ? { name: 'Dawn in Node', absent: found.reason }
    : {
        name: `Dawn ${found.version('webgpu')} in Node`,
        program: process.execPath,
        args: [script],
        task: { dawn },
      };
}

async function deno(script) {
  const found = await peer('deno');
  if (found.reason) return { name: 'Deno', absent: found.reason };
  const binary = '@deno/linux-x64-glibc';
  return {
    name: `wgpu in Deno ${found.version(binary)}`,
    program: found.require.resolve(`${binary}/deno`),
    args: ['run', '-A', '--no-lock', '--unstable-webgpu', script],
    task: {},
  };
}

async function report(host, driver) {
  const title = `${host.name} on ${driver.name}`;
  const absent = host.absent ?? (driver.manifest ? undefined : driver.absent);
  if (absent) {
    console.log(`skip  ${title}: ${absent}`);
    return;
  }
  const began = performance.now();
  const { outcome, said } = await run(host, driver.manifest);
  const seconds = ((performance.now() - began) / 1000).toFixed(0);
  if (outcome?.absent) {
    console.log(`skip  ${title}: ${outcome.absent}`);
    return;
  }
  if (!outcome) {
    count.failed++;
    console.log(`FAIL  ${title}: ${said}`);
    return;
  }
  count.passed += outcome.passed;
  count.failed += outcome.failures.length;
  const sign = outcome.failures.length > 0 ? 'FAIL' : 'ok  ';
  console.log(`${sign}  ${title} (${outcome.adapter}): ${outcome.passed} passed in ${seconds} s`);
  for (const failure of outcome.failures) console.log(`      ${failure.split('\n')[0].slice(0, 300)}`);
}

/** What the suite printed, or the last that the process said. */
function run({ program, args, task }, manifest) {
  const full = { ...task, step: Number(values.every), seconds: Number(values.seconds) };
  const env = {
    ...process.env,
    VK_DRIVER_FILES: manifest,
    VK_ICD_FILENAMES: manifest,
    XDG_RUNTIME_DIR: folder,
    // The loader of drivers that comes with Chromium, for systems without one.
    ...(swiftShader && { LD_LIBRARY_PATH: dirname(swiftShader) }),
  };
  return new Promise((resolve) => {
    const child = spawn(program, [...args, JSON.stringify(full)], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), (Number(values.seconds) + 180) * 1000);
    let printed = '';
    let said = '';
    child.stdout.on('data', (text) => {
      printed += text;
    });
    child.stderr.on('data', (text) => {
      said = `${said}${text}`.slice(-2000);
    });
    child.on('error', (error) => {
      said = error.message;
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      const line = printed.split('\n').findLast((text) => text.startsWith('{'));
      const last = said.trim().split('\n').slice(-3).join(' ') || `it ended with ${signal ?? code}`;
      resolve({ outcome: line ? JSON.parse(line) : undefined, said: last });
    });
  });
}
