/** `agrad docs`: which page is opened, and what is said where there is none. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { scratchFolder } from '../testTools.ts';
import { docs } from './docs.ts';

const folder = join(scratchFolder(), 'site');
for (const page of ['index', 'guide/install', 'guide/own-data', 'reference/errors', 'learn/index']) {
  mkdirSync(join(folder, page, '..'), { recursive: true });
  writeFileSync(join(folder, `${page}.html`), `<title>${page}</title>`);
}

/** The address that is printed for a page; the server is ended. */
async function addressOf(page?: string): Promise<string> {
  let printed = '';
  const terminal = {
    print: (line: string) => {
      printed = line;
      // The listener of the command itself, without a signal to the whole test runner.
      setImmediate(() => process.listeners('SIGINT').at(-1)!('SIGINT'));
    },
    note: () => {},
    event: () => {},
  } as unknown as Parameters<typeof docs>[1];
  const positional = page === undefined ? [] : [page];
  await docs({ positional, open: false, port: 0 }, terminal, ['/nowhere/at/all', folder]);
  return printed.replace(/^http:\/\/localhost:\d+/, '');
}

describe('agrad docs', () => {
  it.each([
    [undefined, '/'],
    ['guide/install', '/guide/install.html'],
    ['/guide/install.md#two-copies', '/guide/install.html#two-copies'],
    ['install', '/guide/install.html'],
    ['learn', '/learn/index.html'],
    ['AG_SHAPE_MISMATCH', '/reference/errors.html#ag_shape_mismatch'],
    ['[ag_one_thread]', '/reference/errors.html#ag_one_thread'],
  ])('%s opens %s', async (page, address) => expect(await addressOf(page)).toBe(address));

  it('names the nearest page', async () => {
    await expect(addressOf('guide/instal')).rejects.toMatchObject({
      kind: 'usage',
      message: "docs: there is no page 'guide/instal'",
      hint: "Did you mean 'guide/install'?",
    });
  });

  it('says how to build what is not there', async () => {
    const terminal = {} as Parameters<typeof docs>[1];
    await expect(
      docs({ positional: [], open: false, port: 0 }, terminal, ['/nowhere']),
    ).rejects.toMatchObject({
      kind: 'configuration',
      hint: expect.stringContaining('pnpm docs:build'),
    });
  });
});
