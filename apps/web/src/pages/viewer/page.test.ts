/**
 * The model viewer as a person uses it.
 *
 * Drops files, opens modules, runs and differentiates nodes, goes on in the code lab.
 */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Application, chromiumPath, startApplication, stateOf } from '../../testing/browser.ts';
import files from './fixtures/files.json' with { type: 'json' };
import type { FileSummary } from './inspection.ts';

interface State {
  readonly busy: boolean;
  readonly problem: string | null;
  readonly file: FileSummary | null;
  readonly modules: readonly string[];
  readonly flops: number | null;
  readonly value: { readonly of: string; readonly numbers: readonly number[] } | null;
  readonly gradients: {
    readonly of: number;
    readonly rows: readonly { readonly name: string; readonly norm: number }[];
  } | null;
  readonly view: { readonly name: string; readonly statistics: { readonly mean: number } } | null;
  readonly difference: { readonly onlyFirst: readonly string[] } | null;
}

const give = (name: string, base64: string) => ({
  name,
  mimeType: 'application/octet-stream',
  buffer: Buffer.from(base64, 'base64'),
});

describe.skipIf(chromiumPath === undefined)('the model viewer', () => {
  let application: Application;
  beforeAll(async () => {
    application = await startApplication();
  });
  afterAll(async () => {
    await application?.close();
  });

  /** Until the state has something; what is waited for is a key, or the name of the open file. */
  const has = async (page: Page, key: keyof State, name?: string): Promise<State> => {
    await page.waitForFunction(
      ([key, name]) => {
        const state = window.__ag.state() as unknown as State;
        return state[key] !== null && !state.busy && (name === undefined || state.file?.name === name);
      },
      [key, name] as [keyof State, string | undefined],
      { timeout: 120_000 },
    );
    return stateOf<State>(page);
  };
  const norm = (numbers: readonly number[]): number => Math.sqrt(numbers.reduce((sum, x) => sum + x * x, 0));

  it('counts, runs and differentiates a file as other tools do, and goes on in the code lab', async () => {
    const page = await application.open('viewer?feed=ramp');
    const first = await has(page, 'flops');
    expect(first.modules).toEqual(['0', '1', '2']);
    await page.locator('[data-module="1"]').first().click();
    await page.getByTestId('close-1').waitFor();
    await page.getByTestId('file').setInputFiles(give('net.onnx', files.onnx));
    const { file } = await has(page, 'file', 'net.onnx');
    expect([file!.parameters, file!.network!.nodes.length]).toEqual([files.parameters, files.nodes]);

    await page.getByTestId('node').selectOption('p');
    await page.getByTestId('run').click();
    const { value } = await has(page, 'value');
    expect(value).toMatchObject({ of: 'p', numbers: files.p.map((x) => expect.closeTo(x, 5)) });
    await page.getByTestId('node').selectOption('y');
    await page.getByTestId('element').fill('1');
    await page.getByTestId('differentiate').click();
    const { gradients } = await has(page, 'gradients');
    expect(gradients!.of).toBeCloseTo(files.y[1], 5);
    expect(Object.fromEntries(gradients!.rows.map(({ name, norm }) => [name, norm]))).toEqual(
      Object.fromEntries(
        Object.entries(files.gradients).map(([name, numbers]) => [name, expect.closeTo(norm(numbers), 4)]),
      ),
    );

    await page.locator('summary', { hasText: 'code' }).click();
    await page.getByTestId('to-code-lab').click();
    await page.getByTestId('editor').waitFor();
    await page.waitForFunction(() =>
      /loadOnnx/.test((window.__ag.state() as { source?: string }).source ?? ''),
    );
    await page.getByTestId('run').click();
    await page.waitForFunction(() => (window.__ag.state() as { outcome?: string }).outcome === 'done');
    const { items } = await stateOf<{ items: { text: string }[] }>(page);
    const numbers = items[0].text
      .match(/-?\d+\.\d+/g)!
      .slice(0, 3)
      .map(Number);
    expect(numbers).toEqual(files.y.map((x) => expect.closeTo(x, 5)));
    await page.close();
    expect(application.errors()).toEqual([]);
  });

  it('reads weights that are dropped, compares two files, and says what a file is not', async () => {
    const page = await application.open('viewer');
    await has(page, 'file');
    await page.evaluate((base64) => {
      const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
      const held = new DataTransfer();
      held.items.add(new File([bytes], 'weights.safetensors'));
      window.dispatchEvent(new DragEvent('drop', { dataTransfer: held, cancelable: true }));
    }, files.safetensors);
    const { file } = await has(page, 'file', 'weights.safetensors');
    expect(file!.parameters).toBe(files.elements);
    await page.getByTestId('tensors').getByText('a.weight').click();
    expect((await has(page, 'view')).view!.statistics.mean).toBeCloseTo(files.statistics.mean, 6);
    await page.getByTestId('other').setInputFiles(give('other.safetensors', files.other));
    expect((await has(page, 'difference')).difference!.onlyFirst).toEqual(['b.half']);
    await page.getByTestId('file').setInputFiles(give('notes.txt', btoa('hello')));
    expect((await has(page, 'problem')).problem).toContain('no file of weights that is known');
    expect((await stateOf<State>(page)).file!.name).toBe('weights.safetensors');
    await page.close();
    expect(application.errors()).toEqual([]);
  });
});
