/**
 * What the network makes of a drawing: what it sees, how sure it is of each digit, and what its layers compute.
 */
import { type GridImage, imageGrid } from '@ag/viz';
import { useMemo } from 'preact/hooks';
import { Picture } from '../../components/parts.tsx';
import { say } from '../../shell/language.ts';
import { theme } from '../../shell/theme.ts';
import type { Reading } from './trainer.ts';

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
                <td class="number">{reading ? `${(100 * share).toFixed(1)} %` : '—'}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

export function Stages({ reading }: { readonly reading: Reading }) {
  const pictures = useMemo(
    () => [
      {
        name: say({ en: 'what the network sees, 28×28', zh: '网络看到的图像，28×28' }),
        svg: grid('seen', [{ pixels: reading.image, width: 28, height: 28 }], 84),
      },
      ...reading.stages.map(({ name, shape, values }, i) => ({
        name: `${name}: ${shape.join('×')}`,
        svg: grid(`stage-${i}`, imagesOf(shape, values), shape.length === 3 ? 48 : 200),
      })),
    ],
    [reading, theme.value],
  );
  return (
    <div class="stages" data-testid="stages">
      {pictures.map(({ name, svg }) => (
        <figure key={name}>
          <figcaption class="soft">{name}</figcaption>
          <Picture svg={svg} />
        </figure>
      ))}
    </div>
  );
}

/** Each channel as an image; a vector as one image of few rows. Bright is the largest value of the layer. */
function imagesOf(shape: readonly number[], values: Float32Array): GridImage[] {
  const low = Math.min(0, ...values);
  const high = Math.max(...values, low + 1e-12);
  const scaled = values.map((value) => (value - low) / (high - low));
  if (shape.length === 3) {
    const [channels, height, width] = shape as [number, number, number];
    const cells = height * width;
    return Array.from({ length: channels }, (_, c) => ({
      pixels: scaled.subarray(c * cells, (c + 1) * cells),
      width,
      height,
    }));
  }
  const units = shape[0]!;
  const width = Math.min(units, 16);
  return [{ pixels: scaled, width, height: units / width }];
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
