/** The conformance suite of @ag/tensor on this backend, through Dawn. */
import * as gradients from '@ag/graph';
import { conformance } from '@ag/tensor/testing';
import { describe, it } from 'vitest';
import { webgpu } from './index.ts';
import { testGpu } from './testing/device.ts';

const { gpu } = await testGpu();

if (gpu === undefined) describe.skip('conformance of webgpu', () => it('needs Dawn', () => {}));
else conformance(() => webgpu({ gpu }), { describe, it }, { name: 'webgpu', gradients });
