/** Programs to begin with: snippets by subject, and the course. */
import { useState } from 'preact/hooks';
import { say, type Text } from '../../shell/language.ts';
import { addressOf } from '../../shell/route.ts';
import { examples } from './examples.ts';
import { groups } from './snippets/index.ts';
import { texts } from './texts.ts';

interface Entry {
  readonly id: string;
  readonly title: string;
  readonly href: string;
  /** Where words are looked for. */
  readonly text: string;
}

export function Library({ chosen }: { readonly chosen: string }) {
  const [words, setWords] = useState('');
  const course: Entry[] = [...examples].map(([id, source]) => ({
    id,
    title: id.replaceAll('-', ' '),
    href: addressOf('code', { example: id }),
    text: `${id} ${source}`,
  }));
  const all: (readonly [Text, readonly Entry[]])[] = [
    ...groups.map(
      ({ title, snippets }) =>
        [
          title,
          snippets.map(({ id, title, code }) => ({
            id,
            title: say(title),
            href: addressOf('code', { snippet: id }),
            text: `${title.en} ${title.zh} ${code}`,
          })),
        ] as const,
    ),
    [texts.course, course],
  ];
  const wanted = words.toLowerCase().split(/\s+/);
  const fits = ({ text }: Entry): boolean => wanted.every((word) => text.toLowerCase().includes(word));
  const found = all.map(([title, entries]) => [title, entries.filter(fits)] as const);
  return (
    <>
      <input
        type="search"
        data-testid="search"
        aria-label={say(texts.search)}
        placeholder={say(texts.search)}
        value={words}
        onInput={(event) => setWords(event.currentTarget.value)}
      />
      {found.every(([, entries]) => entries.length === 0) && <p class="soft">{say(texts.none)}</p>}
      {found.map(
        ([title, entries]) =>
          entries.length > 0 && (
            <section key={title.en} class="lab-group">
              <h2>{say(title)}</h2>
              <ul>
                {entries.map(({ id, title, href }) => (
                  <li key={id}>
                    <a
                      href={href}
                      aria-current={id === chosen ? 'true' : undefined}
                      data-testid={`open-${id}`}
                    >
                      {title}
                    </a>
                  </li>
                ))}
              </ul>
            </section>
          ),
      )}
    </>
  );
}
