/** The reference is whole: every public name is documented, each page has a title of its own, and links between names lead somewhere. */
import { describe, expect, it } from 'vitest';
import { referencePages } from '../apps/docs/src/reference/pages.ts';
import { type Entry, readEntries } from '../apps/docs/src/reference/read.ts';
import { root } from './workspace.ts';

const entries = readEntries(root);
const pages = referencePages(root, entries);

it('every public name is documented', () => {
  expect(entries.length).toBeGreaterThan(900);
  const silent = entries.filter(({ comment }) => comment.text === '');
  expect(silent.map(({ door, name, file }) => `${door} ${name} (${file})`)).toEqual([]);
});

it('links between names lead to public names, or to what a file has beside them', () => {
  const places = new Set(
    pages.flatMap(({ path, text }) =>
      [...text.matchAll(/\{#([^}]+)\}$/gm)].map(([, id]) => `/reference/api/${path}#${id}`),
    ),
  );
  const links = pages.flatMap(({ path, text }) =>
    [...text.matchAll(/\]\((\/reference\/api\/[^)]+)\)/g)].map(([, target]) => ({ path, target })),
  );
  expect(links.length).toBeGreaterThan(500);
  expect(links.filter(({ target }) => !places.has(target))).toEqual([]);
});

describe('a page', () => {
  const page = (path: string) => pages.find((one) => one.path === path)!;

  it('says what a function takes, gives and throws', () => {
    const { text, title, door } = page('nn/linear');
    expect([title, door]).toEqual(['linear', '@ag/nn']);
    expect(text).toContain('function linear<In extends number, Out extends number>(\n  inFeatures: In,\n');
    expect(text).toContain('options: LinearOptions = {}');
    expect(text).toContain('**Throws** RangeError');
    expect(text).toContain('| `bias` | `boolean` | Add a bias. Default true. |');
  });

  it('documents a function that is a method, too, by the method', () => {
    const matmul = entries.find((entry: Entry) => entry.name === 'matmul' && entry.door === '@ag/tensor');
    expect(matmul?.comment.text).toMatch(/product/i);
  });

  it('leaves out what promises nothing', () => {
    expect(entries.filter(({ door }) => /engine|testing/.test(door))).toEqual([]);
  });

  it('anchors differ', () => {
    for (const { path, text } of pages) {
      const ids = [...text.matchAll(/\{#([^}]+)\}$/gm)].map(([, id]) => id);
      expect(new Set(ids).size, path).toBe(ids.length);
    }
  });
});
