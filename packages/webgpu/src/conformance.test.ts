/**
 * The conformance suite of @ag/tensor on this backend, through Dawn: every tenth test, as drivers take their time with so many kernels;
 * Chromium runs all of them (`tests/browserGpu.test.ts`). `AG_TEST=full` runs all here, too, and on a device of the least limits.
 */
import * as gradients from '@ag/graph';
import { conformance } from '@ag/tensor/testing';
import { describe, it } from 'vitest';
import { defaultLimits } from './device/facts.ts';
import { webgpu } from './index.ts';
import { testGpu } from './testing/device.ts';

const { gpu } = await testGpu();
const full = process.env.AG_TEST === 'full';

/** Every `step`-th test, from number `first` on. */
function sampleOf(
  step: number,
  first: number,
): { readonly describe: typeof describe; readonly it: typeof it } {
  let count = first;
  const some = (name: string, body: () => Promise<void> | void): void => {
    if (count++ % step === 0) it(name, body);
    else it.skip(name, body);
  };
  return { describe, it: some as typeof it };
}

if (gpu === undefined) {
  describe.skip('conformance of webgpu', () => it('needs Dawn', () => {}));
} else {
  const hooks = full ? { describe, it } : sampleOf(10, 0);
  conformance(() => webgpu({ gpu }), hooks, { name: 'webgpu', gradients });
  const lowered = full ? { describe, it } : sampleOf(30, 3);
  conformance(() => webgpu({ gpu, limits: defaultLimits }), lowered, {
    name: 'webgpu of the least limits',
    gradients,
  });
}
