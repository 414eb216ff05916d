/** Pictures at the size that a network takes. */

/** A picture as RGBA. */
export interface ImageDataLike {
  readonly width: number;
  readonly height: number;
  readonly data: ArrayLike<number>;
}

/**
 * Resamples by a triangle filter, as wide as a pixel of the smaller picture: bilinear where it grows, and without aliasing where it
 * shrinks, as Pillow's BILINEAR does.
 */
export function resizeImage(image: ImageDataLike, width: number, height: number): ImageDataLike {
  if (image.width === width && image.height === height) return image;
  const across = weightsFor(image.width, width);
  const down = weightsFor(image.height, height);
  const rows = new Float64Array(4 * width * image.height);
  for (let y = 0; y < image.height; y++) {
    for (let x = 0; x < width; x++) {
      const { from, weights } = across[x];
      for (let c = 0; c < 4; c++) {
        let sum = 0;
        for (let k = 0; k < weights.length; k++)
          sum += weights[k] * image.data[4 * (y * image.width + from + k) + c];
        rows[4 * (y * width + x) + c] = sum;
      }
    }
  }
  const data = new Uint8ClampedArray(4 * width * height);
  for (let y = 0; y < height; y++) {
    const { from, weights } = down[y];
    for (let i = 0; i < 4 * width; i++) {
      let sum = 0;
      for (let k = 0; k < weights.length; k++) sum += weights[k] * rows[4 * width * (from + k) + i];
      data[4 * width * y + i] = Math.round(sum);
    }
  }
  return { width, height, data };
}

/** Of each new position the old ones that it is made of. */
function weightsFor(
  before: number,
  after: number,
): { readonly from: number; readonly weights: readonly number[] }[] {
  const scale = before / after;
  const reach = Math.max(1, scale);
  return Array.from({ length: after }, (_, i) => {
    const center = (i + 0.5) * scale;
    const from = Math.max(0, Math.floor(center - reach + 0.5));
    const to = Math.min(before, Math.floor(center + reach + 0.5));
    const raw = Array.from({ length: to - from }, (_, k) =>
      Math.max(0, 1 - Math.abs((from + k + 0.5 - center) / reach)),
    );
    const sum = raw.reduce((total, weight) => total + weight, 0);
    return { from, weights: raw.map((weight) => weight / sum) };
  });
}
