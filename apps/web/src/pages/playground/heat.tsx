/** A small picture of what a neuron computes over the plane: blue above the middle, orange below. */
import { useEffect, useRef } from 'preact/hooks';

/** The two ends of the color scale; they differ for every kind of color vision. */
export const ends = { positive: [33, 102, 172], negative: [216, 112, 24] } as const;

export const colorOf = (value: number): string =>
  `rgb(${(value < 0 ? ends.negative : ends.positive).join(' ')})`;

/** The same as one number, as pixels lie in memory: red first, and no opacity yet. */
const pixelOf = ([red, green, blue]: readonly [number, number, number]): number =>
  red | (green << 8) | (blue << 16);
const [positive, negative] = [pixelOf(ends.positive), pixelOf(ends.negative)];

interface Properties {
  /** Values of all units, `[cells, units]`, first row at the bottom. */
  readonly values: Float32Array;
  readonly units: number;
  readonly unit: number;
  readonly resolution: number;
  /** The value that stays without color. */
  readonly middle: number;
  /** Orange above: for answers, which have the colors of the classes. */
  readonly flip?: boolean;
}

export function Heat({ values, units, unit, resolution, middle, flip = false }: Properties) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    // Kept in main memory: dozens of small pictures are slower to hand to the graphics processor than to draw.
    const context = canvas.current?.getContext('2d', { willReadFrequently: true });
    if (!context || values.length !== units * resolution ** 2) return;
    const image = context.createImageData(resolution, resolution);
    // One store for each pixel: there are tens of thousands of them for every picture of the network.
    const pixels = new Uint32Array(image.data.buffer);
    let reach = 1e-12;
    for (let i = unit; i < values.length; i += units) {
      const distance = Math.abs(values[i] - middle);
      if (distance > reach) reach = distance;
    }
    const [above, below] = flip ? [negative, positive] : [positive, negative];
    for (let row = 0, from = unit; row < resolution; row++) {
      const at = (resolution - 1 - row) * resolution;
      for (let column = 0; column < resolution; column++, from += units) {
        const value = (values[from] - middle) / reach;
        const opacity = Math.min(255, Math.abs(255 * value));
        pixels[at + column] = (value < 0 ? below : above) | (opacity << 24);
      }
    }
    context.putImageData(image, 0, 0);
  }, [values, units, unit, resolution, middle, flip]);
  return <canvas class="heat" ref={canvas} width={resolution} height={resolution} />;
}
