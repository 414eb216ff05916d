/**
 * A board to draw a digit on, with a mouse, a finger or a pen.
 *
 * What is drawn is plain dark ink on white paper, in both themes, as on the scans that such networks learn from.
 */
import { useEffect, useRef } from 'preact/hooks';
import { say } from '../../shell/language.ts';
import { texts } from './texts.ts';

/** Pixels along each side. */
const size = 280;
const pen = 22;
/** How large a digit is drawn for the network, along its longer side. */
const extent = 160;
/** A dot stays one. */
const largestScale = 4;

type Strokes = (readonly [x: number, y: number])[][];

/** A three, which is drawn before the visitor draws: the points of one stroke. */
const sample: Strokes[number] =
  '92,84 110,66 138,60 166,68 180,90 170,114 146,130 126,136 150,138 176,150 190,176 184,204 160,222 128,226 100,216 86,198'
    .split(' ')
    .map((point) => point.split(',').map(Number) as never);
/** Milliseconds between points of the sample. */
const sampleTime = 70;

const stillness = matchMedia('(prefers-reduced-motion: reduce)');

export function Board({
  ready,
  onDraw,
}: {
  /** Whether there is a network to read what is drawn. */
  readonly ready: boolean;
  readonly onDraw: (drawing: ImageData | null) => void;
}) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const copy = useRef<HTMLCanvasElement | null>(null);
  const strokes = useRef<Strokes>([]);
  const drawing = useRef(false);
  /** Whether what is on the board is the sample, or it is still to be drawn. */
  const sampled = useRef(true);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);

  const show = () => {
    // The sample may have begun just as the page was left.
    if (!canvas.current) return;
    ink(canvas.current, strokes.current);
    copy.current ??= document.createElement('canvas');
    onDraw(strokes.current.length > 0 ? ink(copy.current, resized(strokes.current)) : null);
  };
  const wipe = () => {
    clearTimeout(timer.current);
    sampled.current = false;
    strokes.current = [];
    show();
  };
  useEffect(() => {
    ink(canvas.current!, []);
    return () => clearTimeout(timer.current);
  }, []);
  useEffect(() => {
    if (!ready || !sampled.current || strokes.current.length > 0) return;
    const draw = (points: number) => {
      strokes.current = [sample.slice(0, points)];
      show();
      if (points < sample.length) timer.current = setTimeout(draw, sampleTime, points + 1);
    };
    draw(stillness.matches ? sample.length : 1);
  }, [ready]);

  const point = (event: PointerEvent) => {
    const box = canvas.current!.getBoundingClientRect();
    const across = (event.clientX - box.left) / box.width;
    const down = (event.clientY - box.top) / box.height;
    strokes.current.at(-1)!.push([across * size, down * size]);
    show();
  };

  return (
    <div>
      <canvas
        ref={canvas}
        class="board"
        width={size}
        height={size}
        data-testid="board"
        role="img"
        aria-label={say(texts.board)}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          if (sampled.current) wipe();
          drawing.current = true;
          strokes.current.push([]);
          point(event);
        }}
        onPointerMove={(event) => drawing.current && point(event)}
        onPointerUp={() => {
          drawing.current = false;
        }}
        onPointerCancel={() => {
          drawing.current = false;
        }}
      />
      <p>
        <button type="button" data-testid="wipe" onClick={wipe}>
          {say(texts.wipe)}
        </button>
      </p>
    </div>
  );
}

/** Draws strokes on white; answers with the pixels. */
function ink(canvas: HTMLCanvasElement, strokes: Strokes): ImageData {
  if (canvas.width !== size) canvas.width = canvas.height = size;
  const context = canvas.getContext('2d', { willReadFrequently: true })!;
  context.fillStyle = 'white';
  context.fillRect(0, 0, size, size);
  context.strokeStyle = 'black';
  context.lineWidth = pen;
  context.lineCap = context.lineJoin = 'round';
  for (const stroke of strokes) {
    context.beginPath();
    context.moveTo(...stroke[0]);
    for (const at of stroke) context.lineTo(...at);
    context.stroke();
  }
  return context.getImageData(0, 0, size, size);
}

/**
 * The strokes in the middle of the board and of one size, so that the pen is as thick for a small digit as for a large
 * one, in proportion: the network learned from digits whose lines are.
 */
function resized(strokes: Strokes): Strokes {
  const [x, y] = [strokes.flat().map(([x]) => x), strokes.flat().map(([, y]) => y)];
  const [left, right, top, bottom] = [Math.min(...x), Math.max(...x), Math.min(...y), Math.max(...y)];
  const scale = Math.min(largestScale, extent / Math.max(right - left, bottom - top, 1));
  const along = (value: number, low: number, high: number) => size / 2 + scale * (value - (low + high) / 2);
  return strokes.map((stroke) =>
    stroke.map(([x, y]) => [along(x, left, right), along(y, top, bottom)] as const),
  );
}
