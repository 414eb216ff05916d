/** What the viewer has found: values, gradients, tensors with their distributions, differences. */
import { formatNumber } from '../../components/numbers.ts';
import { Figures, Picture } from '../../components/parts.tsx';
import { say } from '../../shell/language.ts';
import { texts } from './texts.ts';
import type { ViewerState } from './useViewer.ts';

/** Rows of a table that are shown. */
const mostRows = 300;

const list = (numbers: readonly number[], size: number): string =>
  `${numbers.map(formatNumber).join('  ')}${size > numbers.length ? ' …' : ''}`;

export function ValueView({ state: { value } }: { readonly state: ViewerState }) {
  if (!value) return null;
  return (
    <section class="card" data-testid="value">
      <h2>{say(texts.value(value.of))}</h2>
      <p class="soft">{`${value.dtype} [${value.shape.join(', ')}]`}</p>
      {value.svg && <Picture svg={value.svg} />}
      <p class="viewer-numbers">{list(value.numbers, value.size)}</p>
    </section>
  );
}

export function GradientTable({ state: { gradients } }: { readonly state: ViewerState }) {
  if (!gradients) return null;
  return (
    <section class="card" data-testid="gradients">
      <h2>{say(texts.gradientOf(gradients.what, formatNumber(gradients.of)))}</h2>
      {gradients.rows.slice(0, 40).map(({ name, shape, norm, svg, numbers, size }) => (
        <details key={name}>
          <summary>{`${name} [${shape.join(', ')}]: ${say(texts.norm)} ${formatNumber(norm)}`}</summary>
          {svg && <Picture svg={svg} />}
          <p class="viewer-numbers">{list(numbers, size)}</p>
        </details>
      ))}
    </section>
  );
}

export function TensorPanel({ state }: { readonly state: ViewerState }) {
  const { file, view } = state;
  if (!file || file.tensors.length === 0) return null;
  return (
    <section class="card">
      <h2>{say(texts.tensors)}</h2>
      <div class="columns">
        <div class="viewer-tensors" data-testid="tensors">
          <table>
            <thead>
              <tr>
                <th scope="col">{say(texts.tensor)}</th>
                <th scope="col">{say(texts.type)}</th>
                <th scope="col">{say(texts.shape)}</th>
                <th scope="col">{say(texts.elements)}</th>
              </tr>
            </thead>
            <tbody>
              {file.tensors.slice(0, mostRows).map(({ name, dtype, shape, size }) => (
                <tr key={name}>
                  <td>
                    <button type="button" class="viewer-tensor" onClick={() => void state.inspect(name)}>
                      {name}
                    </button>
                  </td>
                  <td>{dtype}</td>
                  <td>{shape.join(' × ') || '1'}</td>
                  <td class="number">{size.toLocaleString('en')}</td>
                </tr>
              ))}
            </tbody>
          </table>
          {file.tensors.length > mostRows && (
            <p class="soft">{say(texts.more(file.tensors.length - mostRows))}</p>
          )}
        </div>
        {view && (
          <div data-testid="view">
            <h3>{view.name}</h3>
            <Figures
              rows={[
                [texts.least, number(view.statistics.min)],
                [texts.most, number(view.statistics.max)],
                [texts.mean, number(view.statistics.mean)],
                [texts.deviation, number(view.statistics.std)],
                [texts.zeroCount, view.statistics.zeros.toLocaleString('en')],
                [texts.notFinite, String(view.statistics.nan + view.statistics.infinite)],
              ]}
            />
            {view.svg && <Picture svg={view.svg} />}
          </div>
        )}
      </div>
    </section>
  );
}

const number = (value: number | null): string => (value === null ? '—' : formatNumber(value));

export function Comparison({ state: { difference } }: { readonly state: ViewerState }) {
  if (!difference) return null;
  const { name, onlyFirst, onlySecond, reshaped, compared } = difference;
  const apart: (readonly [string, string])[] = [
    ...onlyFirst.map((each) => [each, say(texts.onlyHere)] as const),
    ...onlySecond.map((each) => [each, say(texts.onlyThere)] as const),
    ...reshaped.map((each) => [each, say(texts.otherShape)] as const),
  ];
  return (
    <section class="card" data-testid="difference">
      <h2>{say(texts.difference(name))}</h2>
      <div class="scroll">
        <table>
          <tbody>
            {apart.slice(0, mostRows).map(([each, what]) => (
              <tr key={`${what} ${each}`}>
                <th scope="row">{each}</th>
                <td colSpan={2}>{what}</td>
              </tr>
            ))}
            {compared.slice(0, mostRows).map((each) => (
              <tr key={each.name}>
                <th scope="row">{each.name}</th>
                <td>
                  {each.different === 0 ? say(texts.equal) : say(texts.differ(each.different, each.size))}
                </td>
                <td>{each.different === 0 ? '' : `${say(texts.largest)} ${formatNumber(each.max)}`}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
