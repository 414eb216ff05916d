/** The workloads by name. */
import type { Network } from '../problems/network.ts';
import { networks } from '../problems/networks.ts';
import { runNetwork } from '../process/network.ts';
import { trainingVariants } from '../process/training.ts';
import type { Workload } from '../process/workload.ts';
import { w4, w5 } from './perceptrons.ts';
import { w1 } from './w1.ts';
import { w2 } from './w2.ts';
import { w3 } from './w3.ts';
import { w6 } from './w6.ts';
import { w7 } from './w7.ts';
import { w8 } from './w8.ts';
import { w9 } from './w9.ts';
import { w10 } from './w10.ts';

/** Made from the folder with the data sets. */
export const workloads: Readonly<Record<string, (data: string) => Workload>> = {
  W1: () => w1,
  W2: () => w2,
  W3: w3,
  W4: w4,
  W5: w5,
  W6: w6,
  W7: () => w7,
  W8: () => w8,
  W9: () => w9,
  W10: w10,
  ...Object.fromEntries(
    Object.entries(networks).map(([workload, cases]) => [workload, () => ofNetworks(cases)]),
  ),
};

export function ofNetworks(cases: Readonly<Record<string, Network>>): Workload {
  return {
    variants: trainingVariants,
    cases: Object.fromEntries(
      Object.entries(cases).map(([name, network]) => [
        name,
        (variant: string) => runNetwork(network, variant),
      ]),
    ),
  };
}
