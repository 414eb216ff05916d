/**
 * Draws the images of the generated `digits` set. A pen follows a skeleton whose points, shape and position vary as
 * handwriting does. Deformations act on the curve, not on the pixels, so that 12,000 images take about a second.
 *
 * Image i of a seed depends on (seed, split, i) alone.
 */
import { cosineOfTurn, sineOfTurn } from '../deterministicMath.ts';
import { permutationOf, type RandomStream, randomStream } from '../random.ts';
import { type Stroke, skeletons } from './skeletons.ts';

/** Gray images and their digits. */
export interface DrawnDigits {
  /** `count × size × size` values, 0 (paper) to 255 (ink). */
  images: Uint8Array;
  /** `count` digits, each of the ten as often as any other (to one). */
  labels: Uint8Array;
}

/**
 * How much the writing varies. Lengths are fractions of the digit's height unless they say pixels (of a 28-pixel
 * image); the values were chosen by the measurements in docs/digits.md.
 */
const variation = {
  pointJitter: 0.033,
  elastic: 0.067,
  rotationTurns: 0.042,
  shear: 0.28,
  height: [15.5, 21],
  aspect: [0.55, 1],
  shiftPixels: 1.5,
  penRadiusPixels: [0.55, 1.5],
  ink: [0.7, 1],
  noise: 0.1,
  speckleChance: 0.25,
  distractorChance: 0.3,
} as const;

/**
 * Draws `count` images.
 *
 * @param stream which of the independent sequences of the seed: one per split
 */
export function drawDigits(count: number, seed: number, stream: number, size: number): DrawnDigits {
  const images = new Uint8Array(count * size * size);
  const labels = new Uint8Array(count);
  const canvas = new Float32Array(size * size);
  for (let i = 0; i < count; i++) {
    if (i % 10 === 0) {
      labels.set(permutationOf(10, seed, stream, i / 10).subarray(0, Math.min(10, count - i)), i);
    }
    canvas.fill(0);
    drawDigit(labels[i], randomStream(seed, stream, i), canvas, size);
    develop(canvas, images, i * size * size, randomStream(seed, stream, i, 2));
  }
  return { images, labels };
}

function drawDigit(digit: number, random: RandomStream, canvas: Float32Array, size: number): void {
  const styles = skeletons[digit];
  const style = styles[random.integer(styles.length)];
  const place = placement(random, size);
  const bend = elasticField(random);
  const pen = random.uniform(...variation.penRadiusPixels) * (size / 28);
  for (const stroke of style) {
    const curve = smoothCurve(shaken(stroke, random));
    for (let p = 0; p < curve.length; p += 2) {
      bend(curve, p);
      place(curve, p);
    }
    drawCurve(curve, pen, random.uniform(-0.25, 0.25), canvas, size);
  }
  if (random.uniform() < variation.distractorChance) drawDistractor(random, pen, canvas, size);
}

/** Each point of a stroke a little off; a doubled point stays a corner. */
function shaken(stroke: Stroke, random: RandomStream): Float64Array {
  const points = new Float64Array(stroke.length);
  for (let p = 0; p < stroke.length; p += 2) {
    if (p > 0 && stroke[p] === stroke[p - 2] && stroke[p + 1] === stroke[p - 1]) {
      points[p] = points[p - 2];
      points[p + 1] = points[p - 1];
    } else {
      points[p] = stroke[p] + variation.pointJitter * random.normal();
      points[p + 1] = stroke[p + 1] + variation.pointJitter * random.normal();
    }
  }
  return points;
}

const stepsPerSpan = 5;

/** A Catmull–Rom curve through the points (Catmull, Rom 1974), as a polyline. */
function smoothCurve(points: Float64Array): Float64Array {
  const count = points.length / 2;
  const curve = new Float64Array(2 * ((count - 1) * stepsPerSpan + 1));
  let out = 0;
  for (let i = 0; i + 1 < count; i++) {
    const before = 2 * Math.max(0, i - 1);
    const after = 2 * Math.min(count - 1, i + 2);
    for (let step = 0; step < stepsPerSpan; step++) {
      const t = step / stepsPerSpan;
      const w0 = t * (-0.5 + t * (1 - 0.5 * t));
      const w1 = 1 + t * t * (-2.5 + 1.5 * t);
      const w2 = t * (0.5 + t * (2 - 1.5 * t));
      const w3 = t * t * (-0.5 + 0.5 * t);
      for (let axis = 0; axis < 2; axis++) {
        curve[out++] =
          w0 * points[before + axis] +
          w1 * points[2 * i + axis] +
          w2 * points[2 * i + 2 + axis] +
          w3 * points[after + axis];
      }
    }
  }
  curve[out] = points[points.length - 2];
  curve[out + 1] = points[points.length - 1];
  return curve;
}

/** A smooth random displacement of the unit square: a uniform cubic B-spline over a 5×5 grid of random vectors. */
function elasticField(random: RandomStream): (curve: Float64Array, p: number) => void {
  const grid = new Float64Array(50);
  for (let i = 0; i < 50; i++) grid[i] = variation.elastic * 2 * random.uniform(-1, 1);
  const weightsX = new Float64Array(4);
  const weightsY = new Float64Array(4);
  return (curve, p) => {
    const column = splineWeights(curve[p], weightsX);
    const row = splineWeights(curve[p + 1], weightsY);
    let x = 0;
    let y = 0;
    for (let j = 0; j < 4; j++) {
      for (let i = 0; i < 4; i++) {
        const weight = weightsY[j] * weightsX[i];
        const at = 2 * ((row + j) * 5 + column + i);
        x += weight * grid[at];
        y += weight * grid[at + 1];
      }
    }
    curve[p] += x;
    curve[p + 1] += y;
  };
}

