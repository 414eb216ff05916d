import { preview } from 'vite';
import { chromium } from 'playwright-core';
const dir = process.env.DIST ?? '/tmp/lab-dist';
const server = await preview({ root: '/work/wt/lab/apps/web', logLevel: 'error', build: { outDir: dir }, preview: { port: 0 } });
const address = server.resolvedUrls!.local[0];
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--headless', '--no-sandbox'] });
const script = (await import(process.argv[2])).default;
const open = async (hash: string, options: object = {}) => {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, serviceWorkers: 'block', ...options });
  const page = await context.newPage();
  page.on('console', (m) => (m.type() === 'error' || m.type() === 'warning') && console.log('console:', m.text()));
  page.on('pageerror', (e) => console.log('pageerror:', e));
  await page.goto(address + '#/' + hash); await page.waitForFunction(() => Object.keys((window as any).__ag?.state() ?? {}).length > 0);
  return page;
};
try { await script(open); } catch (e) { console.log(e); }
await browser.close();
await new Promise<void>((r) => server.httpServer.close(() => r()));
process.exit();
