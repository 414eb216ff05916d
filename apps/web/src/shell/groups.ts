/** The pages by what one comes for: how the menu is laid out, whatever the number of pages. */
import type { Text } from './language.ts';
import type { Page } from './page.ts';

export interface Group {
  readonly title: Text;
  readonly pages: readonly Page[];
}

const titles: readonly (readonly [title: Text, ids: readonly string[]])[] = [
  [{ en: 'Begin', zh: '开始' }, ['home', 'lessons']],
  [{ en: 'Understand', zh: '理解' }, ['microscope', 'gradients', 'numerical', 'race', 'landscape']],
  [{ en: 'Train', zh: '训练' }, ['playground', 'houses', 'digits', 'transformer']],
  [{ en: 'Build', zh: '动手' }, ['code', 'viewer', 'device']],
];

/** The groups that have pages; a page that no group names is in the last. */
export function groupsOf(pages: readonly Page[]): readonly Group[] {
  const named = new Set(titles.flatMap(([, ids]) => ids));
  const groups = titles.map(([title, ids], i) => ({
    title,
    pages: pages.filter(({ id }) => ids.includes(id) || (i === titles.length - 1 && !named.has(id))),
  }));
  return groups.filter((group) => group.pages.length > 0);
}
