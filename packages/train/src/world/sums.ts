/**
 * Sums over the ranks of a world as operations of a graph: part of a step's plan, differentiable, computed exactly once.
 *
 * Many tensors go in a few buckets, each one message. While one is on its way the plan computes what does not need it, so buckets
 * are of a size that a network is good at, and in the order in which their contents are ready.
 */
import { apply, concat, type DType, type Op, sizeOf, type Tensor } from '@ag/tensor';
import { assignmentsRefused, codedError, defineCollective, dtypeError } from '@ag/tensor/engine';
import { type PendingSum, type Summable, textHash, type World } from './world.ts';

/** Bytes from which a bucket uses the line, and beyond which the first would be on its way too late. */
const bucketLimits = { least: 32 * 1024, most: 4 * 1024 * 1024 };
/** Buckets to cut small networks into, so that all but the last can hide behind the rest of the backward pass. */
const bucketCount = 4;

/** A tensor that is to be summed over the ranks, and what it is. */
export interface Summand {
  readonly name: string;
  readonly tensor: Tensor;
}

/** What came of summands. */
export interface Sums {
  /** In the order of the summands. */
  readonly tensors: Tensor[];
  /** The buckets, whole: to be tied to what belongs to them, so that they are computed with it. */
  readonly buckets: readonly Tensor[];
}

/** What a meeting is about. */
interface Topic {
  readonly what: string;
}

interface BucketTopic extends Topic {
  readonly bucket: number;
}

interface Operations {
  readonly whole: Op<Topic>;
  readonly start: Op<BucketTopic>;
  readonly finish: Op<BucketTopic>;
}

const operations = new WeakMap<World, Operations>();

/**
 * The sum of a tensor over all ranks, in the order of ranks: a tensor like any other, whose gradient is the sum of the gradients.
 * Every rank must come to it, with a tensor of the same shape.
 *
 * ```ts
 * const everywhere = sumOverRanks(counts, world); // the same numbers at all ranks
 * ```
 *
 * @param what what is summed, for messages
 * @throws TypeError for anything but floats; Error inside `vmap` and loops, whose steps other ranks do not share
 */
export function sumOverRanks(tensor: Tensor, world: World, what = 'a tensor'): Tensor {
  if (world.size === 1) return tensor;
  checkPlace(tensor.dtype);
  return apply(operationsOf(world).whole, [tensor], { what });
}

/**
 * The sums of many tensors, in buckets. Those that are ready first should come first.
 *
 * @param about what they are, for messages
 */
export function sumTogether(summands: readonly Summand[], world: World, about: string): Sums {
  if (world.size === 1) return { tensors: summands.map(({ tensor }) => tensor), buckets: [] };
  const lengths = summands.map(({ tensor }) => sizeOf(tensor.shape) * (tensor.dtype === 'float64' ? 8 : 4));
  const total = lengths.reduce((sum, bytes) => sum + bytes, 0);
  const enough = Math.min(bucketLimits.most, Math.max(bucketLimits.least, total / bucketCount));
  const contents: number[][] = [];
  const open = new Map<DType, { readonly content: number[]; bytes: number }>();
  for (const [i, { tensor }] of summands.entries()) {
    checkPlace(tensor.dtype);
    let bucket = open.get(tensor.dtype);
    if (bucket === undefined || bucket.bytes >= enough || bucket.bytes + lengths[i] > bucketLimits.most) {
      bucket = { content: [], bytes: 0 };
      contents.push(bucket.content);
      open.set(tensor.dtype, bucket);
    }
    bucket.content.push(i);
    bucket.bytes += lengths[i];
  }
  const { whole, start, finish } = operationsOf(world);
  const flat = contents.map((content) => {
    const parts = content.map((i) => summands[i].tensor.reshape([sizeOf(summands[i].tensor.shape)]));
    return parts.length === 1 ? parts[0] : concat(parts);
  });
  const whats = contents.map((content, bucket) => {
    const layout = content.map((i) => `${summands[i].name} [${summands[i].tensor.shape.join(' ')}]`).join();
    const number = contents.length === 1 ? '' : ` (${bucket + 1} of ${contents.length})`;
    return `${about}${number}: ${content.length} tensors, layout ${textHash(layout).toString(16)}`;
  });
  const buckets =
    flat.length === 1
      ? [apply(whole, flat, { what: whats[0] })]
      : flat
          .map((tensor, bucket) => apply(start, [tensor], { what: whats[bucket], bucket }))
          .map((tensor, bucket) => apply(finish, [tensor], { what: whats[bucket], bucket }));
  const tensors = new Array<Tensor>(summands.length);
  for (const [bucket, content] of contents.entries()) {
    let at = 0;
    for (const i of content) {
      const { shape } = summands[i].tensor;
      const size = sizeOf(shape);
      tensors[i] = buckets[bucket].slice(at, at + size).reshape(shape);
      at += size;
    }
  }
  return { tensors, buckets };
}

function checkPlace(dtype: DType): void {
  if (dtype !== 'float32' && dtype !== 'float64')
    throw dtypeError(`sumOverRanks: the ranks add up float32 and float64, got ${dtype}; cast it before`);
  const refusal = assignmentsRefused();
  if (refusal === null) return;
  throw codedError(
    Error,
    'AG_WRONG_TIME',
    `sumOverRanks: the ranks meet once, not for each example of vmap or each step of a loop; do it outside. (${refusal})`,
  );
}

function operationsOf(world: World): Operations {
  let known = operations.get(world);
  if (known === undefined) {
    known = makeOperations(world);
    operations.set(world, known);
  }
  return known;
}

/** Operations of their own for each world: what an operation is made with must be plain data, and a world is not. */
function makeOperations(world: World): Operations {
  const underWay: (PendingSum | undefined)[] = [];
  const whole: Operations['whole'] = defineCollective<Topic>({
    name: 'sumOverRanks',
    type: ([x]) => x,
    lower: {
      form: 'host',
      collective: 'whole',
      run:
        ({ what }) =>
        ([input], [output]) => {
          output.set(input);
          world.allReduce(output as Summable, what);
        },
    },
    // Every rank's output is made of every rank's input.
    vjp: (g, _inputs, _output, { what }) => [apply(whole, [g], { what: `gradient of ${what}` })],
  });
  return {
    whole,
    start: defineCollective<BucketTopic>({
      name: 'startReduce',
      type: ([x]) => x,
      lower: {
        form: 'host',
        collective: 'start',
        run:
          ({ what, bucket }) =>
          ([input], [output]) => {
            output.set(input);
            underWay[bucket] = world.startReduce(output as Summable, what);
          },
      },
    }),
    finish: defineCollective<BucketTopic>({
      name: 'finishReduce',
      type: ([x]) => x,
      lower: {
        form: 'host',
        collective: 'finish',
        run:
          ({ bucket }) =>
          ([input], [output]) => {
            underWay[bucket]?.finish();
            underWay[bucket] = undefined;
            output.set(input);
          },
      },
    }),
  };
}
