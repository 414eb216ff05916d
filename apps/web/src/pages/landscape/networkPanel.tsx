/** Settings of the network whose landscape is seen, and what was found of it. */
import { lineChart } from '@ag/viz';
import { useMemo } from 'preact/hooks';
import { Choice, NumberField } from '../../components/controls.tsx';
import { formatNumber, percent } from '../../components/numbers.ts';
import { Figures, Picture } from '../../components/parts.tsx';
import { texts as common } from '../../components/texts.ts';
import { language, say } from '../../shell/language.ts';
import { setParameters } from '../../shell/route.ts';
import { theme } from '../../shell/theme.ts';
import { activationIds, optimizerIds } from './network.ts';
import { sliceResolution } from './slice.ts';
import { dataTitles, texts } from './texts.ts';
import type { NetworkState } from './useNetwork.ts';

export function NetworkSettings({ state: { network, slice } }: { readonly state: NetworkState }) {
  return (
    <div class="row">
      <Choice
        label={texts.directions}
        testId="directions"
        value={slice.directions}
        options={[
          ['path', texts.path],
          ['random', texts.random],
        ]}
        onChange={(directions) => setParameters({ directions })}
      />
      {slice.directions === 'random' && (
        <NumberField
          name="directionSeed"
          label={texts.directionSeed}
          value={slice.seed}
          min={0}
          max={1_000_000}
          step={1}
        />
      )}
      <Choice
        label={texts.data}
        testId="data"
        value={network.data}
        options={dataTitles}
        onChange={(data) => setParameters({ data })}
      />
      <NumberField
        name="hidden"
        label={common.hiddenUnits}
        value={network.hidden}
        min={1}
        max={32}
        step={1}
      />
      <Choice
        label={texts.activation}
        testId="activation"
        value={network.activation}
        options={activationIds.map((id) => [id, id] as const)}
        onChange={(activation) => setParameters({ activation })}
      />
      <Choice
        label={common.optimizer}
        testId="optimizer"
        value={network.optimizer}
        options={optimizerIds.map((id) => [id, id] as const)}
        onChange={(optimizer) => setParameters({ optimizer, learningRate: null })}
      />
      <NumberField name="learningRate" label={common.learningRate} value={network.learningRate} min={0} />
      <NumberField name="steps" label={texts.steps} value={network.steps} min={1} max={500} step={1} />
      <NumberField name="seed" label={common.seed} value={network.seed} min={0} max={1_000_000} step={1} />
    </div>
  );
}

export function NetworkResults({ state: { result } }: { readonly state: NetworkState }) {
  const svg = useMemo(
    () =>
      result
        ? lineChart([{ name: say(texts.lossNow), x: result.losses.map((_, i) => i), y: result.losses }], {
            theme: theme.value,
            id: 'losses',
            width: 300,
            height: 170,
            points: false,
            xLabel: say(texts.time),
            yLabel: say(texts.lossNow),
          })
        : '',
    [result, theme.value, language.value],
  );
  if (!result) return null;
  const center = result.grid.values[(sliceResolution ** 2 - 1) / 2];
  return (
    <div>
      <Figures
        rows={[
          [texts.lossNow, formatNumber(result.losses.at(-1)!)],
          [texts.center, formatNumber(center)],
          [texts.accuracy, percent(result.accuracy)],
          [texts.weights, String(result.weights.length)],
          [texts.explained, percent(result.explained, result.explained < 0.01 ? 2 : 1)],
        ]}
      />
      <Picture svg={svg} label="losses" />
    </div>
  );
}
