/** Networks from their descriptions: losses of training equal PyTorch's. */
import { reference, use } from '@ag/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Network } from '../problems/network.ts';
import losses from './fixtures/losses.json' with { type: 'json' };
import described from './fixtures/networks.json' with { type: 'json' };
import { runNetwork } from './network.ts';

// PyTorch 2.15.0, float32, one thread. In bench, for each name a line { "open": name } on the input of
//   python peers/torch_peer.py '{"data":"src/process/fixtures","workload":"fixtures","variant":"eager","threads":1}'
// which answers { "check": losses, … }.
const networks = described.fixtures as unknown as Record<string, Network>;
const expected = losses as Record<string, Record<string, number>>;

beforeAll(() => use(reference()));

describe.each(['define-by-run', 'compiled'])('%s', (variant) => {
  it.each(Object.keys(networks))('%s', (name) => {
    const { check, first, step } = runNetwork(networks[name], variant);
    expect(Object.keys(check)).toEqual(Object.keys(expected[name]));
    for (const [what, loss] of Object.entries(check)) {
      const wanted = expected[name][what];
      expect(Math.abs(loss - wanted), what).toBeLessThan(2e-6 * Math.max(1, Math.abs(wanted)));
    }
    expect(first).toBeGreaterThan(0);
    expect(step).toBeTypeOf('function');
  });
});
