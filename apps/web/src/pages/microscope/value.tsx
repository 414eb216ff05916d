/**
 * Values of nodes as text, and Jacobians as tables.
 *
 * Long ones are folded away until they are asked for.
 */
import type { NestedArray } from '@ag/tensor';
import { formatNumber } from '../../components/numbers.ts';
import { texts as common } from '../../components/texts.ts';
import { say } from '../../shell/language.ts';

/** Arrays of more numbers are folded. */
export const maxInline = 16;
/** Arrays of more numbers are given by their shape. */
const maxNumbers = 256;

export function Value({ value }: { readonly value: NestedArray | null }) {
  const count = value === null ? 0 : countOf(value);
  if (count <= maxInline || count > maxNumbers) return <strong>{textOf(value)}</strong>;
  return (
    <details>
      <summary>{shapeText(value!)}</summary>
      <strong>{textOf(value)}</strong>
    </details>
  );
}

/** A local derivative: a number, or a matrix with a row for each element of the result. */
export function Derivative({ local }: { readonly local: NestedArray }) {
  if (!Array.isArray(local)) return <>{textOf(local)}</>;
  const rows = local as readonly (readonly number[])[];
  const columns = rows[0]?.length ?? 0;
  const most = Math.max(...rows.flat().map(Math.abs));
  if (rows.length * columns > maxNumbers) return <>{shapeText(local)}</>;
  return (
    <details open={rows.length * columns <= maxInline}>
      <summary>{say(common.matrix(rows.length, columns))}</summary>
      <div class="scroll">
        <table class="matrix">
          <thead>
            <tr>
              <td />
              {rows[0].map((_, j) => (
                <th scope="col" key={j}>
                  {j + 1}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row, i) => (
              <tr key={i}>
                <th scope="row">{i + 1}</th>
                {row.map((value, j) => (
                  <td key={j} style={tint(value, most)}>
                    {formatNumber(value)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

/** The color of a cell: blue for positive, orange for negative, as strong as it is large; words stay readable on it. */
function tint(value: number, most: number): { readonly background: string } | undefined {
  if (!Number.isFinite(value) || !Number.isFinite(most) || value === 0) return undefined;
  const share = Math.round((35 * Math.abs(value)) / most);
  return { background: `color-mix(in srgb, var(--data-${value > 0 ? 1 : 2}) ${share}%, transparent)` };
}

/** `2.5`, `[1, 2]`, or for more numbers than `most` `[8×8]`. */
export function textOf(value: NestedArray | null, most = maxNumbers): string {
  if (value === null) return '—';
  if (countOf(value) > most) return shapeText(value);
  if (Array.isArray(value)) return `[${value.map((item) => textOf(item)).join(', ')}]`;
  return typeof value === 'number' ? formatNumber(value) : String(value);
}

function shapeText(value: NestedArray): string {
  return `[${shapeOf(value).join('×')}]`;
}

function countOf(value: NestedArray): number {
  return shapeOf(value).reduce((a, b) => a * b, 1);
}

function shapeOf(value: NestedArray): number[] {
  return Array.isArray(value) ? [value.length, ...shapeOf(value[0] ?? 0)] : [];
}
