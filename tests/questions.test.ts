/**
 * The fifty questions: each is answered on a page and at a place that exist, and the site's search, asked in the words of the question,
 * puts that page first.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import MiniSearch from 'minisearch';
import { beforeAll, describe, expect, it } from 'vitest';
import { anchorOf } from '../apps/docs/src/links.ts';
import { documents } from '../apps/docs/src/pages.ts';
import { questionsOf } from '../apps/docs/src/questions.ts';
import { asked, fields, type Section, searchOptions, sectionsOf } from '../apps/docs/src/search.ts';
import { root } from './workspace.ts';

const questions = questionsOf(root);
const search = new MiniSearch<Section>({ ...fields, searchOptions });

beforeAll(() => {
  for (const { source, path } of documents(root)) {
    if (/^(?:questions|inside\/map|bench\/notes)/.test(path)) continue;
    const seen = new Set<string>();
    for (const section of sectionsOf(path, readFileSync(join(root, source), 'utf8'))) {
      const id = seen.has(section.id) ? `${section.id}-${seen.size}` : section.id;
      seen.add(id);
      search.add({ ...section, id });
    }
  }
});

it('are fifty', () => expect(questions).toHaveLength(50));

describe.each(questions)('$question', ({ question, page, source, anchor }) => {
  it('is answered at a place that exists', () => {
    expect(existsSync(join(root, source))).toBe(true);
    const text = readFileSync(join(root, source), 'utf8').replace(/^```[\s\S]*?^```/gm, '');
    const places = [...text.matchAll(/^#{1,6} (.*)$/gm)].map(([, heading]) =>
      anchorOf(heading.replaceAll('`', '')),
    );
    if (anchor !== undefined) expect(places).toContain(anchor);
  });

  it('is found', () => {
    const found = search.search(asked(question)).slice(0, 3);
    expect(
      found[0]?.id.replace(/\.html.*/, ''),
      JSON.stringify(found.map(({ id, score }) => [id, score])),
    ).toBe(`/${page}`);
  });
});
