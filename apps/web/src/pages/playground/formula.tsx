/** What a chosen neuron computes for the marked point. Weights and bias can be dragged. */
import { useState } from 'preact/hooks';
import { formatNumber } from '../../components/numbers.ts';
import { stepped, stepsOfKey, useScrub } from '../../components/scrub.ts';
import { say } from '../../shell/language.ts';
import { inputName, type Neuron, nameOf, type Parameter, type Snapshot, subscript } from './snapshot.ts';
import { texts } from './texts.ts';

/** What a step of a drag adds to a weight, and one of an arrow key. */
const steps = { drag: 0.05, key: 0.1 };

export function NeuronFormula({
  snapshot,
  chosen,
  onChange,
}: {
  readonly snapshot: Snapshot;
  readonly chosen: Neuron;
  readonly onChange: (parameter: Parameter, value: number) => void;
}) {
  const { layer: l, unit } = chosen;
  const layer = snapshot.layers[l];
  const name = nameOf(snapshot, chosen);
  const inputs = inputsOf(snapshot, l);
  const scrub = (input: number | null, value: number, label: string) => (
    <Dragged
      value={value}
      label={label}
      testId={input === null ? 'bias' : `weight-${input}`}
      onChange={(next) => onChange({ layer: l, unit, input }, next)}
    />
  );
  return (
    <section class="formula" data-testid="formula">
      <h2>{say(texts.neuron(name))}</h2>
      <p class="number sum">
        z = {layer.weights[unit].map((_, i) => `w${subscript(i + 1)}·${inputs[i].name}`).join(' + ')} + b ={' '}
        <strong>{formatNumber(layer.sums[unit])}</strong>
        <br />
        {name} = {outputOf(snapshot, l)} ={' '}
        <strong data-testid="neuron-value">{formatNumber(layer.values[unit])}</strong>
      </p>
      <table>
        <thead>
          <tr>
            <th scope="col">{say(texts.input)}</th>
            <th scope="col">{say(texts.inputValue)}</th>
            <th scope="col">{say(texts.weight)}</th>
            <th scope="col">{say(texts.weightGradient)}</th>
          </tr>
        </thead>
        <tbody>
          {layer.weights[unit].map((weight, i) => (
            <tr key={i}>
              <td>{inputs[i].name}</td>
              <td class="number">{formatNumber(inputs[i].value)}</td>
              <td>{scrub(i, weight, say(texts.weightOf(inputs[i].name)))}</td>
              <td class="number">{formatNumber(layer.weightGradients[unit][i])}</td>
            </tr>
          ))}
          <tr>
            <td>{say(texts.bias)} b</td>
            <td class="number">1</td>
            <td>{scrub(null, layer.bias[unit], say(texts.bias))}</td>
            <td class="number">{formatNumber(layer.biasGradients[unit])}</td>
          </tr>
        </tbody>
      </table>
    </section>
  );
}

/** A number in a line of text that follows the hand. While it is held it shows what was asked for. */
function Dragged({
  value,
  label,
  testId,
  onChange,
}: {
  readonly value: number;
  readonly label: string;
  readonly testId: string;
  readonly onChange: (value: number) => void;
}) {
  const [held, setHeld] = useState<number | null>(null);
  const { onPointerUp, onPointerCancel, ...scrub } = useScrub({ value, step: steps.drag }, (next) => {
    setHeld(next);
    onChange(next);
  });
  const release = () => {
    onPointerUp();
    setHeld(null);
  };
  return (
    <span
      {...scrub}
      onPointerUp={release}
      onPointerCancel={release}
      class="scrub number dragged"
      role="spinbutton"
      tabIndex={0}
      aria-label={label}
      aria-valuenow={Number.isFinite(value) ? value : 0}
      aria-valuetext={formatNumber(value)}
      data-testid={testId}
      onKeyDown={(event) => {
        const keys = stepsOfKey(event);
        if (keys === 0) return;
        event.preventDefault();
        onChange(stepped({ value, step: steps.key }, keys));
      }}
    >
      {formatNumber(held ?? value)}
    </span>
  );
}

/** What a layer is given at the marked point, by name. */
function inputsOf(snapshot: Snapshot, layer: number) {
  if (layer > 0) {
    return snapshot.layers[layer - 1].values.map((value, unit) => ({
      name: nameOf(snapshot, { layer: layer - 1, unit }),
      value,
    }));
  }
  return snapshot.probe.map((value, i) => ({ name: inputName(snapshot, i), value }));
}

/** The activation of a layer as it is written after its sum z. */
function outputOf({ kind, layers, made }: Snapshot, layer: number): string {
  const isLast = layer === layers.length - 1;
  const outer = isLast
    ? { binary: 'sigmoid', classes: 'softmax', value: 'identity' }[kind]
    : made.layers[layer].activation;
  const normalized = { none: 'z', batch: 'batchNorm(z)', layer: 'layerNorm(z)' }[
    isLast ? 'none' : made.normalization
  ];
  if (outer === 'identity') return normalized;
  return `${outer}(${outer === 'softmax' ? `z₁ … z${subscript(layers[layer].units)}` : normalized})`;
}
