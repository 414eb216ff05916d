/**
 * What the code lab makes of programs, without a browser.
 *
 * Every snippet is free of type errors and runs; lines of what is shown, of errors, and what is refused.
 */
import { describe, expect, it } from 'vitest';
import { declarations } from '../../../scripts/codeLab.ts';
import type { Item } from './items.ts';
import { createLanguage } from './language/service.ts';
import { prepare } from './program/prepare.ts';
import { run } from './runner/run.ts';
import { snippets } from './snippets/index.ts';

// biome-ignore lint/security/noGlobalEval: what the page's worker does
const compile = globalThis.eval as (code: string) => never;

/** Runs a program; what it shows, and whether it came to its end. */
async function shownBy(source: string, locals: Readonly<Record<string, string>> = {}) {
  const prepared = prepare(source, locals);
  if (prepared.faults) throw new Error(JSON.stringify(prepared.faults));
  const items: Item[] = [];
  const done = await run(
    prepared.program,
    (message) => {
      if (message.type === 'items') items.push(...message.items);
    },
    compile,
    {},
  );
  return { items, done };
}

/** Line and text of everything shown. */
const told = (items: readonly Item[]) =>
  items.map(({ line, content }) => [line, 'text' in content ? content.text : content.kind]);

describe('the library', () => {
  it('has forty snippets with names of their own', () => {
    expect(snippets).toHaveLength(40);
    expect(new Set(snippets.map(({ id }) => id)).size).toBe(40);
  });

  it('has no type errors', () => {
    const language = createLanguage(declarations());
    const wrong = snippets.flatMap(({ id, code }) =>
      language.check(code).map(({ from, message }) => `${id}: ${code.slice(from, from + 30)}: ${message}`),
    );
    expect(wrong).toEqual([]);
    // And would have told them.
    expect(language.check("import { tensor } from '@ag/tensor';\ntensor([1]).soft();")[0].message).toContain(
      "'soft' does not exist",
    );
  });

  it.each(snippets.map(({ id, code }) => [id, code] as const))(
    '%s runs and shows something',
    async (_, code) => {
      const { items, done } = await shownBy(code);
      expect(items.filter(({ content }) => content.kind === 'error')).toEqual([]);
      expect(done).toBe(true);
      expect(items.length).toBeGreaterThan(0);
      expect(items.every(({ line }) => line > 0)).toBe(true);
    },
  );
});

describe('a program', () => {
  it('shows values under their lines, in their order', async () => {
    const { items } = await shownBy(
      "import { tensor } from '@ag/tensor';\nconst x = tensor([1, 2]);\nx.mul(3);\nconsole.log('sum', 3,\n  [x.shape]);\nshow(x);\n1 + 1;\nlet n = 0;\nn = 5;\nn++;\n",
    );
    expect(told(items)).toEqual([
      [3, 'tensor([3., 6.], shape=[2], dtype=float32)'],
      [5, 'sum 3 [[2]]'],
      [6, 'tensor([1., 2.], shape=[2], dtype=float32)'],
      [7, '2'],
    ]);
  });

  it('tells the line of an error, and shows what came before it', async () => {
    const { items, done } = await shownBy(
      "interface Long {\n  a: number;\n}\nconst x: Long = { a: 1 };\nconsole.log(x.a);\nfunction deep(): never {\n  throw new RangeError('no');\n}\ndeep();",
    );
    expect(done).toBe(false);
    expect(told(items)).toEqual([
      [5, '1'],
      [7, 'RangeError: no'],
    ]);
  });

  it('tells the line of an error in the library', async () => {
    const { items } = await shownBy(
      "import { ones } from '@ag/tensor';\n\nones([2, 3]).matmul(ones([2, 3]));\n",
    );
    expect(told(items)).toEqual([[3, expect.stringContaining('inner sizes differ')]]);
  });

  it('says what is not there', async () => {
    const { items } = await shownBy("import { nothing } from '@ag/tensor';");
    expect(told(items)).toEqual([[1, expect.stringContaining("'@ag/tensor' has no value 'nothing'")]]);
    const other = await shownBy("import x from 'lodash';\nconsole.log(x);");
    expect(told(other.items)).toEqual([[0, expect.stringContaining("no module 'lodash'")]]);
  });

  it('is refused with its line where it is no program', () => {
    expect(prepare('const a = 1;\nconst b = ;').faults).toMatchObject([{ line: 2 }]);
    expect(prepare('let a = 1;\n\nenum Color { red }').faults).toMatchObject([{ line: 3 }]);
  });

  it('may import a file beside it, write files and end itself', async () => {
    const { items, done } = await shownBy(
      "import { writeFileSync, readFileSync } from 'node:fs';\nimport { twice } from './models/twice.ts';\nwriteFileSync('a.svg', '<svg/>');\nconsole.log(twice(4), readFileSync('a.svg', 'utf8').length);\nif (process.argv[2]) process.exit();\nconsole.log('never');",
      { './models/twice.ts': 'export const twice = (x: number): number => 2 * x;' },
    );
    expect(done).toBe(true);
    expect(told(items)).toEqual([
      [3, 'svg'],
      [4, '8 6'],
    ]);
  });

  it('keeps names of its own that mean something else here', async () => {
    const { items } = await shownBy(
      'const show = (x: number) => x + 1;\nshow(1);\nexport default show(2);\nexport const y = 3;',
    );
    expect(told(items)).toEqual([
      [2, '2'],
      [3, '3'],
    ]);
  });

  it('that prints for ever sends no more than can be shown', async () => {
    const { items } = await shownBy('for (let i = 0; i < 50_000; i++) console.log(i);');
    expect(items.length).toBeLessThan(2000);
    expect(told(items).at(-1)).toEqual([1, '49999']);
  });
});
