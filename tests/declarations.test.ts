/** Declarations as they are published: fit for older compilers and for CommonJS, with maps that lead to the sources. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
// @ts-expect-error: scripts of this repository have no declarations
import { forCommonJS, portable } from '../scripts/declarations.mjs';
import { publishedPackages, root } from './workspace.ts';

describe('what is rewritten', () => {
  it('typed arrays of a known buffer, which are no generic types before TypeScript 5.7', () => {
    expect(portable('data: Uint8ClampedArray<ArrayBuffer>; all: Float32Array<ArrayBufferLike>;')).toBe(
      'data: ReturnType<typeof Uint8ClampedArray.of>; all: Float32Array;',
    );
    expect(portable('Array<ArrayBuffer> | Promise<Uint8Array>')).toBe(
      'Array<ArrayBuffer> | Promise<Uint8Array>',
    );
  });

  it('what can be disposed of, which small libraries do not know', () => {
    const text = '/// <reference lib="esnext.disposable" />\n[Symbol.dispose](): void;';
    expect(portable('[Symbol.dispose](): void;')).toBe(text);
    expect(portable(text)).toBe(text);
  });

  it('imports of CommonJS: from neighbors, not from packages', () => {
    expect(
      forCommonJS("import { A } from './a.js'; type B = import('../b.js').B; export * from '@ag/nn';"),
    ).toBe("import { A } from './a.cjs'; type B = import('../b.cjs').B; export * from '@ag/nn';");
  });
});

it('a tensor offers users nothing that is internal', () => {
  const source = readFileSync(join(root, 'packages/tensor/src/tensor.ts'), 'utf8');
  // What follows a comment that ends with the tag.
  const internal = [...source.matchAll(/@internal \*\/\n {2}(?:readonly )?(\w+)\b/g)].map(([, name]) => name);
  expect(internal).toEqual(expect.arrayContaining(['op', 'inputs', 'leaf', 'group', 'serial']));
  const dist = join(root, 'packages/tensor/dist');
  const texts = readdirSync(dist)
    .filter((name) => name.endsWith('.d.ts'))
    .map((name) => readFileSync(join(dist, name), 'utf8'));
  const declared = texts
    .map((text) => /^declare class Tensor(?:<[^\n]*>)? \{\n([\s\S]*?)^\}/m.exec(text))
    .find(Boolean);
  const members = [...(declared?.[1] ?? '').matchAll(/^ {4}(?:readonly |get )?(\w+)[(:?<]/gm)].map(
    ([, name]) => name,
  );
  expect(members).toEqual(expect.arrayContaining(['shape', 'size', 'matmul', 'softmax']));
  expect(members.filter((name) => internal.includes(name))).toEqual([]);
});

const libraries = [...publishedPackages()].filter(([, { folder }]) => folder.includes('packages'));

describe.each(libraries)('%s', (_, { folder }) => {
  const dist = join(folder, 'dist');
  const files = readdirSync(dist, { recursive: true, encoding: 'utf8' });

  it('has for each declaration a copy for CommonJS that imports such copies', () => {
    const copies = files.filter((file) => file.endsWith('.d.cts'));
    expect(copies.length).toBe(files.filter((file) => file.endsWith('.d.ts')).length);
    for (const file of copies) {
      const text = readFileSync(join(dist, file), 'utf8');
      for (const [, path] of text.matchAll(/from '(\.[^']*)'/g)) {
        expect(
          existsSync(join(dist, dirname(file), path.replace(/\.cjs$/, '.d.cts'))),
          `${file}: ${path}`,
        ).toBe(true);
      }
    }
  });

  it('has maps from what is declared to where it is written', () => {
    const wrong: string[] = [];
    let found = 0;
    for (const file of files.filter((name) => name.endsWith('.d.ts'))) {
      if (!existsSync(join(dist, `${file}.map`))) continue;
      const map = new SourceMap(JSON.parse(readFileSync(join(dist, `${file}.map`), 'utf8')));
      const lines = readFileSync(join(dist, file), 'utf8').split('\n');
      lines.forEach((line, at) => {
        const declared =
          /^(?:export )?(?:declare )?(?:abstract )?(?:function|class|const|interface|type) (\w+)/.exec(line);
        // Members of a namespace are listed under second names by the bundler of declarations.
        if (declared === null || /^(?:declare const|type) \w+_(\w+)(?:: typeof| =) \1;/.test(line)) return;
        const name = declared[1];
        const entry = map.findEntry(at, declared[0].length - name.length) as {
          originalSource?: string;
          originalLine: number;
          originalColumn: number;
        };
        const path = entry.originalSource && join(dist, dirname(file), entry.originalSource);
        const there = path && readFileSync(path, 'utf8').split('\n')[entry.originalLine];
        if (there?.slice(entry.originalColumn).startsWith(name)) found++;
        else wrong.push(`${file}:${at + 1} ${name}`);
      });
    }
    expect(wrong).toEqual([]);
    if (files.some((file) => file.endsWith('.d.ts.map'))) expect(found).toBeGreaterThan(1);
  });
});
