/**
 * What a chosen neuron computes for the point that is looked at, with all numbers.
 */
import { short } from '../../components/numbers.ts';
import { say } from '../../shell/language.ts';
import type { PlaygroundConfig } from './config.ts';
import { type Chosen, nameOf, subscript } from './diagram.tsx';
import type { Snapshot } from './snapshot.ts';

export function NeuronFormula({
  snapshot,
  config,
  chosen,
}: {
  readonly snapshot: Snapshot;
  readonly config: PlaygroundConfig;
  readonly chosen: Chosen;
}) {
  const { layer: l, unit } = chosen;
  const layer = snapshot.layers[l];
  const isLast = l === snapshot.layers.length - 1;
  const before = l === 0 ? snapshot.probe : snapshot.layers[l - 1].values;
  const nameBefore = (i: number) =>
    l === 0
      ? `${config.standardize ? 'x̂' : 'x'}${subscript(i + 1)}`
      : nameOf(snapshot, { layer: l - 1, unit: i });
  const name = nameOf(snapshot, chosen);
  const outer = isLast
    ? { binary: 'sigmoid', classes: 'softmax', value: '' }[snapshot.kind]
    : config.layers[l].activation;
  const weights = layer.weights[unit];
  const sum = weights.map((weight, i) => `${signed(weight, i > 0)}·${bracketed(before[i])}`).join(' ');
  const call =
    outer === '' || outer === 'identity'
      ? 'z'
      : `${outer}(${outer === 'softmax' ? `z₁ … z${subscript(layer.units)}` : 'z'})`;
  return (
    <div class="card" data-testid="formula">
      <h2>{say({ en: `Neuron ${name} at the point`, zh: `神经元 ${name} 在该点的计算` })}</h2>
      <p class="number formula">
        z = {sum} {signed(layer.bias[unit], true)} = <strong>{short(layer.sums[unit])}</strong>
        <br />
        {name} = {call} = <strong data-testid="neuron-value">{short(layer.values[unit])}</strong>
      </p>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">{say({ en: 'from', zh: '来自' })}</th>
              <th scope="col">{say({ en: 'its value', zh: '其值' })}</th>
              <th scope="col">{say({ en: 'weight', zh: '权重' })}</th>
              <th scope="col">{say({ en: '∂loss / ∂weight', zh: '∂损失/∂权重' })}</th>
            </tr>
          </thead>
          <tbody>
            {weights.map((weight, i) => (
              <tr key={i}>
                <td>{nameBefore(i)}</td>
                <td class="number">{short(before[i])}</td>
                <td class="number">{short(weight)}</td>
                <td class="number">{short(layer.weightGradients[unit][i])}</td>
              </tr>
            ))}
            <tr>
              <td>{say({ en: 'bias', zh: '偏置' })}</td>
              <td class="number">1</td>
              <td class="number">{short(layer.bias[unit])}</td>
              <td class="number">{short(layer.biasGradients[unit])}</td>
            </tr>
          </tbody>
        </table>
      </div>
      <p class="soft">
        {say({
          en: 'Gradients are those of the loss over all training points, without dropout.',
          zh: '梯度取自全部训练点上的损失（不含 dropout）。',
        })}
      </p>
    </div>
  );
}

function signed(value: number, between: boolean): string {
  const text = short(value);
  if (!between) return text;
  return text.startsWith('−') ? `− ${text.slice(1)}` : `+ ${text}`;
}

function bracketed(value: number): string {
  const text = short(value);
  return text.startsWith('−') ? `(${text})` : text;
}
