/** How long each page takes to load from an empty cache, and how much script it needs. */
import { gzipSync } from 'node:zlib';
import type { Browser } from 'playwright-core';
import { freshPage, open, type Result } from './page.ts';

/** Pages and the button that shows that they are ready. */
export const buttons: Readonly<Record<string, string>> = {
  home: 'theme',
  microscope: 'next',
  playground: 'train',
  gradients: 'run',
  landscape: 'results',
  houses: 'run',
  digits: 'train',
  numerical: 'run',
};

export async function* load(browser: Browser, address: string): AsyncGenerator<Result> {
  for (const [id, button] of Object.entries(buttons)) {
    const { page, context } = await freshPage(browser);
    const scripts: Promise<number>[] = [];
    let counting = true;
    context.on('response', (response) => {
      // What the service worker fetches for later is not waited for.
      if (!counting || response.request().serviceWorker() || !response.url().endsWith('.js')) return;
      scripts.push(response.body().then((body) => gzipSync(body).length));
    });
    await open(page, address, id, button);
    const ready = await page.evaluate(() => performance.now());
    counting = false;
    const size = (await Promise.all(scripts)).reduce((sum, each) => sum + each, 0);
    yield { what: `${id}: ready after`, value: ready, unit: 'ms', budget: 2000 };
    yield { what: `${id}: script, gzipped`, value: size / 1000, unit: 'kB', budget: 250 };
    await context.close();
  }
}
