/**
 * A picture larger than its window, which is dragged, zoomed and moved by keys.
 *
 * Only a transform changes meanwhile, so that even a large picture follows the hand.
 */
import { useEffect, useRef } from 'preact/hooks';
import { say } from '../shell/language.ts';
import { texts } from './texts.ts';

interface View {
  readonly x: number;
  readonly y: number;
  readonly scale: number;
}

/** Pixels that a pointer may move and still click. */
const clickTolerance = 5;

export function PanZoom({
  svg,
  label,
  onClick,
}: {
  readonly svg: string;
  readonly label: string;
  /** Called with what was clicked inside the picture. */
  readonly onClick: (clicked: Element) => void;
}) {
  const frame = useRef<HTMLDivElement>(null);
  const sheet = useRef<HTMLDivElement>(null);
  const view = useRef<View>({ x: 0, y: 0, scale: 1 });
  const grip = useRef<{ x: number; y: number; from: View; target: Element } | null>(null);

  const show = (next: View) => {
    view.current = next;
    sheet.current!.style.transform = `translate(${next.x}px, ${next.y}px) scale(${next.scale})`;
  };
  const fit = () => {
    const picture = sheet.current!.querySelector('svg');
    if (!picture) return;
    const { clientWidth, clientHeight } = frame.current!;
    const [width, height] = [Number(picture.getAttribute('width')), Number(picture.getAttribute('height'))];
    // Small enough to be read is too small: a long picture begins at its start.
    const scale = Math.min(1.5, Math.max(0.7, Math.min(clientWidth / width, clientHeight / height)));
    show({
      x: Math.max(8, (clientWidth - width * scale) / 2),
      y: Math.max(8, (clientHeight - height * scale) / 2),
      scale,
    });
  };
  // Another picture of the same thing stays where the reader was.
  useEffect(fit, []);

  /** Enlarges around a point of the window, by default its middle. */
  const zoom = (factor: number, at?: { readonly clientX: number; readonly clientY: number }) => {
    const box = frame.current!.getBoundingClientRect();
    const [x, y] = at ? [at.clientX - box.left, at.clientY - box.top] : [box.width / 2, box.height / 2];
    const { scale, ...corner } = view.current;
    const next = Math.min(4, Math.max(0.1, scale * factor));
    show({ x: x - ((x - corner.x) * next) / scale, y: y - ((y - corner.y) * next) / scale, scale: next });
  };
  const move = (right: number, down: number) =>
    show({ ...view.current, x: view.current.x + right, y: view.current.y + down });
  const keys: Readonly<Record<string, () => void>> = {
    ArrowLeft: () => move(60, 0),
    ArrowRight: () => move(-60, 0),
    ArrowUp: () => move(0, 60),
    ArrowDown: () => move(0, -60),
    '+': () => zoom(1.25),
    '-': () => zoom(0.8),
    0: fit,
  };

  return (
    <div class="card">
      <section
        class="sheet"
        ref={frame}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: keys move it, as any region larger than its window
        tabIndex={0}
        aria-label={label}
        data-testid="sheet"
        onKeyDown={(event) => {
          const act = keys[event.key];
          if (!act) return;
          event.preventDefault();
          act();
        }}
        onWheel={(event) => {
          // Without a key the wheel belongs to the page.
          if (!event.ctrlKey && !event.metaKey) return;
          event.preventDefault();
          zoom(1.0015 ** -event.deltaY, event);
        }}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          grip.current = {
            x: event.clientX,
            y: event.clientY,
            from: view.current,
            target: event.target as Element,
          };
        }}
        onPointerMove={(event) => {
          if (!grip.current) return;
          const { x, y, from } = grip.current;
          show({ ...from, x: from.x + event.clientX - x, y: from.y + event.clientY - y });
        }}
        onPointerUp={(event) => {
          const held = grip.current;
          grip.current = null;
          if (held && Math.hypot(event.clientX - held.x, event.clientY - held.y) < clickTolerance)
            onClick(held.target);
        }}
        onPointerCancel={() => {
          grip.current = null;
        }}
      >
        {/* The SVG is made by @ag/viz, which escapes all texts. */}
        <div ref={sheet} class="sheet-picture" dangerouslySetInnerHTML={{ __html: svg }} />
      </section>
      <div class="row">
        <button type="button" data-testid="larger" onClick={() => zoom(1.25)}>
          + {say(texts.larger)}
        </button>
        <button type="button" data-testid="smaller" onClick={() => zoom(0.8)}>
          − {say(texts.smaller)}
        </button>
        <button type="button" data-testid="fit" onClick={fit}>
          {say(texts.fit)}
        </button>
      </div>
    </div>
  );
}
