/**
 * Makes the polynomial coefficients of `src/arithmetic/mathF32.ts`: `node scripts/minimax.mjs`.
 *
 * The Remez exchange algorithm (E. Remez, 1934): find the polynomial whose weighted error reaches its extreme at one point
 * more than it has coefficients, with alternating signs. Everything in float64, ample for float32 functions.
 */

/** Solves a dense linear system by elimination with partial pivoting. */
function solve(matrix, right) {
  const n = right.length;
  const a = matrix.map((row, i) => [...row, right[i]]);
  for (let i = 0; i < n; i++) {
    let pivot = i;
    for (let r = i + 1; r < n; r++) if (Math.abs(a[r][i]) > Math.abs(a[pivot][i])) pivot = r;
    [a[i], a[pivot]] = [a[pivot], a[i]];
    for (let r = 0; r < n; r++) {
      if (r === i) continue;
      const factor = a[r][i] / a[i][i];
      for (let c = i; c <= n; c++) a[r][c] -= factor * a[i][c];
    }
  }
  return a.map((row, i) => row[n] / row[i]);
}

const evaluate = (coefficients, x) => coefficients.reduceRight((sum, c) => sum * x + c, 0);

/** Coefficients c₀ … c_degree that minimize the largest |weight(x)·(f(x) − P(x))| over [low, high]. */
function minimax(f, weight, low, high, degree) {
  const count = degree + 2;
  let points = Array.from(
    { length: count },
    (_, i) => (low + high) / 2 - ((high - low) / 2) * Math.cos((Math.PI * (i + 0.5)) / count),
  );
  let coefficients = [];
  let worst = 0;
  for (let round = 0; round < 40; round++) {
    const matrix = points.map((x, i) => [
      ...Array.from({ length: degree + 1 }, (_, k) => x ** k),
      (i % 2 ? -1 : 1) / weight(x),
    ]);
    coefficients = solve(matrix, points.map(f)).slice(0, -1);
    const error = (x) => weight(x) * (f(x) - evaluate(coefficients, x));
    const extremes = [];
    const grid = 20000;
    worst = 0;
    for (let i = 0; i <= grid; i++) {
      const x = low + ((high - low) * i) / grid;
      const e = error(x);
      worst = Math.max(worst, Math.abs(e));
      const last = extremes[extremes.length - 1];
      if (last && Math.sign(last.e) === Math.sign(e)) {
        if (Math.abs(e) > Math.abs(last.e)) extremes[extremes.length - 1] = { x, e };
      } else extremes.push({ x, e });
    }
    while (extremes.length > count) {
      if (Math.abs(extremes[0].e) < Math.abs(extremes[extremes.length - 1].e)) extremes.shift();
      else extremes.pop();
    }
    if (extremes.length < count) break;
    points = extremes.map((extreme) => extreme.x);
  }
  return { coefficients, worst };
}

/** f from its Taylor series where cancellation would spoil the closed form. */
const series =
  (term, n = 40) =>
  (x) => {
    let sum = 0;
    for (let k = n; k >= 0; k--) sum = sum * x + term(k);
    return sum;
  };
const factorial = (n) => (n < 2 ? 1 : n * factorial(n - 1));

/** erf by its Maclaurin series, good to 1e-15 below 3; erfc beyond by its continued fraction (Abramowitz & Stegun 7.1.14). */
function erfc(x) {
  if (x < 2) {
    let term = x;
    let sum = x;
    for (let k = 1; k < 80; k++) {
      term *= (-x * x) / k;
      sum += term / (2 * k + 1);
    }
    return 1 - (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = 0;
  for (let k = 120; k > 0; k--) fraction = k / 2 / (x + fraction);
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / (x + fraction);
}
const erfOverX = series((k) => ((2 / Math.sqrt(Math.PI)) * (-1) ** k) / (factorial(k) * (2 * k + 1)));
const log1pCubed = (f) =>
  Math.abs(f) < 0.05 ? series((k) => (-1) ** k / (k + 3))(f) : (Math.log1p(f) - f + (f * f) / 2) / f ** 3;
const arcsine = series(
  (k) => factorial(2 * (k + 1)) / (4 ** (k + 1) * factorial(k + 1) ** 2 * (2 * (k + 1) + 1)),
  60,
);
const halfLog2 = Math.LN2 / 2 + 1e-4;
const quarterPi = Math.PI / 4 + 1e-4;

const wanted = {
  // e^r = 1 + r + r²·P(r)
  exp: [series((k) => 1 / factorial(k + 2)), (r) => Math.max(r * r, 1e-4), -halfLog2, halfLog2, 4],
  // e^r − 1 = r + r²·P(r)
  expm1: [series((k) => 1 / factorial(k + 2)), (r) => Math.max(Math.abs(r), 1e-3), -halfLog2, halfLog2, 5],
  // log(1 + f) = f − f²/2 + f³·P(f)
  log: [log1pCubed, (f) => Math.max(f * f, 1e-4), Math.SQRT1_2 - 1 - 1e-4, Math.SQRT2 - 1 + 1e-4, 8],
  // erf(x) = x·P(x²), below 1
  erfSmall: [erfOverX, () => 1, 0, 1, 6],
  // 1 − erf(x) = e^−P(x), from 1 to 4
  erfLarge: [(x) => -Math.log(erfc(x)), (x) => erfc(x), 1, 4, 6],
  // sin r = r + r³·P(r²), cos r = 1 − r²/2 + r⁴·P(r²)
  sin: [series((k) => (-1) ** (k + 1) / factorial(2 * k + 3)), (s) => Math.max(s, 1e-4), 0, quarterPi ** 2, 2],
  cos: [series((k) => (-1) ** k / factorial(2 * k + 4)), (s) => Math.max(s * s, 1e-4), 0, quarterPi ** 2, 2],
  // atan t = t + t³·P(t²), below 1
  atan: [
    (s) => (s < 1e-2 ? series((k) => (-1) ** (k + 1) / (2 * k + 3))(s) : (Math.atan(Math.sqrt(s)) / Math.sqrt(s) - 1) / s),
    (s) => Math.max(s, 1e-3),
    0,
    1,
    8,
  ],
  // asin x = x + x³·P(x²), below 1/2
  asin: [arcsine, (s) => Math.max(s, 1e-3), 0, 0.25, 4],
  // sinh x = x + x³·P(x²), below 1
  sinh: [series((k) => 1 / factorial(2 * k + 3), 20), (s) => Math.max(s, 1e-3), 0, 1, 3],
  // log₂((1 + s)/(1 − s)) = s·P(s²)
  log2: [series((k) => 2 / ((2 * k + 1) * Math.LN2)), () => 1, 0, 0.0296, 4],
  // 2^r = P(r)
  exp2: [(r) => 2 ** r, (r) => 2 ** -r, -0.5, 0.5, 7],
}; // biome-ignore format: a table

for (const [name, [f, weight, low, high, degree]] of Object.entries(wanted)) {
  const { coefficients, worst } = minimax(f, weight, low, high, degree);
  const digits = name === 'log2' || name === 'exp2' ? 17 : 10;
  console.log(`  /** weighted error ${worst.toExponential(1)} */`);
  console.log(`  ${name}: [${coefficients.map((c) => Number(c.toPrecision(digits))).join(', ')}],`);
}
