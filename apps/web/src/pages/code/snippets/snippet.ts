/** What a snippet is. */
import type { Text } from '../../../shell/language.ts';

export interface Snippet {
  readonly id: string;
  readonly title: Text;
  readonly code: string;
}

export interface Group {
  readonly title: Text;
  readonly snippets: readonly Snippet[];
}

export const snippet = (id: string, en: string, zh: string, code: string): Snippet => ({
  id,
  title: { en, zh },
  code: code.replace(/^\n/, ''),
});
