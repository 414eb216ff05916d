/**
 * What the measurements share: a browser, and pages that remember nothing.
 */
import { browserArguments, chromiumPath } from '@ag/web/testing';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

/** What the command line asks for. */
export interface Options {
  readonly page: string | undefined;
  readonly seconds: number;
  readonly minutes: number;
  /** Where the data sets are, or undefined. */
  readonly dataFolder: string | undefined;
}

/** One figure. */
export interface Result {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  readonly budget?: number;
  /** The budget is a lower bound. */
  readonly least?: boolean;
  readonly note?: string;
}

export function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: chromiumPath!, headless: true, args: [...browserArguments] });
}

/** A page in a context of its own: nothing is cached. An error of the page ends the measurement. */
export async function freshPage(browser: Browser): Promise<{ page: Page; context: BrowserContext }> {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 900 },
    acceptDownloads: true,
  });
  // The loader that compiles these files names functions by a helper, in those sent to the page too.
  await context.addInitScript('globalThis.__name = (named) => named');
  const page = await context.newPage();
  page.on('pageerror', (error) => {
    throw error;
  });
  return { page, context };
}

/** Opens a page of the application and waits until its main button can be pressed. */
export async function open(page: Page, address: string, hash: string, button: string): Promise<void> {
  await page.goto(`${address}#/${hash}`);
  await page.locator(`[data-testid=${button}]:not([disabled]):not([aria-disabled=true])`).first().waitFor();
}

/** The page's state as plain data. */
export async function stateOf<T>(page: Page): Promise<T> {
  return page.evaluate(() => window.__ag.state() as never);
}
