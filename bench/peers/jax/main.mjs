/** The participant with jax-js. */
import { caseNames } from '../../src/problems/problem.ts';
import { serve } from '../../src/process/serve.ts';
import { task } from '../peer.mjs';
import { w7, w8 } from './kernels.mjs';
import { w1, w2, w3, w4, w5, w6, w10, w11 } from './networks.mjs';
import { w9 } from './transformer.mjs';

const workloads = {
  W1: { [caseNames.W1]: w1 },
  W2: { [caseNames.W2]: w2 },
  W3: { [caseNames.W3]: w3 },
  W4: { [caseNames.W4]: w4 },
  W5: { [caseNames.W5]: w5 },
  W6: { [caseNames.W6]: w6 },
  W7: w7,
  W8: w8,
  W9: { [caseNames.W9]: w9 },
  W10: { [caseNames.W10]: w10 },
};

if (task.workload === 'W11') {
  w11();
  process.exit(0);
}
await serve({ cases: workloads[task.workload] ?? {}, engine: 'jax-js, wasm' });
