/** The playground's settings. Each goes into the address, and a change begins anew. */
import { Checkbox, Choice, Entry, Field, NumberField } from '../../components/controls.tsx';
import { texts as common } from '../../components/texts.ts';
import { say } from '../../shell/language.ts';
import { route, setParameters } from '../../shell/route.ts';
import {
  type ActivationId,
  activationIds,
  type LayerConfig,
  maxLayers,
  maxUnits,
  optimizerTitles,
  type PlaygroundConfig,
  writeLayers,
} from './config.ts';
import { presets } from './presets.ts';
import { dataTitles, texts } from './texts.ts';

/** Replaces everything in the address. */
export function openPreset(parameters: Readonly<Record<string, string>>): void {
  const clear = Object.fromEntries([...route.peek().parameters.keys()].map((key) => [key, null]));
  setParameters({ ...clear, ...parameters });
}

export function Settings({ config }: { readonly config: PlaygroundConfig }) {
  const { data } = config;
  const generated = data !== 'xor' && data !== 'points';
  return (
    <div class="card">
      <div class="row">
        <Presets />
        <Choice
          label={texts.data}
          testId="data"
          value={data}
          options={dataTitles}
          onChange={(id) => setParameters({ data: id })}
        />
        {generated && (
          <>
            <NumberField name="count" label={texts.points} value={config.count} min={10} step={10} />
            <NumberField name="noise" label={texts.noise} value={config.noise} min={0} step={0.01} />
          </>
        )}
        {(data === 'spirals' || data === 'blobs') && (
          <NumberField name="classes" label={texts.classes} value={config.classes} min={2} step={1} />
        )}
        {data !== 'xor' && (
          <NumberField name="test" label={texts.testFraction} value={config.test} min={0} step={0.1} />
        )}
        <NumberField name="seed" label={common.seed} value={config.seed} min={0} step={1} />
        <Choice
          label={common.optimizer}
          testId="optimizer"
          value={config.optimizer}
          options={optimizerTitles}
          onChange={(optimizer) => setParameters({ optimizer })}
        />
        <NumberField name="learningRate" label={common.learningRate} value={config.learningRate} min={0} />
        <NumberField name="batchSize" label={common.batchSize} value={config.batchSize} min={1} step={1} />
        <NumberField name="dropout" label={common.dropout} value={config.dropout} min={0} step={0.1} />
        <Checkbox
          label={texts.standardize}
          testId="standardize"
          checked={config.standardize}
          onChange={(standardize) => setParameters({ standardize })}
        />
      </div>
      <Layers layers={config.layers} />
    </div>
  );
}

function Presets() {
  return (
    <Field label={texts.example}>
      <select
        data-testid="preset"
        value=""
        onChange={(event) => {
          const preset = presets.find(({ id }) => id === event.currentTarget.value);
          if (preset) openPreset(preset.parameters);
          event.currentTarget.value = '';
        }}
      >
        <option value="">{say(texts.chooseOne)}</option>
        {presets.map((preset) => (
          <option key={preset.id} value={preset.id}>
            {say(preset.title)}
          </option>
        ))}
      </select>
    </Field>
  );
}

function Layers({ layers }: { readonly layers: readonly LayerConfig[] }) {
  const setLayers = (next: readonly LayerConfig[]) => setParameters({ layers: writeLayers(next) });
  const change = (i: number, layer: LayerConfig) =>
    setLayers(layers.map((each, j) => (j === i ? layer : each)));
  return (
    <div class="row" style={{ marginTop: '0.7rem' }}>
      <span class="soft">{say(texts.hiddenLayers)}</span>
      {layers.map((layer, i) => (
        <span class="layer" key={i}>
          <Choice
            label={texts.activationOf(i + 1)}
            testId={`activation-${i}`}
            value={layer.activation}
            options={activationIds.map((id) => [id, id] as const)}
            onChange={(activation: ActivationId) => change(i, { ...layer, activation })}
          />
          <Field label={texts.neurons}>
            <Entry
              class="number-entry"
              type="number"
              min={1}
              max={maxUnits}
              data-testid={`units-${i}`}
              value={layer.units}
              onCommit={(text) => change(i, { ...layer, units: Number(text) || 1 })}
            />
          </Field>
          <button
            type="button"
            data-testid={`remove-${i}`}
            aria-label={say(texts.removeLayer(i + 1))}
            onClick={() => setLayers(layers.filter((_, j) => j !== i))}
          >
            ✕
          </button>
        </span>
      ))}
      <button
        type="button"
        data-testid="add-layer"
        disabled={layers.length >= maxLayers}
        onClick={() => setLayers([...layers, layers.at(-1) ?? { activation: 'tanh', units: 4 }])}
      >
        + {say(texts.addLayer)}
      </button>
    </div>
  );
}
