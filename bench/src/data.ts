/**
 * The data sets as raw files, which every participant reads the same way. MNIST and Boston housing where AG_DATA_DIR
 * has them, else stand-ins of the same size, made from the counter generator.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bostonHousing, mnist } from '@ag/datasets';
import { randomAt } from './numbers.ts';

const images = 60_000;
const pixels = 784;
const houses = 506;
const features = 13;

/** Writes the files that are missing; returns where the numbers come from. */
export async function writeData(folder: string, workloads: readonly string[]): Promise<string[]> {
  const sources: string[] = [];
  const asked = process.env.AG_DATA_DIR;
  if (workloads.some((name) => ['W4', 'W5', 'W6', 'W10'].includes(name))) {
    const found = asked === undefined ? null : await readMnist(asked);
    const { x, labels } = found ?? standInImages();
    writeFileSync(join(folder, 'mnist-images.u8'), x);
    writeFileSync(join(folder, 'mnist-labels.u8'), labels);
    sources.push(found ? 'MNIST' : 'a stand-in for MNIST');
  }
  if (workloads.includes('W3')) {
    const found = asked === undefined ? null : await readBoston(asked);
    const { x, y } = found ?? standInHouses();
    writeFileSync(join(folder, 'boston-x.f32'), x);
    writeFileSync(join(folder, 'boston-y.f32'), y);
    sources.push(found ? 'Boston housing' : 'a stand-in for Boston housing');
  }
  return sources;
}

/** Images in 0 … 1, [60000, 784], and their labels. */
export function readImages(folder: string): {
  x: Float32Array<ArrayBuffer>;
  labels: Int32Array<ArrayBuffer>;
} {
  const bytes = readFileSync(join(folder, 'mnist-images.u8'));
  const x = new Float32Array(bytes.length);
  for (let i = 0; i < x.length; i++) x[i] = bytes[i] / 255;
  return { x, labels: Int32Array.from(readFileSync(join(folder, 'mnist-labels.u8'))) };
}

/** Standardized features [506, 13] and prices [506]. */
export function readHouses(folder: string): {
  x: Float32Array<ArrayBuffer>;
  y: Float32Array<ArrayBuffer>;
} {
  // A copy starts at a multiple of four bytes, as Float32Array wants it; a small file read into a pool may not.
  const read = (name: string) => new Float32Array(Uint8Array.from(readFileSync(join(folder, name))).buffer);
  return { x: read('boston-x.f32'), y: read('boston-y.f32') };
}

async function readMnist(folder: string): Promise<{ x: Uint8Array; labels: Uint8Array } | null> {
  try {
    const { columns } = await mnist({ dataDir: folder, download: false });
    return { x: columns.x.data as Uint8Array, labels: Uint8Array.from(columns.y.data) };
  } catch {
    return null;
  }
}

async function readBoston(folder: string): Promise<{ x: Float32Array; y: Float32Array } | null> {
  if (!existsSync(folder)) return null;
  try {
    const { columns } = await bostonHousing({ dataDir: folder, download: false });
    return { x: standardized(columns.x.data), y: Float32Array.from(columns.y.data) };
  } catch {
    return null;
  }
}

/** Each column with mean 0 and (population) standard deviation 1. */
function standardized(data: ArrayLike<number>): Float32Array {
  const result = new Float32Array(data.length);
  const rows = data.length / features;
  for (let j = 0; j < features; j++) {
    let mean = 0;
    for (let i = 0; i < rows; i++) mean += data[i * features + j] / rows;
    let variance = 0;
    for (let i = 0; i < rows; i++) variance += (data[i * features + j] - mean) ** 2 / rows;
    for (let i = 0; i < rows; i++) {
      result[i * features + j] = (data[i * features + j] - mean) / Math.sqrt(variance);
    }
  }
  return result;
}

/** Ten patterns of ink with noise: something a network can learn, a fifth of it ink as in MNIST. */
function standInImages(): { x: Uint8Array; labels: Uint8Array } {
  const x = new Uint8Array(images * pixels);
  const labels = new Uint8Array(images);
  for (let i = 0; i < images; i++) {
    const label = Math.floor(10 * randomAt(1, i));
    labels[i] = label;
    for (let p = 0; p < pixels; p++) {
      const ink = randomAt(2, label * pixels + p) < 0.2;
      const noise = randomAt(3, i * pixels + p);
      if (ink ? noise < 0.7 : noise < 0.08) x[i * pixels + p] = 80 + Math.floor(176 * noise);
    }
  }
  return { x, labels };
}

function standInHouses(): { x: Float32Array; y: Float32Array } {
  const x = new Float32Array(houses * features);
  const y = new Float32Array(houses);
  for (let i = 0; i < houses; i++) {
    y[i] = 22 + randomAt(5, i);
    for (let j = 0; j < features; j++) {
      x[i * features + j] = randomAt(4, i * features + j);
      y[i] += (j - 6) * (x[i * features + j] - 0.5) * 2;
    }
  }
  return { x: standardized(x), y };
}
