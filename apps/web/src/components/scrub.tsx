/**
 * A number that is dragged to change it: sideways with a pointer or a finger, or by arrow keys.
 *
 * While it is held it shows what was asked for; otherwise what has become of it.
 */
import { useRef, useState } from 'preact/hooks';
import { formatNumber } from './numbers.ts';
import './figures.css';

interface Properties {
  readonly value: number;
  /** What it is, for whoever does not see it. */
  readonly label: string;
  readonly onChange: (value: number) => void;
  /** What a pixel of a drag adds; an arrow key adds ten of them. */
  readonly step?: number;
  readonly 'data-testid'?: string;
}

/** Arrow keys, in tens of steps. */
const keys: Readonly<Record<string, number>> = {
  ArrowUp: 1,
  ArrowRight: 1,
  ArrowDown: -1,
  ArrowLeft: -1,
  PageUp: 10,
  PageDown: -10,
};

/** The number nearest to a value that is written with few digits, so that what is shown is what is meant. */
export function rounded(value: number, step: number): number {
  return Number((Math.round(value / step) * step).toPrecision(12));
}

export function Scrub({ value, label, onChange, step = 0.01, ...attributes }: Properties) {
  const grip = useRef<{ x: number; from: number } | null>(null);
  const [held, setHeld] = useState<number | null>(null);
  const shown = held ?? value;
  const release = () => {
    grip.current = null;
    setHeld(null);
  };
  return (
    <span
      {...attributes}
      class="scrub number"
      role="spinbutton"
      tabIndex={0}
      aria-label={label}
      aria-valuenow={Number.isFinite(shown) ? shown : 0}
      aria-valuetext={formatNumber(shown)}
      onKeyDown={(event) => {
        const tens = keys[event.key];
        if (tens === undefined) return;
        event.preventDefault();
        onChange(rounded(value + 10 * tens * step * (event.shiftKey ? 10 : 1), step));
      }}
      onPointerDown={(event) => {
        if (event.button !== 0 || !Number.isFinite(value)) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        grip.current = { x: event.clientX, from: value };
        setHeld(value);
      }}
      onPointerMove={(event) => {
        if (!grip.current) return;
        const next = rounded(grip.current.from + (event.clientX - grip.current.x) * step, step);
        setHeld(next);
        onChange(next);
      }}
      onPointerUp={release}
      onPointerCancel={release}
    >
      {formatNumber(shown)}
    </span>
  );
}
