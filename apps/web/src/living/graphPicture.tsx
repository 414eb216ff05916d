/**
 * The graph of a formula at a size that can be read, and to be touched.
 *
 * Its inputs are dragged, its nodes opened. What is larger than its window is moved about in it, never made smaller, and follows the node of the present step.
 */
import { useEffect, useRef } from 'preact/hooks';
import { dragged, stepped, stepsOfKey } from '../components/scrub.ts';
import { say } from '../shell/language.ts';
import { type Flow, pulse } from './pulses.ts';
import { texts } from './texts.ts';
import './graph.css';

/** Pixels around a node that are shown with it, for the ends of its wires. */
const around = 60;
/** Pixels that a pointer may move and still click. */
const clickTolerance = 3;

export interface GraphPictureProperties {
  readonly svg: string;
  /** The node of the present step, which is kept in view. */
  readonly node: string | null;
  /** What runs along its wires. */
  readonly flow?: Flow | null;
  /** Nodes in the order in which they are computed: their numbers. */
  readonly order?: readonly string[];
  /** The value of a node that can be dragged, or null. */
  readonly numberOf?: (id: string) => number | null;
  readonly onChange?: (id: string, value: number) => void;
  readonly onOpen?: (id: string) => void;
}

export function GraphPicture(properties: GraphPictureProperties) {
  const { svg, node, flow = null, order = [] } = properties;
  const frame = useRef<HTMLElement>(null);
  const held = useRef<{ id: string; x: number; from: number | null; moved: boolean } | null>(null);
  const { numberOf = () => null, onChange, onOpen } = properties;

  useEffect(() => {
    if (frame.current) dress(frame.current, order, onOpen !== undefined, numberOf);
    const target = node === null ? null : frame.current?.querySelector(`[data-node="${CSS.escape(node)}"]`);
    if (!frame.current || !target) return;
    const [inner, outer] = [target.getBoundingClientRect(), frame.current.getBoundingClientRect()];
    frame.current.scrollBy(
      beyond([inner.left, inner.right], [outer.left, outer.right]),
      beyond([inner.top, inner.bottom], [outer.top, outer.bottom]),
    );
  }, [svg, node]);
  useEffect(() => {
    if (frame.current && node !== null && flow !== null) return pulse(frame.current, node, flow);
  }, [svg, node, flow]);

  return (
    <section
      class="picture living"
      ref={frame}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: keys move it, as any region larger than its window
      tabIndex={0}
      aria-label={say(texts.graph)}
      data-testid="graph"
      style={{ '--natural': /\bwidth="(\d+)"/.exec(svg)?.[1] ?? '300' }}
      onPointerDown={(event) => {
        const id = nodeAt(event.target);
        if (id !== null && event.button === 0)
          held.current = { id, x: event.clientX, from: numberOf(id), moved: false };
      }}
      onPointerMove={(event) => {
        const grip = held.current;
        if (!grip || grip.from === null || !onChange) return;
        const pixels = event.clientX - grip.x;
        if (!grip.moved && Math.abs(pixels) <= clickTolerance) return;
        if (!grip.moved) event.currentTarget.setPointerCapture(event.pointerId);
        grip.moved = true;
        onChange(grip.id, dragged({ value: grip.from }, pixels));
      }}
      onPointerUp={() => {
        const grip = held.current;
        held.current = null;
        if (grip && !grip.moved) onOpen?.(grip.id);
      }}
      onPointerCancel={() => {
        held.current = null;
      }}
      onKeyDown={(event) => {
        const id = nodeAt(event.target);
        if (id === null) return;
        const value = numberOf(id);
        const steps = stepsOfKey(event);
        if (event.key === 'Enter' || event.key === ' ') onOpen?.(id);
        else if (steps !== 0 && value !== null && onChange) onChange(id, stepped({ value }, steps));
        else return;
        event.preventDefault();
      }}
      // The SVG is made by @ag/viz, which escapes all texts.
      dangerouslySetInnerHTML={{ __html: svg }}
    />
  );
}

function nodeAt(target: EventTarget | null): string | null {
  return (target as Element | null)?.closest<SVGElement>('[data-node]')?.dataset.node ?? null;
}

/** What the picture does not have by itself: numbers in topological order, and nodes that keys reach. */
function dress(
  frame: HTMLElement,
  order: readonly string[],
  opens: boolean,
  numberOf: (id: string) => number | null,
): void {
  const svg = frame.querySelector('svg');
  if (!svg) return;
  // Of an image nothing inside could be reached.
  if (opens) svg.setAttribute('role', 'group');
  const isNumbered = svg.querySelector('.order') !== null;
  for (const element of svg.querySelectorAll<SVGElement>('[data-node]')) {
    const id = element.dataset.node!;
    if (opens) {
      element.setAttribute('tabindex', '0');
      element.setAttribute('role', 'button');
      // What is seen first, so that it can be called by that.
      const seen = [...element.querySelectorAll('text')].map(({ textContent }) => textContent);
      const title = element.querySelector('title')?.textContent ?? id;
      element.setAttribute('aria-label', [...seen, title].join(' '));
    }
    element.classList.toggle('draggable', numberOf(id) !== null);
    const [at, box] = [order.indexOf(id), element.querySelector('rect')];
    if (at < 0 || !box || isNumbered) continue;
    const number = document.createElementNS('http://www.w3.org/2000/svg', 'text');
    number.setAttribute('class', 'order');
    number.setAttribute('x', box.getAttribute('x')!);
    number.setAttribute('y', String(Number(box.getAttribute('y')) - 2));
    number.setAttribute('aria-hidden', 'true');
    number.textContent = String(at + 1);
    // Beside the node: the number is no part of its name.
    element.after(number);
  }
}

type Range = readonly [low: number, high: number];

/** How far a range with room around it reaches out of another. */
function beyond([low, high]: Range, [least, most]: Range): number {
  if (low - around < least) return low - around - least;
  return Math.max(0, high + around - most);
}
