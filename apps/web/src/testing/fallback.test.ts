/** Where threads or WebAssembly are missing, pages compute all the same and say so. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Computing } from '../service/worker/computing.ts';
import { type Application, chromiumPath, startApplication, stateOf } from './browser.ts';

interface State {
  readonly computing: Computing | null;
  readonly step: number;
}

describe.skipIf(chromiumPath === undefined)('pages that train, where less is allowed', () => {
  let application: Application;
  beforeAll(async () => {
    application = await startApplication({ isolated: false });
  });
  afterAll(async () => {
    await application?.close();
  });

  it('trains with the reference backend where the policy forbids WebAssembly, and says so', async () => {
    const page = await application.context.newPage();
    // Before any other page: a service worker would hand out the files with the headers it knows.
    await page.addInitScript(() => {
      navigator.serviceWorker.register = () => Promise.reject(new Error('not in this test'));
    });
    // Workers are held to the policy that comes with their own script.
    await page.route('**/worker-*.js', async (route) => {
      const response = await route.fetch();
      const headers = { ...response.headers(), 'content-security-policy': "script-src 'self'" };
      await route.fulfill({ response, headers });
    });
    await page.goto(`${application.address}#/playground`);
    await page.waitForFunction(() => (window.__ag?.state() as { ready?: boolean })?.ready === true);
    await page.getByTestId('train').click();
    await page.waitForFunction(() => (window.__ag.state() as { step?: number }).step! > 3);
    const { computing } = await stateOf<State>(page);
    expect(computing!.backend).toBe('reference');
    expect(computing!.problem).not.toBe('');
    expect(await page.getByTestId('computing').textContent()).toContain('reference');
    await page.close();
  });

  it.each(['playground', 'digits'])('%s trains on one thread and says why', async (id) => {
    const page = await application.open(id);
    await page.waitForFunction(() => (window.__ag.state() as { ready?: boolean }).ready === true);
    await page.getByTestId('train').click();
    await page.waitForFunction(() => (window.__ag.state() as { step?: number }).step! > 3);
    const { computing } = await stateOf<State>(page);
    expect(computing).toMatchObject({ backend: 'wasm', threads: 1, problem: '' });
    expect(await page.getByTestId('computing').textContent()).toContain('cross-origin isolated');
    await page.close();
  });
});
