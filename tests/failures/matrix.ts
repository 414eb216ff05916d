/** Entries × failures × backends, as tests. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { backends, bytesAround, compare, type Entry, failures, reaches, useFailing } from './kit.ts';

const full = process.env.AG_TEST === 'full';

/** What each backend has code of its own for. The rest lies above the backends, and is tried on all with `AG_TEST=full`. */
const own: Readonly<Record<string, readonly string[]>> = {
  reference: Object.keys(failures),
  'wasm, one thread': [
    'a position that does not exist',
    'a routine of the host that throws',
    'no memory at all',
  ],
  'wasm, two threads': ['a position that does not exist'],
};

/** Tests that every entry ends in the failure, and that nothing of it is left. */
export function matrix(
  entries: Readonly<Record<string, Entry>>,
  on: readonly string[] = Object.keys(backends),
): void {
  describe.each(full ? Object.keys(backends) : on)('%s', (backend) => {
    let end = (): void => {};
    beforeAll(async () => {
      vi.spyOn(console, 'warn').mockImplementation(() => {});
      vi.spyOn(console, 'log').mockImplementation(() => {});
      end = await useFailing(backend);
    });
    afterAll(() => {
      end();
      vi.restoreAllMocks();
    });

    for (const [name, entry] of Object.entries(entries)) {
      for (const [failure, trigger] of Object.entries(failures)) {
        if (!reaches(entry, failure) || !(full || own[backend].includes(failure))) continue;
        it(`${name}: ${failure}`, async () => {
          const { met, never, failed } = await compare(entry, trigger);
          // What little memory is left may be enough.
          if (trigger.granted !== 2) expect(failed[0]).toBe(true);
          expect(met).toEqual(never);
        });
      }
      const [failure, trigger] = Object.entries(failures).find(([one]) => reaches(entry, one))!;
      // The other backends take their memory from the same plans.
      if (backend !== 'reference' || entry.makesVariables) continue;
      it(`${name}: ${failure}, thirty times, holds no more memory`, async () => {
        const [few, many] = await bytesAround(entry, trigger);
        expect(many).toBeLessThanOrEqual(few);
      });
    }
  });
}

/** Entries of several kinds under one name each. */
export function named(
  groups: Readonly<Record<string, Readonly<Record<string, Entry>>>>,
): Record<string, Entry> {
  return Object.fromEntries(
    Object.entries(groups).flatMap(([group, entries]) =>
      Object.entries(entries).map(([name, entry]) => [`${group}, ${name}`, entry] as const),
    ),
  );
}
