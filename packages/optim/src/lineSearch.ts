/**
 * A line search for the strong Wolfe conditions. It brackets and zooms (Nocedal & Wright, Numerical Optimization, 2nd
 * ed., algorithms 3.5 and 3.6).
 */

/** A function of the distance t along the direction, at one t. */
export interface Point {
  readonly t: number;
  readonly value: number;
  /** Derivative by t. */
  readonly slope: number;
}

export interface LineSearchOptions {
  /** Share of the expected decrease that must be reached (c₁). */
  readonly decrease: number;
  /** Share of the initial slope that may be left (c₂). */
  readonly curvature: number;
  /** Points to try at most. */
  readonly maximum: number;
  /** Brackets shorter than this are not divided any further. */
  readonly shortest: number;
}

/**
 * The point found, the last one evaluated or an earlier one; `start` (t = 0) if none was better.
 *
 * @param start the function at t = 0, with a negative slope
 * @param first the t tried first
 */
export async function searchLine<P extends Point>(
  evaluate: (t: number) => Promise<P>,
  start: P,
  first: number,
  options: LineSearchOptions,
): Promise<P> {
  const { decrease, curvature, maximum } = options;
  const tooHigh = (p: Point): boolean => !(p.value <= start.value + decrease * p.t * start.slope);
  const flat = (p: Point): boolean => Math.abs(p.slope) <= -curvature * start.slope;
  let previous = start;
  let current = await evaluate(first);
  let tried = 1;
  for (;;) {
    if (tooHigh(current) || (tried > 1 && current.value >= previous.value)) {
      return zoom(previous, current);
    }
    if (flat(current)) return current;
    if (current.slope >= 0) return zoom(current, previous);
    if (tried >= maximum) return current;
    // Still descending: further, to where a cubic through both points has its minimum, within bounds.
    const low = current.t + 0.01 * (current.t - previous.t);
    const high = 10 * current.t;
    const next = minimumOfCubic(previous, current, low, high);
    previous = current;
    current = await evaluate(next);
    tried++;
  }

  /** `low` satisfies the first condition and is the best such point; a good one lies between the two. */
  async function zoom(from: P, to: P): Promise<P> {
    let low = from;
    let high = to;
    let earlier = Number.POSITIVE_INFINITY;
    let last = Number.POSITIVE_INFINITY;
    while (tried < maximum && Math.abs(high.t - low.t) > options.shortest) {
      const [left, right] = low.t < high.t ? [low.t, high.t] : [high.t, low.t];
      const width = right - left;
      const margin = 0.01 * width;
      // Where two points did not shorten the bracket by a third, the middle does it (as in Moré & Thuente 1994).
      const slow = width > 0.66 * earlier;
      const t = slow ? (left + right) / 2 : minimumOfCubic(low, high, left + margin, right - margin);
      earlier = slow ? Number.POSITIVE_INFINITY : last;
      last = width;
      const point = await evaluate(t);
      tried++;
      if (tooHigh(point) || point.value >= low.value) high = point;
      else {
        if (flat(point)) return point;
        if (point.slope * (high.t - low.t) >= 0) high = low;
        low = point;
      }
    }
    return low;
  }
}

/**
 * Where the cubic with the values and slopes of two points has its minimum (equation 3.59), limited to [low, high];
 * the middle where there is none.
 */
export function minimumOfCubic(a: Point, b: Point, low: number, high: number): number {
  const [p, q] = a.t <= b.t ? [a, b] : [b, a];
  const width = q.t - p.t;
  const d1 = p.slope + q.slope - (3 * (p.value - q.value)) / (p.t - q.t);
  const square = d1 * d1 - p.slope * q.slope;
  if (!(square >= 0) || !Number.isFinite(square)) return (low + high) / 2;
  const d2 = Math.sqrt(square);
  const t = q.t - width * ((q.slope + d2 - d1) / (q.slope - p.slope + 2 * d2));
  return Number.isFinite(t) ? Math.min(Math.max(t, low), high) : (low + high) / 2;
}
