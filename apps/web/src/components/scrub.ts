/**
 * A number that follows the hand: dragged sideways by pointer or touch, or moved by the arrow keys.
 *
 * A number with a step moves by steps. One that has none and cannot be negative, such as a learning rate, grows and
 * shrinks by a share of itself, so that 0.1 and 0.0001 are as easy to reach; any other moves by its second digit.
 */
import { useRef } from 'preact/hooks';

/** What a number may be. */
export interface Range {
  readonly value: number;
  readonly min?: number;
  readonly max?: number;
  readonly step?: number | 'any';
}

/** Pixels of the screen for one step, and for ten times as much. */
const pixelsPerStep = 4;
const pixelsPerDecade = 160;

/** The number after a drag of so many pixels to the right. */
export function dragged(range: Range, pixels: number): number {
  if (isPositive(range)) return limited(range, round(range.value * 10 ** (pixels / pixelsPerDecade), 2));
  return stepped(range, Math.round(pixels / pixelsPerStep));
}

/** The number after so many steps of a key. */
export function stepped(range: Range, steps: number): number {
  const { value, step } = range;
  const unit = typeof step === 'number' ? step : unitOf(value);
  // Sums of tenths are no tenths.
  return limited(range, round(value + steps * unit, 12));
}

function isPositive({ value, min, step }: Range): boolean {
  return typeof step !== 'number' && min !== undefined && min >= 0 && value > 0;
}

/** One of the second digit: 0.1 of 2.5, 0.001 of 0.03. */
function unitOf(value: number): number {
  return value === 0 ? 0.1 : 10 ** (Math.floor(Math.log10(Math.abs(value))) - 1);
}

function round(value: number, digits: number): number {
  return Number(value.toPrecision(digits));
}

function limited({ min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY }: Range, value: number) {
  return Math.min(max, Math.max(min, value));
}

/** Pixels that a pointer may move and still click. */
const clickTolerance = 3;

/**
 * What makes an element a handle of a number: properties to spread on it. Its class should be `scrub`, or its style
 * have `touch-action: pan-y`, so that a finger that moves sideways is not taken for one that scrolls.
 */
export function useScrub(range: Range, onChange: (value: number) => void) {
  const held = useRef<{ from: Range; x: number; moved: boolean } | null>(null);
  const wasDragged = useRef(false);
  return {
    onPointerDown(event: PointerEvent) {
      wasDragged.current = false;
      if (event.button === 0 && Number.isFinite(range.value))
        held.current = { from: range, x: event.clientX, moved: false };
    },
    onPointerMove(event: PointerEvent) {
      const grip = held.current;
      if (!grip) return;
      const pixels = event.clientX - grip.x;
      if (!grip.moved && Math.abs(pixels) <= clickTolerance) return;
      if (!grip.moved) {
        grip.moved = true;
        wasDragged.current = true;
        const handle = event.currentTarget as HTMLElement;
        handle.setPointerCapture(event.pointerId);
        // Whoever drags does not type.
        handle.blur();
      }
      onChange(dragged(grip.from, pixels));
    },
    onPointerUp() {
      held.current = null;
    },
    onPointerCancel() {
      held.current = null;
    },
    /** The end of a drag is no click: it would open the field for typing. */
    onClick(event: MouseEvent) {
      if (wasDragged.current) event.preventDefault();
      wasDragged.current = false;
    },
  };
}

/** How many steps a key moves a number; 0 for other keys. */
export function stepsOfKey({ key, shiftKey }: KeyboardEvent): number {
  const many = shiftKey ? 10 : 1;
  if (key === 'ArrowUp') return many;
  if (key === 'ArrowDown') return -many;
  if (key === 'PageUp') return 10;
  return key === 'PageDown' ? -10 : 0;
}
