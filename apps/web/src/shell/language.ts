/**
 * English and Chinese: which one the reader chose.
 *
 * A text is an object with both, in the `texts.ts` of its page, so that neither can be forgotten.
 */
import { signal } from '@preact/signals';

export type Language = 'en' | 'zh';

/** Each language in its own words. */
export const languageNames: Readonly<Record<Language, string>> = { en: 'English', zh: '中文' };

/** A text in both languages. */
export interface Text {
  readonly en: string;
  readonly zh: string;
}

const stored = localStorage.getItem('ag.language');

export const language = signal<Language>(
  stored === 'en' || stored === 'zh' ? stored : navigator.language.startsWith('zh') ? 'zh' : 'en',
);

language.subscribe((value) => {
  document.documentElement.lang = value;
});

export function chooseLanguage(value: Language): void {
  language.value = value;
  localStorage.setItem('ag.language', value);
}

/** The text in the reader's language. */
export function say(text: Text): string {
  return text[language.value];
}
