/** Words stand apart from markup and state, in both languages. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const folder = new URL('..', import.meta.url);
const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
  (file) => /\.tsx?$/.test(file) && !file.endsWith('.d.ts'),
);
const read = (file: string) => readFileSync(new URL(file, folder), 'utf8');

it('has no words in components and hooks', () => {
  const markupAndState = files.filter((file) => /\.tsx$|\/use[A-Z]\w*\.ts$/.test(file));
  expect(markupAndState.length).toBeGreaterThan(30);
  expect(markupAndState.filter((file) => /\p{Script=Han}|\ben: /u.test(read(file)))).toEqual([]);
});

it('says in a short first sentence what each file is for', () => {
  const unsaid = files.filter((file) => {
    const head = /^\/\*\*([\s\S]*?)\*\//.exec(read(file))?.[1] ?? '';
    const [sentence] = head
      .replaceAll(/\s+(?:\* )?/g, ' ')
      .trim()
      .split(/(?<=\.)\s/);
    return !sentence.endsWith('.') || sentence.length > 100;
  });
  expect(unsaid).toEqual([]);
});
