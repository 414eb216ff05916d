/** What the network makes of a drawing: its input, the probabilities, and the layers between. */
import { type GridImage, imageGrid } from '@ag/viz';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { percent } from '../../components/numbers.ts';
import { Picture } from '../../components/parts.tsx';
import { say } from '../../shell/language.ts';
import { theme } from '../../shell/theme.ts';
import type { Reading } from './snapshot.ts';
import { texts } from './texts.ts';

export function Probabilities({ reading }: { readonly reading: Reading | null }) {
  const best = reading ? reading.probabilities.indexOf(Math.max(...reading.probabilities)) : -1;
  return (
    <div>
      <p class="answer" data-testid="answer" aria-live="polite">
        {reading ? best : '—'}
      </p>
      <table class="probabilities" data-testid="probabilities">
        <tbody>
          {Array.from({ length: 10 }, (_, digit) => {
            const share = reading?.probabilities[digit] ?? 0;
            return (
              <tr key={digit} class={digit === best ? 'best' : undefined}>
                <th scope="row">{digit}</th>
                <td class="bar">
                  <span style={{ width: `${(100 * share).toFixed(1)}%` }} />
                </td>
                <td class="number">{percent(reading?.probabilities[digit])}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

export function Stages({ reading }: { readonly reading: Reading }) {
  const seen = useMemo(
    () => grid('seen', [{ pixels: reading.image, width: 28, height: 28 }], 84),
    [reading, theme.value],
  );
  return (
    <div class="stages" data-testid="stages">
      <figure>
        <figcaption class="soft">{say(texts.input)}</figcaption>
        <Picture svg={seen} />
      </figure>
      {reading.stages.map((stage, i) => (
        <figure key={stage.name}>
          <figcaption class="soft">
            {stage.name}: {stage.shape.join('×')}
          </figcaption>
          {stage.shape.length === 3 ? <Channels stage={stage} id={`stage-${i}`} /> : <Units stage={stage} />}
        </figure>
      ))}
    </div>
  );
}

type Stage = Reading['stages'][number];

/** Values from 0 to 1, bright for the largest of the layer. */
function brightness({ values }: Stage): Float32Array {
  const low = Math.min(0, ...values);
  const high = Math.max(...values, low + 1e-12);
  return values.map((value) => (value - low) / (high - low));
}

/** Each channel of a convolution as an image. */
function Channels({ stage, id }: { readonly stage: Stage; readonly id: string }) {
  const svg = useMemo(() => {
    const [channels, height, width] = stage.shape as [number, number, number];
    const bright = brightness(stage);
    const cells = height * width;
    const images = Array.from({ length: channels }, (_, c) => ({
      pixels: bright.subarray(c * cells, (c + 1) * cells),
      width,
      height,
    }));
    return grid(id, images, 48);
  }, [stage, theme.value]);
  return <Picture svg={svg} />;
}

/** The units of a fully connected layer as squares, in rows of up to sixteen. */
function Units({ stage }: { readonly stage: Stage }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const units = stage.shape[0];
  const columns = Math.min(units, 16);
  const rows = Math.ceil(units / columns);
  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (!context) return;
    const image = context.createImageData(columns, rows);
    for (const [i, value] of brightness(stage).entries()) {
      image.data.set([255 * value, 255 * value, 255 * value, 255], 4 * i);
    }
    context.putImageData(image, 0, 0);
  }, [stage]);
  return (
    <canvas class="units" ref={canvas} width={columns} height={rows} style={{ width: `${14 * columns}px` }} />
  );
}

function grid(id: string, images: readonly GridImage[], imageSize: number): string {
  return imageGrid(images, {
    id,
    theme: theme.value,
    imageSize,
    columns: Math.min(images.length, 8),
    background: false,
    range: [0, 1],
  });
}
