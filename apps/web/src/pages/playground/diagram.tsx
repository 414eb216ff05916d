/**
 * The network as a picture: a small map for each neuron, a line for each weight.
 *
 * A line or the small square of a neuron, its bias, is dragged to change the number; a neuron under the pointer grows.
 */
import { useMemo, useRef, useState } from 'preact/hooks';
import { formatNumber } from '../../components/numbers.ts';
import { stepped } from '../../components/scrub.ts';
import { language, say } from '../../shell/language.ts';
import { resolution } from './config.ts';
import { colorOf, Heat } from './heat.tsx';
import { inputName, type Neuron, nameOf, type Parameter, type Snapshot } from './snapshot.ts';
import { texts } from './texts.ts';

interface Properties {
  readonly snapshot: Snapshot;
  /** What the lines show. */
  readonly edges: 'value' | 'gradient';
  readonly chosen: Neuron;
  readonly onChoose: (neuron: Neuron) => void;
  readonly onChange: (parameter: Parameter, value: number) => void;
}

const rowHeight = 52;
/** What a pixel of a drag adds to a number. */
const perPixel = 0.02;

/** Where neurons are: columns in per cent of the width, rows in pixels. */
function placesOf(snapshot: Snapshot) {
  const columns = [snapshot.inputs.length / resolution ** 2, ...snapshot.layers.map(({ units }) => units)];
  const height = rowHeight * Math.max(...columns);
  return {
    columns,
    height,
    across: (column: number) => (100 * column) / (columns.length - 1),
    down: (column: number, row: number) => height / 2 + rowHeight * (row - (columns[column] - 1) / 2),
  };
}

export function Diagram({ snapshot, edges, chosen, onChoose, onChange }: Properties) {
  const grip = useRef<{ at: Parameter; x: number; y: number; from: number } | null>(null);
  /** The number that is pointed at, and what it is dragged to. */
  const [touched, setTouched] = useState<{ at: Parameter; held: number | null } | null>(null);
  const numberAt = ({ layer, unit, input }: Parameter): number | undefined =>
    input === null ? snapshot.layers[layer]?.bias[unit] : snapshot.layers[layer]?.weights[unit]?.[input];
  const parameterAt = (event: PointerEvent): Parameter | null => {
    const found = (event.target as Element).closest<SVGElement>('[data-parameter]')?.dataset.parameter;
    if (!found) return null;
    const [layer, unit, input] = found.split(' ');
    return { layer: Number(layer), unit: Number(unit), input: input === 'bias' ? null : Number(input) };
  };
  const { height, across, down } = placesOf(snapshot);
  // Not drawn anew for a pointer that moves over it.
  const drawing = useMemo(
    () => <Drawing snapshot={snapshot} edges={edges} chosen={chosen} onChoose={onChoose} />,
    [snapshot, edges, chosen.layer, chosen.unit, language.value],
  );
  const shown = touched && numberAt(touched.at);
  return (
    <div
      class="diagram"
      style={{ height: `${height}px` }}
      data-testid="diagram"
      onPointerDown={(event) => {
        const at = parameterAt(event);
        const from = at && numberAt(at);
        if (!at || from === undefined || from === null || event.button !== 0) return;
        event.preventDefault();
        event.currentTarget.setPointerCapture(event.pointerId);
        grip.current = { at, x: event.clientX, y: event.clientY, from };
        setTouched({ at, held: from });
        onChoose({ layer: at.layer, unit: at.unit });
      }}
      onPointerMove={(event) => {
        if (!grip.current) {
          const at = parameterAt(event);
          if (
            at?.layer !== touched?.at.layer ||
            at?.unit !== touched?.at.unit ||
            at?.input !== touched?.at.input
          )
            setTouched(at && { at, held: null });
          return;
        }
        const { at, x, y, from } = grip.current;
        const held = stepped({ value: from, step: perPixel }, event.clientX - x - (event.clientY - y));
        setTouched({ at, held });
        onChange(at, held);
      }}
      onPointerUp={() => {
        grip.current = null;
        setTouched(null);
      }}
      onPointerCancel={() => {
        grip.current = null;
        setTouched(null);
      }}
      onPointerLeave={() => grip.current === null && setTouched(null)}
    >
      <div class="places">
        {drawing}
        {touched && shown !== undefined && shown !== null && (
          <span
            class="touched number"
            data-testid="touched"
            aria-hidden="true"
            style={
              touched.at.input === null
                ? {
                    left: `${across(touched.at.layer + 1)}%`,
                    top: `${down(touched.at.layer + 1, touched.at.unit) + 36}px`,
                  }
                : {
                    left: `${(across(touched.at.layer) + across(touched.at.layer + 1)) / 2}%`,
                    top: `${(down(touched.at.layer, touched.at.input) + down(touched.at.layer + 1, touched.at.unit)) / 2 - 22}px`,
                  }
            }
          >
            {say(touched.at.input === null ? texts.bias : texts.weight)} {formatNumber(touched.held ?? shown)}
          </span>
        )}
      </div>
    </div>
  );
}

