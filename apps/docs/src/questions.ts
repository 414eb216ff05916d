/** The fifty questions of docs/questions.md, each with the page and the place that answer it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Question {
  readonly question: string;
  /** On the site: `guide/data`. */
  readonly page: string;
  /** In the repository: `docs/guide/data.md`. */
  readonly source: string;
  /** Where on the page, or undefined for all of it. */
  readonly anchor: string | undefined;
}

export function questionsOf(root: string): Question[] {
  const text = readFileSync(join(root, 'docs/questions.md'), 'utf8');
  return [...text.matchAll(/^\d+\. \[(.*)\]\(([\w/-]+)\.md(?:#(\S+))?\)$/gm)].map(
    ([, question, page, anchor]) => ({
      question,
      page,
      source: `docs/${page}.md`,
      anchor,
    }),
  );
}
