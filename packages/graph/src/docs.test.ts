/**
 * The examples in docs/differentiation.md run and print what they say.
 */
import { readFileSync } from 'node:fs';
import * as tensor from '@ag/tensor';
import ts from 'typescript';
import { expect, it } from 'vitest';
import * as graph from './index.ts';

const page = readFileSync(new URL('../../../docs/differentiation.md', import.meta.url), 'utf8');
const examples = [...page.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code);
const modules: Readonly<Record<string, unknown>> = { '@ag/graph': graph, '@ag/tensor': tensor };

it.each(examples.map((code, i) => [i + 1, code] as const))(
  'example %i of docs/differentiation.md',
  async (_number, code) => {
    const { outputText } = ts.transpileModule(code, {
      compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 },
    });
    const printed: string[] = [];
    const print = (...x: unknown[]): number => printed.push(x.map((item) => JSON.stringify(item)).join(' '));
    const run = new Function('require', 'exports', 'console', `return (async () => {${outputText}})();`);
    await run((name: string) => modules[name], {}, { log: print });
    const said = [...code.matchAll(/console\.log.*\/\/ (.*)$/gm)].map(([, text]) => text);
    expect(printed.length).toBe(said.length);
    const bare = (text: string): string => text.replaceAll(' ', '');
    printed.forEach((text, i) =>
      expect(bare(said[i]).startsWith(bare(text)), `says ${said[i]}, prints ${text}`).toBe(true),
    );
  },
);