/** Lines and neurons. */
function Drawing({ snapshot, edges, chosen, onChoose }: Omit<Properties, 'onChange'>) {
  const { columns, height, across, down } = placesOf(snapshot);
  return (
    <>
      <svg viewBox={`0 0 100 ${height}`} preserveAspectRatio="none" aria-hidden="true">
        {snapshot.layers.map((layer, l) => {
          const shown = edges === 'value' ? layer.weights : layer.weightGradients;
          const most = Math.max(...shown.flat().map(Math.abs).filter(Number.isFinite), 1e-12);
          return shown.map((row, to) =>
            row.map((value, from) => {
              const share = Number.isFinite(value) ? Math.abs(value) / most : 0;
              const ends = {
                x1: across(l),
                y1: down(l, from),
                x2: across(l + 1),
                y2: down(l + 1, to),
                'vector-effect': 'non-scaling-stroke',
              } as const;
              return (
                <g key={`${l}.${to}.${from}`} class="edge" data-parameter={`${l} ${to} ${from}`}>
                  <line {...ends} class="reach" />
                  <line
                    {...ends}
                    stroke={colorOf(value)}
                    stroke-width={0.6 + 5 * share}
                    stroke-opacity={0.25 + 0.75 * share}
                    stroke-dasharray={value < 0 ? '5 3' : undefined}
                  />
                </g>
              );
            }),
          );
        })}
      </svg>
      {columns.map((units, column) =>
        Array.from({ length: units }, (_, unit) => {
          const layer = snapshot.layers[column - 1];
          const place = { left: `${across(column)}%`, top: `${down(column, unit)}px` };
          const flip = snapshot.kind === 'binary' && column === columns.length - 1;
          const middle = flip || snapshot.made.layers[column - 1]?.activation === 'sigmoid' ? 0.5 : 0;
          const heat = (
            <Heat
              values={layer ? layer.outputs : snapshot.inputs}
              units={units}
              unit={unit}
              resolution={resolution}
              middle={middle}
              flip={flip}
            />
          );
          const key = `${column}.${unit}`;
          if (!layer) {
            const name = inputName(snapshot, unit);
            return (
              <span class="neuron" key={key} style={place} title={name}>
                {heat}
                <span class="name">{name}</span>
              </span>
            );
          }
          const name = nameOf(snapshot, { layer: column - 1, unit });
          return (
            <span class="cell" key={key} style={place}>
              <button
                type="button"
                class="neuron"
                data-testid={`neuron-${column - 1}-${unit}`}
                aria-pressed={chosen.layer === column - 1 && chosen.unit === unit}
                aria-label={say(texts.neuronAt(name, layer.values[unit].toPrecision(3)))}
                onClick={() => onChoose({ layer: column - 1, unit })}
              >
                {heat}
                {column === columns.length - 1 && <span class="name">{name}</span>}
              </button>
              <span
                class="bias"
                data-parameter={`${column - 1} ${unit} bias`}
                style={{ background: colorOf(layer.bias[unit]) }}
              />
            </span>
          );
        }),
      )}
    </>
  );
}
