/**
 * Pages on WebGPU show what they show with WebAssembly, to four digits.
 *
 * They compute on the software device that Chromium carries. Without a device, and when it is lost in the middle,
 * WebAssembly computes and the page says why. Where this Chromium has no software device a line says so.
 */
import type { Page, Worker } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Computing } from '../service/worker/computing.ts';
import {
  type Application,
  chromiumPath,
  type Server,
  serveApplication,
  startApplication,
} from './browser.ts';

const full = process.env.AG_TEST === 'full';

/** Gives tests the device of a worker, to destroy it. */
const exposeDevice = (code: string, file: string): string =>
  file.endsWith('/service/worker/computing.ts')
    ? `${code}
const request = globalThis.GPUAdapter?.prototype.requestDevice;
if (request) globalThis.GPUAdapter.prototype.requestDevice = async function (...about) {
  globalThis.devices = [...(globalThis.devices ?? []), await request.apply(this, about)];
  return globalThis.devices.at(-1);
};`
    : code;

/** What pages that train say of themselves. */
interface State {
  readonly page: string;
  readonly computing: Computing | null;
  readonly ready: boolean;
  readonly running: boolean;
  readonly problem: string | null;
  readonly step: number;
  readonly losses: readonly number[];
}

const stateOf = (page: Page): Promise<State> => page.evaluate(() => window.__ag.state() as never);

/** An expression of the state, evaluated by the debugger, which the policy of the page does not bind. */
const of = <T = unknown>(page: Page, expression: string): Promise<T> =>
  page.evaluate(`((state) => ${expression})(window.__ag.state())`) as Promise<T>;