/** Weights of the four grid lines around a coordinate of the unit square; returns the first line. */
function splineWeights(coordinate: number, weights: Float64Array): number {
  const position = Math.min(0.999, Math.max(0, coordinate)) * 2;
  const line = Math.floor(position);
  const t = position - line;
  const rest = 1 - t;
  weights[0] = (rest * rest * rest) / 6;
  weights[1] = (4 + t * t * (-6 + 3 * t)) / 6;
  weights[2] = (1 + t * (3 + t * (3 - 3 * t))) / 6;
  weights[3] = (t * t * t) / 6;
  return line;
}

/** Slant, turn, stretch and shift from the unit square to pixels. */
function placement(random: RandomStream, size: number): (curve: Float64Array, p: number) => void {
  const unit = size / 28;
  const height = random.uniform(...variation.height) * unit;
  const width = height * random.uniform(...variation.aspect);
  const turn = random.uniform(-1, 1) * variation.rotationTurns;
  // Handwriting leans to the right more often than to the left.
  const shear = random.uniform(-0.6, 1) * variation.shear;
  const cosine = cosineOfTurn(turn);
  const sine = sineOfTurn(turn);
  const shiftX = size / 2 + random.uniform(-1, 1) * variation.shiftPixels * unit;
  const shiftY = size / 2 + random.uniform(-1, 1) * variation.shiftPixels * unit;
  return (curve, p) => {
    const y = (curve[p + 1] - 0.5) * height;
    const x = (curve[p] - 0.5) * width - shear * y;
    curve[p] = shiftX + cosine * x - sine * y;
    curve[p + 1] = shiftY + sine * x + cosine * y;
  };
}

/** Inks every pixel near the polyline; the pen grows or shrinks by `taper` from first to last point. */
function drawCurve(
  curve: Float64Array,
  pen: number,
  taper: number,
  canvas: Float32Array,
  size: number,
): void {
  const segments = curve.length / 2 - 1;
  for (let i = 0; i < segments; i++) {
    const radius = pen * (1 + taper * ((2 * i) / segments - 1));
    drawSegment(curve[2 * i], curve[2 * i + 1], curve[2 * i + 2], curve[2 * i + 3], radius, canvas, size);
  }
}

function drawSegment(
  x0: number,
  y0: number,
  x1: number,
  y1: number,
  radius: number,
  canvas: Float32Array,
  size: number,
): void {
  const reach = radius + 0.5;
  const left = Math.max(0, Math.ceil(Math.min(x0, x1) - reach - 0.5));
  const right = Math.min(size - 1, Math.floor(Math.max(x0, x1) + reach - 0.5));
  const top = Math.max(0, Math.ceil(Math.min(y0, y1) - reach - 0.5));
  const bottom = Math.min(size - 1, Math.floor(Math.max(y0, y1) + reach - 0.5));
  const dx = x1 - x0;
  const dy = y1 - y0;
  const squared = dx * dx + dy * dy;
  const perLength = squared > 0 ? 1 / squared : 0;
  for (let row = top; row <= bottom; row++) {
    const py = row + 0.5 - y0;
    for (let column = left; column <= right; column++) {
      const px = column + 0.5 - x0;
      const along = Math.min(1, Math.max(0, (px * dx + py * dy) * perLength));
      const ex = px - along * dx;
      const ey = py - along * dy;
      // Coverage of a pixel falls from 1 to 0 over one pixel at the edge of the pen.
      const ink = reach - Math.sqrt(ex * ex + ey * ey);
      const at = row * size + column;
      if (ink > canvas[at]) canvas[at] = Math.min(ink, 1);
    }
  }
}

/** A slip of the pen: a short stroke near the edge of the paper. */
function drawDistractor(random: RandomStream, pen: number, canvas: Float32Array, size: number): void {
  const turn = random.uniform();
  const distance = random.uniform(0.36, 0.5) * size;
  const x = size / 2 + distance * cosineOfTurn(turn);
  const y = size / 2 + distance * sineOfTurn(turn);
  const direction = random.uniform();
  const length = random.uniform(0.04, 0.16) * size;
  drawSegment(
    x,
    y,
    x + length * cosineOfTurn(direction),
    y + length * sineOfTurn(direction),
    Math.min(pen, 0.9 * (size / 28)),
    canvas,
    size,
  );
}

/** Ink to gray values: the ink's darkness, and in some images grain on paper and ink. */
function develop(canvas: Float32Array, images: Uint8Array, offset: number, random: RandomStream): void {
  const darkness = random.uniform(...variation.ink);
  const grain = random.uniform() < variation.speckleChance ? random.uniform(0, variation.noise) : 0;
  if (grain === 0) {
    for (let i = 0; i < canvas.length; i++) images[offset + i] = canvas[i] * darkness * 255 + 0.5;
    return;
  }
  for (let i = 0; i < canvas.length; i += 4) {
    // Two bytes of random bits give a triangular number in (−1, 1); one draw serves two pixels.
    for (let pair = 0; pair < 4; pair += 2) {
      const bits = random.bits();
      const first = ((bits & 0xff) + ((bits >>> 8) & 0xff)) / 255 - 1;
      const second = (((bits >>> 16) & 0xff) + (bits >>> 24)) / 255 - 1;
      develop1(canvas, images, offset, i + pair, darkness, grain * first);
      develop1(canvas, images, offset, i + pair + 1, darkness, grain * second);
    }
  }
}

function develop1(
  canvas: Float32Array,
  images: Uint8Array,
  offset: number,
  at: number,
  darkness: number,
  noise: number,
): void {
  if (at < canvas.length) {
    const value = canvas[at] * darkness + noise;
    images[offset + at] = Math.min(1, Math.max(0, value)) * 255 + 0.5;
  }
}
