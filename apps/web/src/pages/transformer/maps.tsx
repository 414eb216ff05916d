/** A small map for every head: who looks at whom, and what kind of place it likes best. */
import { useEffect, useRef } from 'preact/hooks';
import { say } from '../../shell/language.ts';
import { theme } from '../../shell/theme.ts';
import type { Shown } from './arcs.tsx';
import { favorite, sharesOf } from './heads.ts';
import type { LookAnswer } from './session.ts';
import { placeNames, texts } from './texts.ts';

export function HeadMaps({
  look: { characters, attention },
  shown,
  onShow,
}: {
  readonly look: LookAnswer;
  readonly shown: Shown;
  readonly onShow: (shown: Shown) => void;
}) {
  return (
    <div class="transformer-maps" data-testid="maps">
      {attention.flatMap((heads, layer) =>
        heads.map((map, head) => {
          const chosen = shown?.layer === layer && shown.head === head;
          const shares = sharesOf(characters, map);
          const place = favorite(shares);
          return (
            <button
              type="button"
              key={`${layer} ${head}`}
              class={`transformer-map head-${head % 8}`}
              data-testid={`head-${layer}-${head}`}
              aria-pressed={chosen}
              onClick={() => onShow(chosen ? null : { layer, head })}
            >
              <span class="transformer-name">{say(texts.headName(layer, head))}</span>
              <HeadMap map={map} count={characters.length} />
              <span class="transformer-favorite">
                {say(placeNames[place])} {Math.round(100 * shares[place])} %
              </span>
            </button>
          );
        }),
      )}
    </div>
  );
}

/** Shares as darkness: their square roots, so that small ones are seen. */
function HeadMap({ map, count }: { readonly map: Float32Array; readonly count: number }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (!context || count === 0) return;
    const picture = context.createImageData(count, count);
    const [ink, paper] =
      theme.value === 'dark'
        ? [
            [116, 192, 240],
            [27, 34, 44],
          ]
        : [
            [0, 66, 110],
            [240, 244, 248],
          ];
    for (let i = 0; i < count * count; i++) {
      const share = Math.sqrt(map[i]);
      for (let c = 0; c < 3; c++) picture.data[4 * i + c] = paper[c] + (ink[c] - paper[c]) * share;
      picture.data[4 * i + 3] = 255;
    }
    context.putImageData(picture, 0, 0);
  }, [map, count, theme.value]);
  return <canvas ref={canvas} width={Math.max(1, count)} height={Math.max(1, count)} />;
}
