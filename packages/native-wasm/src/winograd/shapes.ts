/**
 * Which contractions are convolutions that minimal filtering computes, and how their images lie.
 *
 * A convolution arrives as a contraction over windows, which are strides: moving a window and moving within it are the same step. From that it is
 * known again, whatever operation it came from. What decides whether it is worth it are sizes, so the same launch is computed
 * in the same way everywhere.
 */
import type { ContractKernel, Launch, Operand } from '@ag/tensor';
import { points } from './points.ts';

/** Images as tiles go over them; steps in bytes. */
export interface Images {
  readonly operand: Operand;
  readonly exampleStep: number;
  readonly channelStep: number;
  readonly rowStep: number;
}

/** A convolution of stride 1. */
export interface Convolution {
  /** Taps of a filter along each axis. */
  readonly taps: number;
  /** Outputs of a tile along each axis, or in a gradient of filters how many it takes. */
  readonly size: number;
  readonly examples: number;
  /** Height and width of outputs. */
  readonly height: number;
  readonly width: number;
  readonly tileRows: number;
  readonly tileColumns: number;
  readonly channels: number;
  readonly filters: number;
  readonly images: Images;
  /** In a gradient of filters, what comes from the outputs. */
  readonly outputs: Images | null;
  /** Position of the axes of examples, or −1, and of rows in the sizes of the launch. */
  readonly exampleAxis: number;
  readonly rowAxis: number;
}

const bytes = 4;

/** The convolution that a launch is, if it is one that is computed by tiles. */
export function convolutionOf(launch: Launch): Convolution | null {
  const { kernel, dims, operands } = launch;
  if (kernel.form !== 'contract' || kernel.dtype !== 'float32') return null;
  const { batchRank, mRank, nRank, kRank } = kernel as ContractKernel;
  if (batchRank !== 0 || mRank !== 1) return null;
  const [a, b] = operands;
  const gradient = nRank === 3 && (kRank === 2 || dims[2] === dims[3]) && isWindow(dims, 2);
  const forward = kRank === 3 && nRank >= 2 && isWindow(dims, nRank + 2);
  const k = b.strides.slice(0, kRank);
  const n = b.strides.slice(kRank);
  // The last two axes of one group move windows, those of the other move within them.
  const [ky, kx] = k.slice(-2);
  const [ny, nx] = n.slice(-2);
  if (ky !== ny || kx !== 1 || nx !== 1) return null;
  const images = (
    operand: Operand,
    many: boolean,
    example: number,
    channel: number,
    row: number,
  ): Images => ({
    operand,
    exampleStep: many ? bytes * example : 0,
    channelStep: bytes * channel,
    rowStep: bytes * row,
  });
  if (forward && !(gradient && dims[nRank] < dims[nRank + 3])) {
    const many = nRank === 3;
    return tiled(dims, {
      taps: dims[nRank + 2],
      channels: dims[nRank + 1],
      images: images(b, many, n[0], k[0], ky),
      outputs: null,
      exampleAxis: many ? 1 : -1,
      rowAxis: nRank - 1,
    });
  }
  if (
    !gradient ||
    !operands.slice(2).every(({ strides }) => isEven(strides, dims[2])) ||
    kRank < 2 ||
    kRank > 3 ||
    a.strides[kRank] !== 1
  )
    return null;
  const many = kRank === 3;
  return tiled(dims, {
    taps: dims[2],
    channels: dims[1],
    images: images(b, many, k[0], n[0], ky),
    outputs: images(a, many, a.strides[1], a.strides[0], a.strides[kRank - 1]),
    exampleAxis: many ? 4 : -1,
    rowAxis: dims.length - 2,
  });
}

/** Whether the elements of filters, channel after channel, are evenly apart in an operand of the epilogue. */
function isEven([, channel, row, column]: readonly number[], taps: number): boolean {
  return row === taps * column && channel === taps * row;
}

/** Whether two axes of the launch are those of windows that tiles know. */
function isWindow(dims: readonly number[], at: number): boolean {
  return dims[at] === dims[at + 1] && (dims[at] === 3 || dims[at] === 5);
}

function tiled(
  dims: readonly number[],
  given: Pick<Convolution, 'taps' | 'channels' | 'images' | 'outputs' | 'exampleAxis' | 'rowAxis'>,
): Convolution | null {
  const { taps, exampleAxis, rowAxis } = given;
  const size = points + 1 - taps;
  const [height, width] = dims.slice(rowAxis);
  const whole = {
    ...given,
    size,
    examples: exampleAxis < 0 ? 1 : dims[exampleAxis],
    height,
    width,
    tileRows: Math.ceil(height / size),
    tileColumns: Math.ceil(width / size),
    filters: dims[0],
  };
  return isWorthIt(whole) ? whole : null;
}

/** Whether fewer products make up for the transformations, by counting both. */
function isWorthIt(convolution: Convolution): boolean {
  const { channels, filters, examples, height, width, tileRows, tileColumns, taps, size } = convolution;
  const tiles = examples * tileRows * tileColumns;
  const direct = examples * height * width * taps ** 2 * channels * filters;
  const products = tiles * points ** 2 * channels * filters;
  // Measured in products; those of a transformation are read and written.
  const transformed = tiles * (channels + filters) * 360 + channels * filters * 800;
  return (
    channels >= 8 &&
    filters >= 8 &&
    channels <= 512 &&
    filters <= 512 &&
    1.25 * products + transformed < direct &&
    size > 0
  );
}
