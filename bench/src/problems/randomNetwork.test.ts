/** Networks drawn at random: the same for a seed, every layer fits the one before, and none is too large. */
import { describe, expect, it } from 'vitest';
import type { Layer, Network } from './network.ts';
import { besidePyTorch, networks } from './networks.ts';
import { families, randomNetwork, textOf } from './randomNetwork.ts';
import { operationsOf, outputOf } from './shapes.ts';

function layersOf(layers: readonly Layer[]): Layer[] {
  return layers.flatMap((of) =>
    of.layer === 'residual' ? [of, ...layersOf(of.body), ...layersOf(of.shortcut ?? [])] : [of],
  );
}

/** What the loss wants. */
function outputs({ target, classes, loss }: Network): readonly number[] | null {
  return loss === 'none' ? null : classes === undefined ? target : [...target, classes];
}

const drawn = Array.from({ length: 400 }, (_, seed) => randomNetwork(seed));

describe('randomNetwork', () => {
  it('gives the same network for the same seed', () => {
    expect(randomNetwork(7)).toEqual(drawn[7]);
    expect(new Set(drawn.map(({ name }) => name)).size).toBe(400);
  });

  it('takes the families in turns', () => {
    expect(drawn.slice(0, 5).map(({ family }) => family)).toEqual([...families, families[0]]);
  });

  it('makes networks whose layers fit, of some milliseconds a step', () => {
    for (const { network } of drawn) {
      expect(outputOf(network)).toEqual(outputs(network));
      expect(operationsOf(network)).toBeGreaterThanOrEqual(1e7);
      expect(operationsOf(network)).toBeLessThanOrEqual(1e9);
    }
  });

  it('uses every kind of layer', () => {
    const used = new Set(drawn.flatMap(({ network }) => layersOf(network.layers)).map(({ layer }) => layer));
    expect([...used].sort()).toEqual([
      ...['attention', 'avgPool2d', 'batchNorm1d', 'batchNorm2d', 'conv2d', 'embedding', 'gelu', 'geluTanh'],
      ...['groupNorm', 'gru', 'lastTime', 'layerNorm', 'linear', 'lstm', 'maxPool2d', 'positions', 'relu'],
      ...['residual', 'rnn', 'sigmoid', 'silu', 'spaceMean', 'tanh', 'timeMean'],
    ]);
  });
});

describe('textOf', () => {
  it('writes what comes again once', () => {
    const [relu, hidden] = [{ layer: 'relu' }, { layer: 'linear', in: 8, out: 8 }] as const;
    const layers = [hidden, relu, hidden, relu, hidden, relu, { layer: 'linear', in: 8, out: 2 }] as const;
    expect(textOf({ ...drawn[0].network, input: [3, 8], layers, optimizer: 'sgd' })).toBe(
      '3×8 3·[8→8 relu] 8→2, sgd',
    );
  });
});

describe('the workloads', () => {
  it('fit together', () => {
    for (const network of Object.values(besidePyTorch).flatMap((cases) => Object.values(cases))) {
      const wanted = outputs(network);
      if (wanted) expect(outputOf(network)).toEqual(wanted);
    }
  });

  it('have as many operations as counted by hand', () => {
    // 256 · (784 · 2048 + 2048² + 2048 · 10)
    expect(operationsOf(Object.values(networks.W16)[0])).toBe(256 * (784 * 2048 + 2048 ** 2 + 20_480));
    // 50 · 32 rows of 4 gates of 128 from 64 + 128 inputs; the last layer 32 · 128 · 10
    expect(operationsOf(Object.values(networks.W12)[0])).toBe(1600 * 512 * 192 + 40_960);
    // 32 images: 32² places of 27 and 3 · 288 + 0 inputs to 32; of 16²: 288 and 32 to 64, 576 to 64; the mean's 64 to 10
    expect(operationsOf(Object.values(networks.W13)[0])).toBe(
      32 * (1024 * 32 * (27 + 2 * 288) + 256 * 64 * (288 + 32 + 576) + 640),
    );
    // 512 tokens: 4 blocks of 4 · 256² and 2 · 4 · 256², scores and mixing of 128 · 256 each; 256 · 1024 at the end
    expect(operationsOf(Object.values(networks.W15)[0])).toBe(
      512 * (4 * (12 * 65_536 + 2 * 128 * 256) + 262_144),
    );
  });

  it('say which layer does not fit', () => {
    const bad = { ...Object.values(networks.W16)[0], input: [256, 783] };
    expect(() => outputOf(bad)).toThrow('linear: [256, 783] does not fit');
  });
});
