/** The first thing a visitor sees: a neuron that learns, a course, and what can be looked at here. */
import { lessons } from '../../lessons/lessons.ts';
import { finished, go } from '../../lessons/tour.ts';
import { say } from '../../shell/language.ts';
import type { PageProperties } from '../../shell/page.ts';
import { addressOf } from '../../shell/route.ts';
import { theme } from '../../shell/theme.ts';
import { Hero } from './hero.tsx';
import { texts } from './texts.ts';
import './page.css';

/** A part of each page in both themes, taken by scripts/pictures.ts. */
const pictures = import.meta.glob<string>('./pictures/*.png', {
  eager: true,
  import: 'default',
  query: '?url',
});

export default function Home({ pages }: PageProperties) {
  return (
    <>
      <p class="lead">{say(texts.purpose)}</p>
      <Hero pages={pages.map((page) => page.id)} />
      <h2>{say(texts.course)}</h2>
      <ol class="course">
        {lessons.map(({ id, title, summary }) => (
          <li key={id}>
            <button type="button" onClick={() => go(id, 0)}>
              <strong>
                {say(title)}
                {finished.value.includes(id) && ' ✓'}
              </strong>
              <span class="soft">{say(summary)}</span>
            </button>
          </li>
        ))}
      </ol>
      <h2>{say(texts.everything)}</h2>
      <ul class="cards">
        {pages
          .filter(({ id }) => id !== 'home' && id !== 'lessons')
          .map((page) => {
            const picture = pictures[`./pictures/${page.id}-${theme.value}.png`];
            return (
              <li key={page.id}>
                <a class="card" href={addressOf(page.id)}>
                  {picture && <img src={picture} alt="" loading="lazy" />}
                  <strong>{say(page.title)}</strong>
                  <span class="soft">{say(page.summary)}</span>
                </a>
              </li>
            );
          })}
      </ul>
      <h2>{say(texts.install)}</h2>
      <pre>
        <code>npm install @ag/all</code>
      </pre>
    </>
  );
}
