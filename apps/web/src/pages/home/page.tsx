/** The first thing a visitor sees: what can be looked at here. */
import { useInspection } from '../../shell/inspection.ts';
import { say } from '../../shell/language.ts';
import type { PageProperties } from '../../shell/page.ts';
import { addressOf } from '../../shell/route.ts';
import { theme } from '../../shell/theme.ts';
import { texts } from './texts.ts';

/** A part of each page in both themes, taken by scripts/pictures.ts. */
const pictures = import.meta.glob<string>('./pictures/*.png', {
  eager: true,
  import: 'default',
  query: '?url',
});

export default function Home({ pages }: PageProperties) {
  useInspection(() => ({ page: 'home', pages: pages.map((page) => page.id) }));
  return (
    <>
      <p>{say(texts.purpose)}</p>
      <ul class="cards">
        {pages
          .filter((page) => page.id !== 'home')
          .map((page) => (
            <li key={page.id}>
              <a class="card" href={addressOf(page.id)}>
                <img src={pictures[`./pictures/${page.id}-${theme.value}.png`]} alt="" loading="lazy" />
                <strong>{say(page.title)}</strong>
                <span class="soft">{say(page.summary)}</span>
              </a>
            </li>
          ))}
      </ul>
    </>
  );
}
