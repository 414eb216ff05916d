/**
 * The built application in headless Chromium, for tests that use pages as a person does. Where there is no browser
 * the tests are skipped and a line says so.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { build, type Plugin, type PreviewServer, preview } from 'vite';
import { madeOnce } from '../../../../tests/madeOnce.ts';

const folder = fileURLToPath(new URL('../..', import.meta.url));

/** Where Chromium is, or undefined. */
export const chromiumPath = [
  'CHROMIUM' in process.env ? process.env.CHROMIUM : undefined,
  'chromium',
  'chromium-browser',
  'google-chrome',
]
  .map((name) => (name ? spawnSync('which', [name], { encoding: 'utf8' }).stdout.trim() : ''))
  .find((path) => path !== '' && existsSync(path));

if (chromiumPath === undefined)
  console.log('browser tests of apps/web are skipped: no Chromium found (set CHROMIUM to its path)');

/** The application, built and served. */
export interface Application {
  readonly address: string;
  readonly context: BrowserContext;
  /** Opens a page; what it writes to the console as an error fails `errors()`. */
  readonly open: (hash: string) => Promise<Page>;
  /** Errors written to the console and failed requests of all opened pages so far. */
  readonly errors: () => readonly string[];
  readonly close: () => Promise<void>;
}

export interface ApplicationOptions {
  /**
   * Whether pages may share memory. Default true: the server sends the headers. 'later': it sends none, and the service
   * worker adds them. The content security policy is sent either way.
   */
  readonly isolated?: boolean | 'later';
  /** Changes source files before they are built, for tests of what a mistake would look like. */
  readonly change?: (code: string, file: string) => string;
  readonly viewport?: { readonly width: number; readonly height: number };
  readonly theme?: 'light' | 'dark';
  /** A screen that is touched. */
  readonly touch?: boolean;
  /** Pixels of the screen for each of the page. Default 1. */
  readonly scale?: number;
  /** Whether the browser offers WebGPU, on the software device that Chromium carries. Default false: no device. */
  readonly webgpu?: boolean;
  /** What was built and is served already; default: built for this. */
  readonly server?: Server;
}

/** Overrides the headers of the configuration, with which it is merged. */
const shared = {
  'Cross-Origin-Opener-Policy': 'unsafe-none',
  'Cross-Origin-Embedder-Policy': 'unsafe-none',
};

/** What browsers are started with, so that they do nothing beside what is asked of them. */
export const browserArguments = [
  '--headless',
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** The built application, served. */
export interface Server {
  readonly address: string;
  /** What was built. */
  readonly folder: string;
  readonly close: () => Promise<void>;
}

/** Builds the application, unless that is done, and serves it. */
export async function serveApplication(
  options: Pick<ApplicationOptions, 'isolated' | 'change'> = {},
): Promise<Server> {
  const { change } = options;
  const out = change ? mkdtempSync(join(tmpdir(), 'ag-web-')) : await built();
  if (change) await buildInto(out, change);
  const server: PreviewServer = await preview({
    root: folder,
    logLevel: 'error',
    build: { outDir: out },
    preview: { port: 0, strictPort: false, ...((options.isolated ?? true) !== true && { headers: shared }) },
  });
  return {
    address: server.resolvedUrls!.local[0],
    folder: out,
    async close() {
      await new Promise<void>((resolve) => server.httpServer.close(() => resolve()));
      if (change) remove(out);
    },
  };
}

/** The folder of the application as the sources are now. */
function built(): Promise<string> {
  const root = join(folder, '../..');
  const packages = readdirSync(join(root, 'packages')).map((name) => `packages/${name}`);
  return madeOnce(join(folder, 'node_modules/.cache/application'), [...packages, 'apps/web'], buildInto);
}

async function buildInto(out: string, change?: ApplicationOptions['change']): Promise<void> {
  // The test runner says 'test', which would build for development.
  const environment = process.env.NODE_ENV;
  process.env.NODE_ENV = 'production';
  const plugins = (): Plugin[] =>
    change ? [{ name: 'change', enforce: 'pre', transform: (code, id) => change(code, id) }] : [];
  await build({
    root: folder,
    logLevel: 'error',
    build: { outDir: out, emptyOutDir: true },
    plugins: plugins(),
    worker: { plugins },
  });
  process.env.NODE_ENV = environment;
}

function remove(path: string): void {
  rmSync(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}

/** Builds and serves the application and starts a browser. */
export async function startApplication(options: ApplicationOptions = {}): Promise<Application> {
  const server = options.server ?? (await serveApplication(options));
  const { address } = server;
  const profile = mkdtempSync(join(tmpdir(), 'ag-chromium-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: chromiumPath!,
    headless: true,
    viewport: options.viewport ?? { width: 1280, height: 900 },
    colorScheme: options.theme ?? 'light',
    acceptDownloads: true,
    hasTouch: options.touch ?? false,
    serviceWorkers: options.isolated === false ? 'block' : 'allow',
    ...(options.scale !== undefined && { deviceScaleFactor: options.scale }),
    args: options.webgpu ? [...browserArguments, '--enable-unsafe-webgpu'] : browserArguments,
  });
  // What waits for a state may ask before the application has started, after a reload for instance.
  await context.addInitScript(() => {
    window.__ag = { state: () => ({}) };
  });
  const errors: string[] = [];
  return {
    address,
    context,
    errors: () => errors,
    async open(hash) {
      const page = await context.newPage();
      page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
      page.on('pageerror', (error) => errors.push(String(error)));
      page.on('requestfailed', (request) => {
        const why = request.failure()?.errorText;
        // What was under way when a page was left or opened anew is cancelled, which is no fault.
        if (why !== 'net::ERR_ABORTED') errors.push(`${request.url()} failed: ${why}`);
      });
      await page.goto(`${address}#/${hash}`);
      await page.waitForFunction(() => Object.keys(window.__ag?.state() ?? {}).length > 0);
      return page;
    },
    async close() {
      await context.close();
      if (server !== options.server) await server.close();
      remove(profile);
    },
  };
}

/** The page's state as plain data. */
export function stateOf<T>(page: Page): Promise<T> {
  return page.evaluate(() => window.__ag.state() as never);
}
