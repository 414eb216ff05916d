/** What a chosen neuron computes for the marked point, with all numbers. */
import { formatNumber } from '../../components/numbers.ts';
import { say } from '../../shell/language.ts';
import type { PlaygroundConfig } from './config.ts';
import { type Neuron, nameOf, type Snapshot, subscript } from './snapshot.ts';
import { texts } from './texts.ts';

/** A sum of more terms is folded away until it is asked for. */
const maxTerms = 4;

export function NeuronFormula({
  snapshot,
  config,
  chosen,
}: {
  readonly snapshot: Snapshot;
  readonly config: PlaygroundConfig;
  readonly chosen: Neuron;
}) {
  const { layer: l, unit } = chosen;
  const layer = snapshot.layers[l];
  const name = nameOf(snapshot, chosen);
  const inputs = inputsOf(snapshot, config, l);
  const weights = layer.weights[unit];
  const terms = weights.map((weight, i) => `${signed(weight, i > 0)}·${bracketed(inputs[i].value)}`);
  return (
    <div class="card" data-testid="formula">
      <h2>{say(texts.neuron(name))}</h2>
      <p class="number formula">
        z = {terms.length <= maxTerms && `${terms.join(' ')} ${signed(layer.bias[unit], true)} = `}
        <strong>{formatNumber(layer.sums[unit])}</strong>
        <br />
        {name} = {outputOf(snapshot, config, l)} ={' '}
        <strong data-testid="neuron-value">{formatNumber(layer.values[unit])}</strong>
      </p>
      <details open={terms.length <= maxTerms} key={`${terms.length <= maxTerms}`}>
        <summary>{say(texts.sum)}</summary>
        {terms.length > maxTerms && (
          <p class="number formula">
            z = {terms.join(' ')} {signed(layer.bias[unit], true)}
          </p>
        )}
        <div class="scroll">
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
              {weights.map((weight, i) => (
                <tr key={i}>
                  <td>{inputs[i].name}</td>
                  <td class="number">{formatNumber(inputs[i].value)}</td>
                  <td class="number">{formatNumber(weight)}</td>
                  <td class="number">{formatNumber(layer.weightGradients[unit][i])}</td>
                </tr>
              ))}
              <tr>
                <td>{say(texts.bias)}</td>
                <td class="number">1</td>
                <td class="number">{formatNumber(layer.bias[unit])}</td>
                <td class="number">{formatNumber(layer.biasGradients[unit])}</td>
              </tr>
            </tbody>
          </table>
        </div>
      </details>
      <p class="soft">{say(texts.gradientNote)}</p>
    </div>
  );
}

/** What a layer is given at the marked point, by name. */
function inputsOf(snapshot: Snapshot, config: PlaygroundConfig, layer: number) {
  if (layer > 0) {
    return snapshot.layers[layer - 1].values.map((value, unit) => ({
      name: nameOf(snapshot, { layer: layer - 1, unit }),
      value,
    }));
  }
  const letter = config.standardize ? 'x̂' : 'x';
  return snapshot.probe.map((value, i) => ({ name: `${letter}${subscript(i + 1)}`, value }));
}

/** The activation of a layer as it is written after its sum z. */
function outputOf({ kind, layers }: Snapshot, config: PlaygroundConfig, layer: number): string {
  const isLast = layer === layers.length - 1;
  const outer = isLast
    ? { binary: 'sigmoid', classes: 'softmax', value: 'identity' }[kind]
    : config.layers[layer].activation;
  if (outer === 'identity') return 'z';
  return `${outer}(${outer === 'softmax' ? `z₁ … z${subscript(layers[layer].units)}` : 'z'})`;
}

function signed(value: number, between: boolean): string {
  const text = formatNumber(value);
  if (!between) return text;
  return text.startsWith('−') ? `− ${text.slice(1)}` : `+ ${text}`;
}

function bracketed(value: number): string {
  const text = formatNumber(value);
  return text.startsWith('−') ? `(${text})` : text;
}
