/** The list of lessons: what each is about, and which are done. */
import { Explanation } from '../../components/parts.tsx';
import { lessons } from '../../lessons/lessons.ts';
import { finished, go, place } from '../../lessons/tour.ts';
import { useInspection } from '../../shell/inspection.ts';
import { say } from '../../shell/language.ts';
import { texts } from './texts.ts';
import './page.css';

export default function Lessons() {
  useInspection(() => ({ page: 'lessons', finished: finished.value, place: place.value }));
  return (
    <>
      <Explanation text={texts.explanation} />
      <ol class="lessons">
        {lessons.map(({ id, title, summary, steps }) => {
          const isDone = finished.value.includes(id);
          return (
            <li key={id}>
              <h2>{say(title)}</h2>
              <p class="soft">{say(summary)}</p>
              <p class="row">
                <button
                  type="button"
                  class={isDone ? '' : 'primary'}
                  data-testid={`start-${id}`}
                  aria-label={`${say(isDone ? texts.again : texts.start)}: ${say(title)}`}
                  onClick={() => go(id, 0)}
                >
                  {say(isDone ? texts.again : texts.start)}
                </button>
                <span class="soft">{say(texts.steps(steps.length))}</span>
                {isDone && <span class="done">{say(texts.done)}</span>}
              </p>
            </li>
          );
        })}
      </ol>
    </>
  );
}
