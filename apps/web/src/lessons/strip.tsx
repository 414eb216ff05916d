/** The step of a lesson at the bottom of the window, whether its goal is met, and the way on. */
import { useEffect, useState } from 'preact/hooks';
import { Button } from '../components/controls.tsx';
import { say } from '../shell/language.ts';
import { isAt } from './lessons.ts';
import { texts } from './texts.ts';
import { at, finish, go, leave, place } from './tour.ts';
import './strip.css';

/** Milliseconds between looks at the page. */
const pace = 250;

export function LessonStrip() {
  const here = place.value;
  const [reached, setReached] = useState('');
  const name = here === null ? '' : `${here.lesson} ${here.step}`;
  useEffect(() => {
    if (here === null) return;
    const { step } = at(here);
    // A goal that was met stays met.
    const timer = setInterval(() => {
      const state = window.__ag.state();
      if (!document.hidden && isAt(step, state) && step.isReached(state)) {
        setReached(name);
        clearInterval(timer);
      }
    }, pace);
    return () => clearInterval(timer);
  }, [name]);
  if (here === null) return null;
  const { lesson, step } = at(here);
  const isReached = reached === name;
  const isLast = here.step === lesson.steps.length - 1;
  return (
    <aside class="lesson-strip" aria-label={say(texts.lesson)} data-testid="lesson">
      <p>
        <strong>{say(lesson.title)}</strong>{' '}
        <span class="soft">{say(texts.step(here.step + 1, lesson.steps.length))}</span>
        <br />
        {say(step.text)}
      </p>
      <div class="row">
        <span
          aria-live="polite"
          class={isReached ? 'reached' : 'soft'}
          data-testid="goal"
          data-reached={isReached}
        >
          {say(isReached ? texts.reached : texts.open)}
        </span>
        <Button
          data-testid="lesson-back"
          disabled={here.step === 0}
          onClick={() => go(lesson.id, here.step - 1)}
        >
          {say(texts.back)}
        </Button>
        <Button data-testid="lesson-again" onClick={() => go(lesson.id, here.step)}>
          ⟲<span class="unseen">{say(texts.again)}</span>
        </Button>
        <Button
          class={isReached ? 'primary' : ''}
          data-testid="lesson-next"
          disabled={!isReached}
          onClick={() => (isLast ? finish(lesson.id) : go(lesson.id, here.step + 1))}
        >
          {say(isLast ? texts.finish : texts.next)}
        </Button>
        <Button data-testid="lesson-leave" onClick={leave}>
          ✕<span class="unseen">{say(texts.leave)}</span>
        </Button>
      </div>
    </aside>
  );
}
