/**
 * The playground's settings. Each goes into the address, and a change begins anew.
 */
import { Choice, Entry, Field } from '../../components/parts.tsx';
import { say, type Text } from '../../shell/language.ts';
import { route, setParameters } from '../../shell/route.ts';
import {
  type ActivationId,
  activationIds,
  dataTitles,
  type LayerConfig,
  maxLayers,
  maxUnits,
  optimizerTitles,
  type PlaygroundConfig,
  presets,
  writeLayers,
} from './config.ts';

/** Replaces everything in the address. */
export function openPreset(parameters: Readonly<Record<string, string>>): void {
  const clear = Object.fromEntries([...route.peek().parameters.keys()].map((key) => [key, null]));
  setParameters({ ...clear, ...parameters });
}

export function Settings({ config }: { readonly config: PlaygroundConfig }) {
  const { data, layers } = config;
  const generated = data !== 'xor' && data !== 'points';
  const setLayers = (next: readonly LayerConfig[]) => setParameters({ layers: writeLayers(next) });
  const change = (i: number, layer: LayerConfig) =>
    setLayers(layers.map((each, j) => (j === i ? layer : each)));
  return (
    <div class="card">
      <div class="row">
        <Field label={{ en: 'Example', zh: '示例' }}>
          <select
            data-testid="preset"
            value=""
            onChange={(event) => {
              const preset = presets.find(({ id }) => id === event.currentTarget.value);
              if (preset) openPreset(preset.parameters);
              event.currentTarget.value = '';
            }}
          >
            <option value="">{say({ en: 'choose one', zh: '请选择' })}</option>
            {presets.map((preset) => (
              <option key={preset.id} value={preset.id}>
                {say(preset.title)}
              </option>
            ))}
          </select>
        </Field>
        <Choice
          label={{ en: 'Data', zh: '数据' }}
          testId="data"
          value={data}
          options={dataTitles}
          onChange={(id) => setParameters({ data: id })}
        />
        {generated && (
          <>
            <Setting config={config} name="count" label={{ en: 'Points', zh: '点数' }} step={10} />
            <Setting config={config} name="noise" label={{ en: 'Noise', zh: '噪声' }} step={0.01} />
          </>
        )}
        {(data === 'spirals' || data === 'blobs') && (
          <Setting config={config} name="classes" label={{ en: 'Classes', zh: '类别数' }} step={1} />
        )}
        {data !== 'xor' && (
          <Setting
            config={config}
            name="test"
            label={{ en: 'Share for testing', zh: '测试集比例' }}
            step={0.1}
          />
        )}
        <Setting config={config} name="seed" label={{ en: 'Seed', zh: '随机种子' }} step={1} />
        <Choice
          label={{ en: 'Optimizer', zh: '优化器' }}
          testId="optimizer"
          value={config.optimizer}
          options={optimizerTitles}
          onChange={(optimizer) => setParameters({ optimizer })}
        />
        <Setting
          config={config}
          name="learningRate"
          label={{ en: 'Learning rate', zh: '学习率' }}
          step="any"
        />
        <Setting config={config} name="batchSize" label={{ en: 'Batch', zh: '批大小' }} step={1} />
        <Setting config={config} name="dropout" label={{ en: 'Dropout', zh: 'Dropout' }} step={0.1} />
        <label>
          <input
            type="checkbox"
            data-testid="standardize"
            checked={config.standardize}
            onChange={(event) => setParameters({ standardize: event.currentTarget.checked })}
          />{' '}
          {say({ en: 'standardize inputs', zh: '标准化输入' })}
        </label>
      </div>
      <div class="row" style={{ marginTop: '0.7rem' }}>
        <span class="soft">{say({ en: 'Hidden layers', zh: '隐藏层' })}</span>
        {layers.map((layer, i) => (
          <span class="layer" key={i}>
            <Choice
              label={{ en: `${i + 1}: activation`, zh: `第 ${i + 1} 层：激活` }}
              testId={`activation-${i}`}
              value={layer.activation}
              options={activationIds.map((id) => [id, id] as const)}
              onChange={(activation: ActivationId) => change(i, { ...layer, activation })}
            />
            <Field label={{ en: 'neurons', zh: '神经元' }}>
              <Entry
                class="small"
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
              aria-label={say({ en: `Remove layer ${i + 1}`, zh: `移除第 ${i + 1} 层` })}
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
          + {say({ en: 'Layer', zh: '添加层' })}
        </button>
      </div>
    </div>
  );
}

/** A number of the configuration. What cannot be is corrected when it is read. */
function Setting({
  config,
  name,
  label,
  step,
}: {
  readonly config: PlaygroundConfig;
  readonly name: 'count' | 'noise' | 'classes' | 'test' | 'seed' | 'learningRate' | 'batchSize' | 'dropout';
  readonly label: Text;
  readonly step: number | 'any';
}) {
  return (
    <Field label={label}>
      <Entry
        class="small"
        type="number"
        min={0}
        step={step}
        data-testid={name}
        value={config[name]}
        onCommit={(text) => setParameters({ [name]: text })}
      />
    </Field>
  );
}
