/** The transformer in a browser: learns in a minute, is touched, goes on after a reload. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Application, chromiumPath, startApplication, stateOf } from '../../testing/browser.ts';

interface State {
  readonly ready: boolean;
  readonly running: boolean;
  readonly step: number;
  readonly seconds: number;
  readonly unseen: number;
  readonly trigram: number;
  readonly better: number | null;
  readonly resumed: number;
  readonly loss: number | null;
  readonly writing: string | null;
  readonly prompt: string;
  readonly look: { readonly characters: readonly string[] } | null;
}

describe.skipIf(chromiumPath === undefined)('transformer', () => {
  let application: Application;
  beforeAll(async () => {
    application = await startApplication({ viewport: { width: 1440, height: 900 } });
  });
  afterAll(async () => {
    await application?.close();
  });

  it('foretells unseen text better than trigrams in under a minute of training, then goes on after a reload', async () => {
    const page = await application.open('transformer');
    await page.waitForFunction(() => (window.__ag.state() as { look?: unknown }).look !== null);
    expect(await page.getByTestId('verdict').textContent()).toContain('Not yet');
    expect((await stateOf<State>(page)).unseen).toBeGreaterThan(2);
    await page.getByTestId('run').click();
    await page.waitForFunction(() => (window.__ag.state() as unknown as State).better !== null, null, {
      timeout: 110_000,
    });
    const state = await stateOf<State>(page);
    expect(state.unseen).toBeLessThan(state.trigram);
    expect(state.better).toBeLessThan(60);
    expect(await page.getByTestId('verdict').textContent()).toMatch(/^Better .* after [\d.]+ s/);
    // What computed the line is the same text: counts of three foretell it no better than 0.4.
    expect(state.trigram).toBeGreaterThan(0.4);
    await page.waitForFunction(() => (window.__ag.state() as unknown as State).writing !== null);
    await page.getByTestId('run').click();
    await page.waitForFunction(() => !(window.__ag.state() as unknown as State).running);
    // Its checkpoint is kept when it rests.
    await page.waitForTimeout(800);
    const { step } = await stateOf<State>(page);
    await page.reload();
    await page.waitForFunction(() => (window.__ag.state() as unknown as State).resumed > 0);
    expect((await stateOf<State>(page)).resumed).toBe(step);
    await page.waitForFunction(() => (window.__ag.state() as unknown as State).better !== null);
    await page.getByTestId('reset').click();
    await page.waitForFunction(() => (window.__ag.state() as unknown as State).step === 0);
    expect(application.errors()).toEqual([]);
    await page.close();
  });

  it('shows where a character looks, by pointer, press and key, for one head or all', async () => {
    const page = await application.open('transformer?layers=1&heads=2&width=16&prompt=the cats see');
    await page.waitForFunction(() => (window.__ag.state() as { look?: unknown }).look !== null);
    const arcs = page.getByTestId('arcs');
    expect(await arcs.getAttribute('aria-label')).toMatch(/^Where “e” looks, All heads: “.” \d+ %/);
    const all = await arcs.locator('.transformer-arc').count();
    await page.getByTestId('head-0-1').click();
    expect(await arcs.locator('.transformer-arc').count()).toBeLessThan(all);
    expect(await arcs.getAttribute('aria-label')).toContain('Layer 1, head 2');
    await arcs.locator('.transformer-cell').nth(4).hover();
    expect(await arcs.getAttribute('aria-label')).toContain('Where “c”');
    // The first characters of "the c" are all it can look at: five arcs at most.
    expect(await arcs.locator('.transformer-arc').count()).toBeLessThanOrEqual(5);
    expect(await page.getByTestId('next').locator('.actual code').count()).toBeLessThanOrEqual(1);
    await page.mouse.move(5, 5);
    await page.getByTestId('at').focus();
    await page.keyboard.press('ArrowLeft');
    expect(await arcs.getAttribute('aria-label')).toContain('Where “e”');
    expect(page.url()).toContain('at=10');
    expect(page.url()).toContain('head=0.1');
    expect(application.errors()).toEqual([]);
    await page.close();
  });

  it('learns a text of one’s own, and says in its place that it is too short', async () => {
    const page = await application.open('transformer?text=own&context=16&width=16&layers=1&heads=2');
    await page.getByTestId('missing').waitFor();
    await page.getByTestId('own').fill('ab ab ab');
    await page.getByTestId('own').blur();
    expect(await page.getByTestId('missing').textContent()).toContain(`${12 * 17 - 8}`);
    await page.getByTestId('own').fill('to be or not to be; '.repeat(20));
    await page.getByTestId('own').blur();
    await page.waitForFunction(() => (window.__ag.state() as unknown as State).ready);
    await page.getByTestId('run').click();
    await page.waitForFunction(() => (window.__ag.state() as unknown as State).step > 5);
    await page.getByTestId('run').click();
    expect((await stateOf<State>(page)).look!.characters.join('')).toMatch(/to be/);
    expect(application.errors()).toEqual([]);
    await page.close();
  });
});
