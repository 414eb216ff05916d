/** Programs in addresses: what is packed comes back, what is damaged or too long is refused in words. */
import { deflateRawSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { pack, unpack } from './packedSource.ts';

it('comes back, in letters of an address and shorter than it was', async () => {
  const source = `${"console.log('ünïcode 数');\n".repeat(50)}`;
  const packed = await pack(source);
  expect(packed).toMatch(/^[\w-]+$/);
  expect(packed.length).toBeLessThan(source.length / 5);
  expect(await unpack(packed)).toBe(source);
});

it('reads what another program has compressed', async () => {
  expect(await unpack(deflateRawSync('let x = 1;').toString('base64url'))).toBe('let x = 1;');
});

it.each(['%%%', 'constructor', 'AAAA', ''])('refuses %j', async (packed) => {
  await expect(unpack(packed)).rejects.toThrow('is damaged');
});

it('refuses what would fill the memory', async () => {
  const bomb = deflateRawSync('x'.repeat(50_000_000)).toString('base64url');
  await expect(unpack(bomb)).rejects.toThrow('longer than 400000 characters');
});
