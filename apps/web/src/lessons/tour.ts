/** Where the reader is in a lesson, kept on this device. */
import { signal } from '@preact/signals';
import { addressOf } from '../shell/route.ts';
import { type Lesson, type LessonStep, lessons } from './lessons.ts';

interface Place {
  readonly lesson: string;
  readonly step: number;
}

const key = 'ag.lesson';
const doneKey = 'ag.lessons';

export const place = signal<Place | null>(read());
/** Lessons that were finished. */
export const finished = signal<readonly string[]>(
  (localStorage.getItem(doneKey) ?? '').split(',').filter(Boolean),
);

function read(): Place | null {
  const [lesson = '', step = ''] = (localStorage.getItem(key) ?? '').split(' ');
  const known = lessons.find(({ id }) => id === lesson);
  return known?.steps[Number(step)] ? { lesson, step: Number(step) } : null;
}

/** The lesson and step of a place. */
export function at({ lesson, step }: Place): { readonly lesson: Lesson; readonly step: LessonStep } {
  const found = lessons.find(({ id }) => id === lesson)!;
  return { lesson: found, step: found.steps[step] };
}

/** Opens a step at its page. */
export function go(lesson: string, step: number): void {
  place.value = { lesson, step };
  localStorage.setItem(key, `${lesson} ${step}`);
  const { page, parameters } = at(place.value).step;
  location.hash = addressOf(page, parameters);
}

export function leave(): void {
  place.value = null;
  localStorage.removeItem(key);
}

/** Notes that a lesson is through, and goes back to the list. */
export function finish(lesson: string): void {
  finished.value = [...new Set([...finished.value, lesson])];
  localStorage.setItem(doneKey, finished.value.join(','));
  leave();
  location.hash = addressOf('lessons');
}
