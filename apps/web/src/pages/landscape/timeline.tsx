/** Time in steps, as of a film: it plays, rests, and is moved by hand. */
import { type Signal, useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { say } from '../../shell/language.ts';
import { texts } from './texts.ts';

export interface Timeline {
  /** In steps, between them while something rolls. */
  readonly time: Signal<number>;
  readonly playing: Signal<boolean>;
  readonly steps: number;
  play(): void;
  pause(): void;
  seek(time: number): void;
}

/** Milliseconds for each step, and for the whole. */
const stepTime = 130;
const [shortest, longest] = [2500, 8000];

const stillness = matchMedia('(prefers-reduced-motion: reduce)');

/**
 * @param steps how long it is; null until that is known
 * @param key another text begins anew
 */
export function useTimeline(steps: number | null, key: string): Timeline {
  const time = useSignal(0);
  const playing = useSignal(false);
  const frame = useRef(0);
  const last = useRef(steps);
  last.current = steps;

  const pause = () => {
    cancelAnimationFrame(frame.current);
    playing.value = false;
  };
  const play = () => {
    const end = last.current;
    if (end === null) return;
    pause();
    const rate = end / Math.min(longest, Math.max(shortest, stepTime * end));
    const from = time.peek() >= end ? 0 : time.peek();
    const began = performance.now();
    playing.value = true;
    const tick = (now: number) => {
      const at = Math.min(end, from + Math.max(0, now - began) * rate);
      // Whoever wants less motion gets the same in steps.
      time.value = stillness.matches ? Math.floor(at) : at;
      if (at >= end) playing.value = false;
      else frame.current = requestAnimationFrame(tick);
    };
    frame.current = requestAnimationFrame(tick);
  };
  useEffect(() => {
    if (steps === null) return;
    time.value = stillness.matches ? steps : 0;
    if (!stillness.matches) play();
    return pause;
  }, [key, steps === null]);
  // What is changed by hand is seen whole, at once.
  useEffect(() => {
    if (steps !== null && !playing.peek()) time.value = steps;
  }, [steps]);

  return {
    time,
    playing,
    steps: steps ?? 1,
    play,
    pause,
    seek(to) {
      pause();
      time.value = to;
    },
  };
}

export function TimeBar({ timeline }: { readonly timeline: Timeline }) {
  const { time, playing, steps, play, pause, seek } = timeline;
  const at = Math.floor(Math.min(steps, time.value));
  return (
    <div class="time-bar">
      <button
        type="button"
        data-testid="play"
        aria-label={say(playing.value ? texts.pause : texts.play)}
        title={say(playing.value ? texts.pause : texts.play)}
        onClick={playing.value ? pause : play}
      >
        {playing.value ? '❚❚' : '▶'}
      </button>
      <input
        type="range"
        data-testid="time"
        aria-label={say(texts.time)}
        min={0}
        max={steps}
        step={1}
        value={at}
        onInput={(event) => seek(Number(event.currentTarget.value))}
      />
      <span class="number soft">{say(texts.stepOf(at, steps))}</span>
    </div>
  );
}
