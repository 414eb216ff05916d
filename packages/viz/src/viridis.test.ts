import { interpolateViridis } from 'd3-scale-chromatic';
import { describe, expect, it } from 'vitest';
import { channels, toHex } from './theme.ts';
import { viridis } from './viridis.ts';

describe('viridis', () => {
  it('stays within 5 of 255 of the table of d3', () => {
    for (let i = 0; i <= 500; i++) {
      const ours = channels(toHex(viridis(i / 500)));
      const theirs = channels(toHex(interpolateViridis(i / 500)));
      for (const [k, value] of ours.entries()) expect(Math.abs(value - theirs[k])).toBeLessThanOrEqual(5);
    }
  });
});
