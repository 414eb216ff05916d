/** What an answer hangs on, what the drawing is like, and a way to teach the network better. */
import { imageGrid } from '@ag/viz';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { Button } from '../../components/controls.tsx';
import { percent } from '../../components/numbers.ts';
import { Caption, Picture } from '../../components/parts.tsx';
import { language, say } from '../../shell/language.ts';
import { theme } from '../../shell/theme.ts';
import type { Learned, Reading } from './snapshot.ts';
import { texts } from './texts.ts';

const side = 28;

/** Blue where more ink would speak for the answer, orange where it would speak against it, over the drawing in gray. */
export function Saliency({ reading }: { readonly reading: Reading }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { saliency, image, probabilities } = reading;
  useEffect(() => {
    const context = canvas.current!.getContext('2d')!;
    const picture = context.createImageData(side, side);
    const largest = Math.max(...saliency.map(Math.abs), 1e-9);
    for (const [i, slope] of saliency.entries()) {
      const strength = Math.abs(slope) / largest;
      const paper = 255 - 110 * image[i];
      const tint = slope > 0 ? [33, 102, 172] : [232, 110, 5];
      const mixed = tint.map((part) => paper * (1 - strength) + part * strength);
      picture.data.set([...mixed, 255], 4 * i);
    }
    context.putImageData(picture, 0, 0);
  }, [saliency]);
  const answer = probabilities.indexOf(Math.max(...probabilities));
  return (
    <figure class="insight">
      <figcaption class="soft">{say(texts.saliency(answer))}</figcaption>
      <canvas
        ref={canvas}
        class="saliency"
        width={side}
        height={side}
        data-testid="saliency"
        role="img"
        aria-label={say(texts.saliencyLabel)}
      />
      <Caption text={texts.saliencyCaption} />
    </figure>
  );
}

export function Neighbors({ reading: { neighbors } }: { readonly reading: Reading }) {
  const svg = useMemo(
    () =>
      imageGrid(
        neighbors.map(({ pixels, label, distance }) => ({
          pixels,
          width: side,
          height: side,
          caption: `${label} · ${distance.toFixed(1)}`,
        })),
        { theme: theme.value, id: 'neighbors', imageSize: 52, columns: 3, background: false },
      ),
    [neighbors, theme.value, language.value],
  );
  return (
    <figure class="insight">
      <figcaption class="soft">{say(texts.neighbors)}</figcaption>
      <Picture svg={svg} label="neighbors" />
    </figure>
  );
}

/** Ten buttons: what the drawing is. */
export function Teach({
  disabled,
  learned,
  onTeach,
}: {
  readonly disabled: boolean;
  readonly learned: Learned | null;
  readonly onTeach: (digit: number) => void;
}) {
  return (
    <fieldset class="teach">
      <legend class="soft">{say(texts.teach)}</legend>
      {Array.from({ length: 10 }, (_, digit) => (
        <Button key={digit} data-testid={`teach-${digit}`} disabled={disabled} onClick={() => onTeach(digit)}>
          {digit}
        </Button>
      ))}
      <p class="soft caption" role="status" data-testid="learned">
        {learned
          ? say(texts.learned(learned.digit, learned.steps, percent(learned.before), percent(learned.after)))
          : say(texts.teachCaption)}
      </p>
    </fieldset>
  );
}
