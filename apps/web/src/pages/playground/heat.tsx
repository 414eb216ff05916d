/**
 * Small pictures of what a neuron computes over the plane: blue above the middle, orange below, as the charts have it.
 */
import { useEffect, useRef } from 'preact/hooks';

/** The two ends of the colour scale; they differ for every kind of colour vision. */
export const ends = { positive: [33, 102, 172], negative: [216, 112, 24] } as const;

export const colorOf = (value: number): string =>
  `rgb(${(value < 0 ? ends.negative : ends.positive).join(' ')})`;

interface Properties {
  /** Values of all units, `[cells, units]`, first row at the bottom. */
  readonly values: Float32Array;
  readonly units: number;
  readonly unit: number;
  readonly resolution: number;
  /** The value that stays without colour. */
  readonly middle: number;
  /** Orange above: for answers, which have the colours of the classes. */
  readonly flip?: boolean;
}

export function Heat({ values, units, unit, resolution, middle, flip = false }: Properties) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    // Kept in main memory: dozens of small pictures are slower to hand to the graphics processor than to draw.
    const context = canvas.current?.getContext('2d', { willReadFrequently: true });
    if (!context || values.length !== units * resolution ** 2) return;
    const image = context.createImageData(resolution, resolution);
    let reach = 1e-12;
    for (let i = unit; i < values.length; i += units) {
      const distance = Math.abs(values[i]! - middle);
      if (distance > reach) reach = distance;
    }
    for (let row = 0; row < resolution; row++) {
      for (let column = 0; column < resolution; column++) {
        const value = (values[(row * resolution + column) * units + unit]! - middle) / reach;
        const color = value < 0 !== flip ? ends.negative : ends.positive;
        const at = 4 * ((resolution - 1 - row) * resolution + column);
        image.data.set(color, at);
        image.data[at + 3] = 255 * Math.min(1, Math.abs(value));
      }
    }
    context.putImageData(image, 0, 0);
  }, [values, units, unit, resolution, middle, flip]);
  return <canvas class="heat" ref={canvas} width={resolution} height={resolution} />;
}