/** Waits for what an expression of the state says, patiently: a software device compiles kernels for seconds. */
async function until(page: Page, expression: string): Promise<void> {
  for (const end = Date.now() + 240_000; Date.now() < end; ) {
    // A page that is being loaded has nothing to say.
    if (await of(page, expression).catch(() => false)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(
    `${page.url()}: never ${expression}: ${await of(page, 'JSON.stringify({ ...state, layers: [] })')}`,
  );
}

/** A page, how it is put to work, and the figures that it shows then. */
interface Task {
  readonly hash: string;
  readonly work: (page: Page) => Promise<void>;
  readonly figures: string;
}

const press = (page: Page, button: string): Promise<void> =>
  page.locator(`[data-testid=${button}]:not([aria-disabled=true])`).click({ timeout: 240_000 });

const tasks: Readonly<Record<string, Task>> = {
  playground: {
    hash: 'playground?layers=tanh:3',
    async work(page) {
      for (let step = 1; step <= 3; step++) {
        await press(page, 'step');
        await until(page, `state.step === ${step}`);
      }
    },
    figures: '[state.losses, state.layers.map(({ weights, bias }) => [weights, bias])]',
  },
  digits: {
    hash: 'digits?model=mlp&count=100&testCount=50&epochs=1',
    async work(page) {
      await press(page, 'train');
      await until(page, 'state.epoch === 1 && state.hash !== null');
    },
    figures:
      'state.epochs.map(({ loss, accuracy, testLoss, testAccuracy }) => [loss, accuracy, testLoss, testAccuracy])',
  },
  gradients: {
    hash: 'gradients?depth=3&width=12&activation=tanh&init=xavier&steps=8',
    async work(page) {
      await press(page, 'run');
      await until(page, 'state.done');
    },
    figures: '[state.losses, state.ratio, state.layers.map(({ norm }) => norm)]',
  },
  houses: {
    hash: 'houses?epochs=1&hidden=4',
    work: async (page) => {
      await until(page, 'state.done');
    },
    figures: '[state.losses, state.error, state.measured.losses]',
  },
};

/** All numbers of nested lists. */
function numbersIn(figures: unknown): number[] {
  return Array.isArray(figures) ? figures.flatMap(numbersIn) : [figures as number];
}

function expectFourDigits(found: unknown, wanted: unknown): void {
  const [numbers, expected] = [numbersIn(found), numbersIn(wanted)];
  expect(expected.length).toBeGreaterThan(2);
  expect(numbers).toHaveLength(expected.length);
  for (const [i, number] of numbers.entries())
    expect(Math.abs(number - expected[i]), `${number}, not ${expected[i]}`).toBeLessThan(
      1e-4 * Math.abs(expected[i]) + 1e-7,
    );
}

describe.skipIf(chromiumPath === undefined)('WebGPU', { timeout: 600_000 }, () => {
  let server: Server;
  let application: Application;
  let device = false;
  beforeAll(async () => {
    server = await serveApplication({ change: exposeDevice });
    application = await startApplication({ server, webgpu: true });
    const page = await application.open('home');
    device = await page.evaluate(async () => (await navigator.gpu?.requestAdapter()) != null);
    await page.close();
    if (!device) console.log('pages on WebGPU are not tested: this Chromium has no device');
  }, 300_000);
  afterAll(async () => {
    await application?.close();
    await server?.close();
  });

  /** The figures of a page after its task. */
  const figuresOf = async (id: string, backend: string): Promise<unknown> => {
    const { hash, work, figures } = tasks[id];
    const page = await application.open(`${hash}&backend=${backend}`);
    await until(page, 'state.computing != null');
    const { computing, problem } = await stateOf(page);
    expect([computing!.backend, computing!.noWebGpu, problem]).toEqual([backend, '', null]);
    await work(page);
    const found = await of(page, figures);
    await page.close();
    return found;
  };

  it.for(Object.keys(tasks))('%s computes what it computes with WebAssembly', async (id, { skip }) => {
    if (!device) skip();
    const [found, expected] = await Promise.all(['webgpu', 'wasm'].map((backend) => figuresOf(id, backend)));
    expectFourDigits(found, expected);
  });

  it('keeps the choice: on this device, in the address, and for whoever gets the link', async ({ skip }) => {
    if (!device) skip();
    const page = await application.open('playground?layers=tanh:2');
    await until(page, "state.computing?.backend === 'wasm'");
    const choice = page.getByTestId('backend');
    await choice.focus();
    await choice.selectOption('webgpu');
    await until(page, "state.computing?.backend === 'webgpu' && state.ready");
    // Whoever works with keys keeps the place.
    expect(await page.evaluate(() => (document.activeElement as HTMLElement).dataset.testid)).toBe('backend');
    expect(await page.getByTestId('computing').textContent()).toMatch(
      /by WebGPU, on .*slower than WebAssembly/,
    );
    expect(await page.getByTestId('backend-note').textContent()).toBe('');
    const link = page.url();
    expect(link).toContain('backend=webgpu');
    // Other pages compute with it too, or say why not.
    await page.evaluate(() => {
      location.hash = '#/landscape';
    });
    await until(page, "state.page === 'landscape' && location.hash.includes('webgpu')");
    expect(await page.getByTestId('backend-note').textContent()).toContain('float64');
    await page.goBack();
    await page.reload();
    await until(page, "state.computing?.backend === 'webgpu'");
    await page.goto('about:blank');
    // *Back* and another choice undo it; a link goes before what is kept here.
    await page.goto(link);
    await until(page, "state.computing?.backend === 'webgpu'");
    await choice.selectOption('wasm');
    await until(page, "state.computing?.backend === 'wasm'");
    await page.goBack();
    await until(page, "state.computing?.backend === 'webgpu'");
    await page.goForward();
    await page.goto('about:blank');
    await page.goto(link);
    await until(page, "state.computing?.backend === 'webgpu'");
    await page.close();
  });

  it('goes on by WebAssembly when the device is lost in the middle', async ({ skip }) => {
    if (!device) skip();
    const hash = 'playground?layers=tanh:2&data=xor';
    const host = await application.open(`${hash}&backend=wasm`);
    await until(host, 'state.ready');
    await press(host, 'train');
    await until(host, 'state.step >= 100');
    const { losses: expected } = await stateOf(host);
    await host.close();

    const page = await application.open(`${hash}&backend=webgpu`);
    await until(page, "state.ready && state.computing?.backend === 'webgpu'");
    await press(page, 'train');
    await until(page, 'state.step >= 20');
    await destroyDevice(page);
    await until(page, "state.computing.backend === 'wasm' && state.step >= 100");
    const { computing, running, losses, problem } = await stateOf(page);
    expect([computing!.lost, running, problem]).toEqual([true, true, null]);
    expect(losses).toHaveLength(100);
    expectFourDigits(losses, expected);
    const note = page.getByTestId('backend-note');
    expect(await note.textContent()).toMatch(
      /was lost; WebAssembly goes on.*device was lost: it was destroyed$/,
    );
    await page.getByTestId('language').click();
    expect(await note.textContent()).toContain('图形处理器已丢失');
    await page.getByTestId('language').click();
    // What was computed on the device can still be gone back to.
    await press(page, 'train');
    await until(page, 'state.running === false');
    await page.getByTestId('rewind').fill('10');
    await until(page, 'state.step === 10');
    expect(application.errors()).toEqual([]);
    await page.close();
  });

  it('computes with WebAssembly where there is no device, and says why', async () => {
    const elsewhere = await startApplication({ server });
    try {
      const page = await elsewhere.open('playground?backend=webgpu&layers=tanh:2');
      await until(page, "state.computing?.backend === 'wasm' && state.ready");
      const note = await page.getByTestId('backend-note').textContent();
      expect(note).toMatch(/^WebGPU cannot be used here, so WebAssembly computes: .*(adapter|no WebGPU)/);
      await press(page, 'step');
      await until(page, 'state.step === 1');
      await page.getByTestId('backend').selectOption('wasm');
      await until(page, "state.computing?.noWebGpu === ''");
      expect(await page.getByTestId('backend-note').textContent()).toBe('');
      expect(elsewhere.errors()).toEqual([]);
      await page.close();
    } finally {
      await elsewhere.close();
    }
  });

  it.runIf(full).for(['digits', 'gradients', 'houses'])(
    '%s goes on when the device is lost',
    async (id, { skip }) => {
      if (!device) skip();
      const hash = {
        digits: 'digits?model=mlp&count=200&testCount=50&epochs=40',
        gradients: 'gradients?depth=3&width=12&steps=400',
        houses: 'houses?epochs=40&hidden=4',
      }[id];
      const done = id === 'digits' ? 'state.epoch === 40 && state.hash' : 'state.done';
      const run = async (backend: string): Promise<unknown> => {
        const page = await application.open(`${hash}&backend=${backend}`);
        await until(page, `state.computing?.backend === '${backend}'`);
        if (id !== 'houses') await press(page, id === 'digits' ? 'train' : 'run');
        if (backend === 'webgpu') {
          await until(page, '(state.step ?? state.epoch) >= 3');
          await destroyDevice(page);
        }
        await until(page, done);
        if (backend === 'webgpu') expect((await stateOf(page)).computing!.lost).toBe(true);
        const figures = await of(page, 'state.losses ?? state.epochs.map(({ loss }) => loss)');
        await page.close();
        return figures;
      };
      const [found, expected] = await Promise.all(['webgpu', 'wasm'].map(run));
      expectFourDigits(found, expected);
    },
  );
});

/** As a driver does that crashes. */
async function destroyDevice(page: Page): Promise<void> {
  const destroyed = await Promise.all(
    page.workers().map((worker: Worker) =>
      worker.evaluate(() => {
        const { devices = [] } = globalThis as unknown as { devices?: { destroy(): void }[] };
        for (const each of devices) each.destroy();
        return devices.length;
      }),
    ),
  );
  expect(destroyed.reduce((sum, count) => sum + count, 0)).toBe(1);
}
