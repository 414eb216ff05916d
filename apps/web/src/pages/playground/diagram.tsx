/** The network as a picture: a small map for each neuron, a line for each weight. */
import { say } from '../../shell/language.ts';
import { resolution } from './config.ts';
import { colorOf, Heat } from './heat.tsx';
import { type Neuron, nameOf, type Snapshot, subscript } from './snapshot.ts';
import { texts } from './texts.ts';

interface Properties {
  readonly snapshot: Snapshot;
  /** Of the hidden layers. */
  readonly activations: readonly string[];
  /** What the lines show. */
  readonly edges: 'value' | 'gradient';
  readonly chosen: Neuron;
  readonly onChoose: (neuron: Neuron) => void;
}

const rowHeight = 52;

export function Diagram({ snapshot, activations, edges, chosen, onChoose }: Properties) {
  const columns = [2, ...snapshot.layers.map((layer) => layer.units)];
  const height = rowHeight * Math.max(...columns);
  const across = (column: number) => (100 * (column + 0.5)) / columns.length;
  const down = (column: number, row: number) => height / 2 + rowHeight * (row - (columns[column] - 1) / 2);
  return (
    <div class="diagram" style={{ height: `${height}px` }} data-testid="diagram">
      <svg viewBox={`0 0 100 ${height}`} preserveAspectRatio="none" aria-hidden="true">
        {snapshot.layers.map((layer, l) => {
          const shown = edges === 'value' ? layer.weights : layer.weightGradients;
          const most = Math.max(...shown.flat().map(Math.abs).filter(Number.isFinite), 1e-12);
          return shown.map((row, to) =>
            row.map((value, from) => {
              const share = Number.isFinite(value) ? Math.abs(value) / most : 0;
              return (
                <line
                  key={`${l}.${to}.${from}`}
                  x1={across(l)}
                  y1={down(l, from)}
                  x2={across(l + 1)}
                  y2={down(l + 1, to)}
                  stroke={colorOf(value)}
                  stroke-width={0.6 + 5 * share}
                  stroke-opacity={0.25 + 0.75 * share}
                  stroke-dasharray={value < 0 ? '5 3' : undefined}
                  vector-effect="non-scaling-stroke"
                />
              );
            }),
          );
        })}
      </svg>
      {columns.map((units, column) =>
        Array.from({ length: units }, (_, unit) => {
          const layer = snapshot.layers[column - 1];
          const values = layer ? layer.outputs : snapshot.inputs;
          const place = {
            left: `${across(column)}%`,
            top: `${down(column, unit)}px`,
          };
          const flip = snapshot.kind === 'binary' && column === columns.length - 1;
          const middle = flip || activations[column - 1] === 'sigmoid' ? 0.5 : 0;
          const heat = (
            <Heat
              values={values}
              units={units}
              unit={unit}
              resolution={resolution}
              middle={middle}
              flip={flip}
            />
          );
          const key = `${column}.${unit}`;
          if (!layer) {
            return (
              <span class="neuron" key={key} style={place} title={`x${unit + 1}`}>
                {heat}
                <span class="name">x{subscript(unit + 1)}</span>
              </span>
            );
          }
          const name = nameOf(snapshot, { layer: column - 1, unit });
          const value = layer.values[unit];
          return (
            <button
              type="button"
              class="neuron"
              key={key}
              style={place}
              data-testid={`neuron-${column - 1}-${unit}`}
              aria-pressed={chosen.layer === column - 1 && chosen.unit === unit}
              aria-label={say(texts.neuronAt(name, value.toPrecision(3)))}
              onClick={() => onChoose({ layer: column - 1, unit })}
            >
              {heat}
              {column === columns.length - 1 && <span class="name">{name}</span>}
            </button>
          );
        }),
      )}
    </div>
  );
}
