/** The site's search: what VitePress gives to MiniSearch, for the site and for those who check what it finds. */
import type { SearchOptions } from 'minisearch';
// @ts-expect-error: what VitePress reads has no declarations
import { searchOptions as options } from '../vitepress/search.mjs';
import { anchorOf } from './links.ts';

/** How what is found is weighed. */
export const searchOptions: SearchOptions = options;

/** What is indexed of each section: as VitePress does it. */
export const fields = { fields: ['title', 'titles', 'text'], storeFields: ['title', 'titles'] };

/** A question as it is asked: words that every sentence has are left out, as readers do. */
export function asked(question: string): string {
  const empty =
    /\b(?:a|an|and|are|can|call|called|do|does|for|from|got|have|here|how|i|in|is|it|its|many|must|my|no|not|of|on|one|or|s|says|see|than|that|the|to|use|what|when|which|why|with|x)\b/gi;
  return question
    .replace(/[^\p{L}\p{N}.]+/gu, ' ')
    .replace(empty, ' ')
    .replace(/\s+/g, ' ')
    .trim();
}

/** A section of a page, as the index holds it. */
export interface Section {
  readonly id: string;
  readonly title: string;
  readonly titles: readonly string[];
  readonly text: string;
}

/** The sections of a Markdown page; nearly what VitePress makes of its HTML. */
export function sectionsOf(path: string, markdown: string): Section[] {
  const sections: { id: string; title: string; titles: string[]; text: string }[] = [];
  const parents: string[] = [];
  let inCode = false;
  for (const line of markdown.split('\n')) {
    if (/^\s*```/.test(line)) inCode = !inCode;
    const [, marks, heading] = (!inCode && /^(#{1,6}) (.*)$/.exec(line)) || [];
    if (marks === undefined) {
      const last = sections.at(-1);
      if (last) last.text += `${line.replace(/\]\([^)]*\)/g, ' ')} `;
      continue;
    }
    const title = heading.replace(/[`*]|\]\([^)]*\)|\[/g, '');
    const level = marks.length - 1;
    parents.length = level;
    parents[level] = title;
    const titles = parents.slice(0, level).filter((one) => one !== undefined);
    sections.push({ id: `/${path}.html#${anchorOf(title)}`, title, titles, text: '' });
  }
  return sections;
}
