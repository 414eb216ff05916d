/** This device in a browser: all right where it is, a broken kernel named where one is, and a link. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Application, chromiumPath, startApplication, stateOf } from '../../testing/browser.ts';
import type { Examined } from './useDevice.ts';

interface State {
  readonly running: boolean;
  readonly examined: Readonly<Record<string, Examined>>;
  readonly failures: readonly { readonly id: string; readonly operation: string }[];
}

const examined = async (application: Application, address: string) => {
  const page = await application.open(address);
  await page.getByTestId('run').click();
  await page.waitForFunction(() => (window.__ag.state() as unknown as State).running);
  await page.waitForFunction(() => !(window.__ag.state() as unknown as State).running, null, {
    timeout: 100_000,
  });
  return page;
};

describe.skipIf(chromiumPath === undefined)('this device', () => {
  let application: Application;
  beforeAll(async () => {
    application = await startApplication();
  });
  afterAll(async () => {
    await application?.close();
  });

  it('computes rightly; what was found goes into a link, and is read from it elsewhere', async () => {
    const page = await examined(
      application,
      'device?backends=wasm,webgpu&derivatives=true&only=exp,tanh,ceil,floor,max,matmul,conv2d',
    );
    const state = await stateOf<State>(page);
    expect(state.failures).toEqual([]);
    const { finding, detail } = state.examined.wasm;
    expect(finding!.done).toBe(finding!.all);
    expect(finding!.groups.reduce((sum, { passed }) => sum + passed, 0)).toBeGreaterThan(10);
    expect(finding!.groups.map(({ name }) => name)).toContain('derivatives');
    expect(Object.values(finding!.speeds).every((speed) => speed > 0)).toBe(true);
    expect(Object.keys(finding!.speeds)).toEqual(['product', 'elementwise', 'training']);
    // Without a graphics processor the page says why it does not test it.
    expect(state.examined.webgpu.absent).not.toBe('');
    expect(await page.getByTestId('right').count()).toBe(1);
    await page.getByTestId('share').click();
    await page.getByTestId('shared').waitFor();
    const text = await page.getByTestId('text').textContent();
    expect(text).toContain(`wasm (${detail}, only exp tanh ceil floor max matmul conv2d): `);
    const other = await application.open(new URL(page.url()).hash.slice(2));
    await other.getByTestId('shared').waitFor();
    expect(await other.getByTestId('text').textContent()).toBe(text);
    expect(await other.getByTestId('right').count()).toBe(1);
    expect(application.errors()).toEqual([]);
    await page.close();
    await other.close();
  });

  it('stops when it is told to, and says so of a link that was cut', async () => {
    const page = await application.open('device?backends=reference&findings=abc');
    await page.getByTestId('unreadable').waitFor();
    await page.getByTestId('run').click();
    await page.waitForFunction(
      () => ((window.__ag.state() as unknown as State).examined.reference?.finding?.done ?? 0) > 0,
    );
    await page.getByTestId('run').click();
    await page.waitForFunction(() => !(window.__ag.state() as unknown as State).running);
    const { done, all } = (await stateOf<State>(page)).examined.reference.finding!;
    expect(done).toBeLessThan(all);
    expect(await page.getByTestId('right').count()).toBe(0);
    expect(await page.getByTestId('text').textContent()).toContain('stopped before the end');
    expect(application.errors()).toEqual([]);
    await page.close();
  });
});

describe.skipIf(chromiumPath === undefined)('a device with a broken kernel', () => {
  let application: Application;
  beforeAll(async () => {
    application = await startApplication({
      change: (code, file) =>
        file.endsWith('native-wasm/src/arithmetic/vocabulary.ts')
          ? code.replace('ceil: w.f32x4_ceil', 'ceil: w.f32x4_floor')
          : code,
    });
  });
  afterAll(async () => {
    await application?.close();
  });

  it('has it named, and nothing else', async () => {
    const page = await examined(
      application,
      'device?backends=wasm&only=exp,tanh,ceil,floor,round,max,matmul',
    );
    const { failures } = await stateOf<State>(page);
    expect(failures.length).toBeGreaterThan(0);
    expect(new Set(failures.map(({ id, operation }) => `${id} ${operation}`))).toEqual(
      new Set(['wasm ceil']),
    );
    expect(await page.getByTestId('wrong').locator('code').allTextContents()).toEqual(['ceil']);
    await page.getByTestId('wrong').locator('summary').click();
    expect(await page.getByTestId('wrong').textContent()).toMatch(/ceil: values.*expected/);
    expect(await page.getByTestId('text').textContent()).toContain('wrong: ceil');
    await page.close();
  });
});
