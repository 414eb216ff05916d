/**
 * What the code lab needs of the build: the declarations that its editor knows, and the policy of the one worker that
 * runs what a reader writes.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'vite';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** Packages that programs of the code lab import. */
const packages = [
  'tensor',
  'graph',
  'nn',
  'optim',
  'datasets',
  'train',
  'viz',
  'onnx',
  'native-wasm',
  'webgpu',
];

/** Where the declarations lie in the built application. */
export const declarationsFile = 'lab/declarations.json';

/** The one worker that makes code of text. Workers of pages that are served have the policy of their own file. */
export const programFile = /(^|\/)assets\/program-[\w-]+\.js$/;

/** Text may become code here; in exchange nothing gets out, and no other script than the application's comes in. */
export const programPolicy =
  "default-src 'none'; script-src 'self' 'unsafe-eval'; worker-src 'none'; connect-src 'none'; base-uri 'none'";

/** Declarations by path: TypeScript's library as `/lib/NAME`, the packages' as `/ag/PACKAGE/FILE`. */
export function declarations(): Record<string, string> {
  const files: Record<string, string> = {};
  const library = dirname(createRequire(import.meta.url).resolve('typescript'));
  const take = (name: string): void => {
    if (files[`/lib/${name}`] !== undefined) return;
    const text = readFileSync(join(library, name), 'utf8');
    files[`/lib/${name}`] = text;
    for (const [, other] of text.matchAll(/^\/\/\/ <reference lib="([\w.]+)"/gm)) take(`lib.${other}.d.ts`);
  };
  for (const name of ['es2023', 'esnext.disposable', 'webworker']) take(`lib.${name}.d.ts`);
  for (const name of packages) {
    const folder = join(root, 'packages', name, 'dist');
    if (!existsSync(join(folder, 'index.d.ts')))
      throw new Error(
        `@ag/${name} is not built, so the code lab has no types: run 'npm run prepare:all' first`,
      );
    for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.d.ts')) continue;
      const text = readFileSync(join(folder, file), 'utf8').replace(/^\/\/# sourceMappingURL=.*$/m, '');
      files[`/ag/${name}/${file.replaceAll('\\', '/')}`] = text;
    }
  }
  return files;
}

/** @param policies name of a file in which the build writes down headers of single files, for whoever serves them */
export function codeLab(policies: string): Plugin {
  return {
    name: 'code-lab',
    configureServer(server) {
      server.middlewares.use(`/${declarationsFile}`, (_, response) => {
        response.setHeader('Content-Type', 'application/json');
        response.end(JSON.stringify(declarations()));
      });
    },
    configurePreviewServer(server) {
      server.middlewares.use((request, response, next) => {
        if (programFile.test(request.url!.split('?')[0])) {
          const set = response.setHeader.bind(response);
          response.setHeader = (name, value) =>
            set(name, name === 'Content-Security-Policy' ? programPolicy : value);
        }
        next();
      });
    },
    generateBundle: {
      order: 'post',
      handler(_options, bundle) {
        this.emitFile({ type: 'asset', fileName: declarationsFile, source: JSON.stringify(declarations()) });
        const file = Object.keys(bundle).find((name) => programFile.test(name));
        if (!file) throw new Error('the code lab’s worker is not among the built files');
        const source = `${JSON.stringify({ [file]: { 'Content-Security-Policy': programPolicy } }, null, 2)}\n`;
        this.emitFile({ type: 'asset', fileName: policies, source });
      },
    },
  };
}
