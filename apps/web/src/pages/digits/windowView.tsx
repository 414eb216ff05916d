/**
 * The window of the first convolution on its way over the drawing.
 *
 * Its table: pixels times weights, their sum, the bias, and what comes out.
 */
import { useEffect, useRef, useState } from 'preact/hooks';
import { Choice } from '../../components/controls.tsx';
import { formatNumber } from '../../components/numbers.ts';
import { say } from '../../shell/language.ts';
import { setParameters } from '../../shell/route.ts';
import type { ConvolutionWindow, Reading } from './snapshot.ts';
import { texts } from './texts.ts';

const side = 28;
/** Of the window. */
const width = 5;
const reach = (width - 1) / 2;
/** Milliseconds at each place while it slides. */
const pace = 90;

export interface Place {
  readonly row: number;
  readonly column: number;
}

export function WindowView({
  reading,
  window,
  place,
  onPlace,
}: {
  readonly reading: Reading;
  readonly window: ConvolutionWindow;
  readonly place: Place;
  readonly onPlace: (place: Place) => void;
}) {
  const [sliding, setSliding] = useState(false);
  const latest = useRef(place);
  latest.current = place;
  useEffect(() => {
    if (!sliding) return;
    const timer = setInterval(() => onPlace(after(latest.current)), pace);
    return () => clearInterval(timer);
  }, [sliding]);

  const { row, column } = place;
  const move = (down: number, right: number) => {
    setSliding(false);
    onPlace({ row: limited(row + down), column: limited(column + right) });
  };
  const keys: Readonly<Record<string, () => void>> = {
    ArrowUp: () => move(-1, 0),
    ArrowDown: () => move(1, 0),
    ArrowLeft: () => move(0, -1),
    ArrowRight: () => move(0, 1),
  };
  const point = (event: PointerEvent) => {
    const box = (event.currentTarget as Element).getBoundingClientRect();
    setSliding(false);
    onPlace({
      row: limited(Math.floor(((event.clientY - box.top) / box.height) * side)),
      column: limited(Math.floor(((event.clientX - box.left) / box.width) * side)),
    });
  };
  const at = row * side + column;
  const activation = reading.stages[0].values[window.channel * side * side + at];
  return (
    <div class="window">
      <div class="row">
        <Choice
          label={texts.channel}
          testId="channel"
          value={String(window.channel + 1)}
          options={Array.from({ length: window.channels }, (_, i) => [String(i + 1), String(i + 1)] as const)}
          onChange={(channel) => setParameters({ channel })}
        />
        <button type="button" data-testid="slide" aria-pressed={sliding} onClick={() => setSliding(!sliding)}>
          {sliding ? '❚❚' : '▶'} {say(texts.slide)}
        </button>
      </div>
      <div class="window-parts">
        <section
          class="window-image"
          data-testid="window-image"
          // biome-ignore lint/a11y/noNoninteractiveTabindex: keys move the window on it
          tabIndex={0}
          aria-label={say(texts.windowLabel(row + 1, column + 1))}
          onPointerDown={point}
          onPointerMove={(event) => (event.pointerType === 'mouse' || event.buttons === 1) && point(event)}
          onKeyDown={(event) => {
            const act = keys[event.key];
            if (!act) return;
            event.preventDefault();
            act();
          }}
        >
          <Pixels values={reading.image} />
          <Box row={row - reach} column={column - reach} size={width} />
        </section>
        <div class="window-image" aria-hidden="true">
          <Pixels values={outputOf(reading, window)} />
          <Box row={row} column={column} size={1} />
        </div>
        <Products window={window} at={at} />
      </div>
      <p class="sum number" data-testid="sum">
        {say(
          texts.sum(
            formatNumber(window.sums[at] - window.bias),
            formatNumber(window.bias),
            formatNumber(window.sums[at]),
            formatNumber(activation),
          ),
        )}
      </p>
    </div>
  );
}

/** Pixel times weight, for each place of the window; stronger ground for larger products. */
function Products({ window, at }: { readonly window: ConvolutionWindow; readonly at: number }) {
  const cells = width * width;
  const products = window.products.subarray(at * cells, (at + 1) * cells);
  const patch = window.patches.subarray(at * cells, (at + 1) * cells);
  const largest = Math.max(...window.kernel.map(Math.abs), 1e-9);
  return (
    <table class="products" data-testid="products" aria-label={say(texts.products)}>
      <tbody>
        {Array.from({ length: width }, (_, i) => (
          <tr key={i}>
            {Array.from({ length: width }, (_, j) => {
              const cell = i * width + j;
              const strength = Math.min(1, Math.abs(products[cell]) / largest);
              const color = products[cell] < 0 ? '168, 82, 5' : '33, 102, 172';
              return (
                <td key={j} style={{ background: `rgba(${color}, ${(0.45 * strength).toFixed(2)})` }}>
                  <small>
                    {patch[cell].toFixed(1)}·{signed(window.kernel[cell])}
                  </small>
                  {signed(products[cell])}
                </td>
              );
            })}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Values from 0 to 1 as gray pixels. */
export function Pixels({ values }: { readonly values: Float32Array }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const context = canvas.current!.getContext('2d')!;
    const image = context.createImageData(side, side);
    for (const [i, value] of values.entries())
      image.data.set([255 * value, 255 * value, 255 * value, 255], 4 * i);
    context.putImageData(image, 0, 0);
  }, [values]);
  return <canvas ref={canvas} width={side} height={side} />;
}

/** A frame around pixels, in parts of the image. */
function Box({
  row,
  column,
  size,
}: {
  readonly row: number;
  readonly column: number;
  readonly size: number;
}) {
  const part = (pixels: number) => `${(100 * pixels) / side}%`;
  return (
    <span
      class="window-box"
      style={{ left: part(column), top: part(row), width: part(size), height: part(size) }}
    />
  );
}

/** What the channel makes of the drawing, brightest where it is largest. */
function outputOf({ stages }: Reading, { channel }: ConvolutionWindow): Float32Array {
  const values = stages[0].values.subarray(channel * side * side, (channel + 1) * side * side);
  const most = Math.max(...values, 1e-9);
  return values.map((value) => value / most);
}

const limited = (at: number) => Math.max(0, Math.min(side - 1, at));

/** Row by row, as it is read, without the empty border. */
function after({ row, column }: Place): Place {
  const [first, last] = [3, side - 4];
  if (column < last) return { row, column: Math.max(first, column + 1) };
  return { row: row < last ? row + 1 : first, column: first };
}

function signed(value: number): string {
  return value.toFixed(2).replace('-', '−');
}
