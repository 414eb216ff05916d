// log(0), looked for
// AG_NOT_FINITE: log gives values that are not finite

import { detectAnomaly } from '@ag/graph';
import { tensor } from '@ag/tensor';

await detectAnomaly(async () => {
  const p = tensor([0.5, 0, 1]);
  return p.log().sum();
});
