/** A device for tests: Dawn in Node, on the driver that `scripts/dawn.mjs` finds. */

export interface TestGpu {
  /** Undefined where there is none. */
  readonly gpu: GPU | undefined;
  readonly reason: string;
}

let known: Promise<TestGpu> | null = null;

/** The `GPU` object, one for all tests of a process; where there is none, a line says why. */
export function testGpu(): Promise<TestGpu> {
  known ??= find();
  return known;
}

async function find(): Promise<TestGpu> {
  const path = '../../../../scripts/dawn.mjs';
  const { dawn } = await import(/* @vite-ignore */ new URL(path, import.meta.url).href);
  const found: { gpu?: GPU; reason?: string } = await dawn();
  if (found.gpu === undefined) console.log(`tests of WebGPU in Node are skipped: ${found.reason}`);
  return { gpu: found.gpu, reason: found.reason ?? '' };
}
