/** What the built folder is on a host of static files: one library, and threads without a header. */
import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Application,
  chromiumPath,
  type Server,
  serveApplication,
  startApplication,
} from './browser.ts';

describe('the built folder', () => {
  let server: Server;
  let application: Application | undefined;
  beforeAll(async () => {
    server = await serveApplication({ isolated: 'later' });
    if (chromiumPath !== undefined) application = await startApplication({ isolated: 'later', server });
  });
  afterAll(async () => {
    await application?.close();
    await server?.close();
  });

  it('holds what all workers compute with once, and once more for programs, which have a policy of their own', () => {
    const folder = `${server.folder}/assets`;
    const scripts = readdirSync(folder).filter((file) => file.endsWith('.js'));
    const sources = scripts.map((file) => readFileSync(`${folder}/${file}`));
    // Words of messages of @ag/tensor, @ag/train and @ag/native-wasm. A page may have those of @ag/tensor beside its worker.
    const having = (words: string) =>
      scripts.filter((file, i) => !file.startsWith('page-') && sources[i].includes(words)).length;
    expect(having('inner sizes differ')).toBe(2);
    expect(having('the training data hold no batch')).toBe(2);
    expect(having('wasm: a worker thread failed')).toBe(2);
    // The editor, TypeScript and the scene in space are larger than all of this together.
    const sizes = sources.map((source) => gzipSync(source).length).filter((size) => size < 140_000);
    expect(sizes.reduce((sum, size) => sum + size)).toBeLessThan(1_400_000);
  });

  it.skipIf(chromiumPath === undefined)(
    'becomes isolated by its service worker, and computes with threads',
    async () => {
      const page = await application!.context.newPage();
      // To ask the page anything counts as using it, and one that is used is not opened again.
      const twice = new Promise<void>((resolve) => {
        let count = 0;
        page.on('load', () => ++count === 2 && resolve());
      });
      await page.goto(`${application!.address}#/numerical`);
      await twice;
      expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
      await page.waitForFunction(
        () => (window.__ag.state() as { computing?: { backend: string } }).computing?.backend === 'wasm',
      );
      const note = await page.evaluate(() => window.__ag.state().computing);
      const cores = await page.evaluate(() => navigator.hardwareConcurrency);
      expect(note).toMatchObject(cores > 1 ? { oneThread: '' } : {});
      expect(application!.errors()).toEqual([]);
    },
  );
});
