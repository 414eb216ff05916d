/** The playground's settings. Each goes into the address; some change a run, others begin anew. */
import { Checkbox, Choice, Entry, Field, NumberField } from '../../components/controls.tsx';
import { texts as common } from '../../components/texts.ts';
import { say } from '../../shell/language.ts';
import { route, setParameters } from '../../shell/route.ts';
import {
  type ActivationId,
  activationIds,
  featuresFor,
  type LayerConfig,
  lossIds,
  maxLayers,
  maxUnits,
  optimizerTitles,
  type PlaygroundConfig,
  taskOf,
  writeLayers,
} from './config.ts';
import { features } from './features.ts';
import { presets } from './presets.ts';
import { dataTitles, lossTitles, normalizationTitles, texts } from './texts.ts';

/** Replaces everything in the address. */
export function openPreset(parameters: Readonly<Record<string, string>>): void {
  const clear = Object.fromEntries([...route.peek().parameters.keys()].map((key) => [key, null]));
  setParameters({ ...clear, ...parameters });
}

export function Settings({ config }: { readonly config: PlaygroundConfig }) {
  const { data } = config;
  const generated = data !== 'xor' && data !== 'points';
  const { kind } = taskOf(config);
  return (
    <>
      <Presets />
      <fieldset class="group">
        <legend>{say(texts.goesOn)}</legend>
        <div class="row">
          <NumberField name="learningRate" label={common.learningRate} value={config.learningRate} min={0} />
          <NumberField name="l1" label={texts.l1} value={config.l1} min={0} />
          <NumberField name="l2" label={texts.l2} value={config.l2} min={0} />
          <NumberField name="batchSize" label={common.batchSize} value={config.batchSize} min={1} step={1} />
        </div>
        <div class="row">
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
        </div>
      </fieldset>
      <fieldset class="group">
        <legend>{say(texts.beginsAnew)}</legend>
        <Features config={config} />
        <Layers layers={config.layers} />
        <div class="row">
          <Choice
            label={texts.loss}
            testId="loss"
            value={config.loss}
            options={lossIds[kind].map((id) => [id, lossTitles[id]] as const)}
            onChange={(loss) => setParameters({ loss })}
          />
          <Choice
            label={common.optimizer}
            testId="optimizer"
            value={config.optimizer}
            options={optimizerTitles}
            onChange={(optimizer) => setParameters({ optimizer })}
          />
          <Choice
            label={texts.normalization}
            testId="normalization"
            value={config.normalization}
            options={normalizationTitles}
            onChange={(normalization) => setParameters({ normalization })}
          />
          <NumberField name="dropout" label={common.dropout} value={config.dropout} min={0} step={0.1} />
          <NumberField name="seed" label={common.seed} value={config.seed} min={0} step={1} />
          <Checkbox
            label={texts.standardize}
            testId="standardize"
            checked={config.standardize}
            onChange={(standardize) => setParameters({ standardize })}
          />
        </div>
      </fieldset>
    </>
  );
}

/** What the network is given of a place. */
function Features({ config }: { readonly config: PlaygroundConfig }) {
  const chosen = config.features;
  return (
    <div class="row features">
      <span class="soft">{say(texts.inputs)}</span>
      {featuresFor(config).map((id) => (
        <Checkbox
          key={id}
          label={features[id].name}
          testId={`feature-${id}`}
          checked={chosen.includes(id)}
          onChange={(on) =>
            setParameters({
              features: (on ? [...chosen, id] : chosen.filter((each) => each !== id)).join(','),
            })
          }
        />
      ))}
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
    <div class="row layers">
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
