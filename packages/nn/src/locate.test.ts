/** Errors name the module, what it was given, and the user's line. Paths and lines are written down by hand. */
import { compile, grad } from '@ag/graph';
import { type Tensor, tensor, zeros } from '@ag/tensor';
import { expect, it } from 'vitest';
import { relu } from './activations.ts';
import { linear } from './linear.ts';
import { Module } from './module.ts';
import { gru } from './recurrent.ts';
import { residual, sequential } from './sequential.ts';
import { transformerEncoderLayer } from './transformer.ts';

function failure(work: () => unknown): Error & { code?: string } {
  try {
    work();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}

/** The line of this file that calls it, as stacks say it. */
function lineHere(offset: number): string {
  const frame = (new Error().stack ?? '')
    .split('\n')
    .find((one) => /locate\.test\.ts/.test(one) && !/lineHere/.test(one));
  return `locate.test.ts:${Number(/:(\d+):\d+\)?$/.exec(frame ?? '')?.[1]) + offset}:`;
}

it('names the path, the layer, what it was given, the remedy and the line', () => {
  const model = sequential(linear(784, 128), relu(), linear(100 as number, 10));
  const error = failure(() => model.forward(zeros([32, 784])));
  const line = lineHere(-1);
  expect(error).toBeInstanceOf(RangeError);
  expect(error.code).toBe('AG_SHAPE_MISMATCH');
  const [what, where, from] = error.message.split('\n');
  expect(what).toBe(
    'linear: expects 100 features along the last axis, got [32, 128]; either it should be linear(128, 10), or what comes before it should give 100',
  );
  expect(where).toBe('  in model.2: linear(100, 10), given [32, 128] float32');
  expect(from).toContain(line);
});

it('keeps the stack, with the message that was completed', () => {
  const error = failure(() => sequential(linear(2 as number, 3)).forward(zeros([1, 4])));
  expect(error.stack).toContain(error.message);
  expect(error.stack).toMatch(
    /checkLastAxis[\s\S]*Linear\.forward[\s\S]*Sequential\.forward[\s\S]*locate\.test\.ts/,
  );
  // Not what made the error.
  expect(error.stack).not.toMatch(/shapeError|codedError/);
});

class Block extends Module {
  readonly first = linear(4, 4);
  readonly rest = [relu(), sequential(linear(4, 8), relu(), linear(7 as number, 2))];
  override forward(x: Tensor): Tensor {
    return (this.rest[1] as Module).forward(this.first.forward(x));
  }
}

it('goes through modules of the user, arrays and shortcuts', () => {
  const model = sequential(linear(3, 4), residual(new Block()), relu());
  const { message } = failure(() => model.forward(zeros([5, 3])));
  expect(message).toContain('\n  in model.1.body.rest.1.2: linear(7, 2), given [5, 8] float32\n');
});

class Product extends Module {
  readonly weight = zeros([3, 3]);
  override forward(x: Tensor, scale?: Tensor): Tensor {
    return x.matmul(this.weight).mul(scale ?? 1);
  }
}

it('names the module of the user whose own operation fails, and the line in it', () => {
  const { message } = failure(() => sequential(relu(), new Product()).forward(zeros([5, 4])));
  expect(message).toContain('matmul: inner sizes differ: [5, 4] · [3, 3]');
  expect(message).toContain('\n  in model.1: Product(), given [5, 4] float32\n');
  expect(message).toMatch(/called from Product\.forward \(.*locate\.test\.ts:\d+:\d+\)/);
  const two = failure(() => new Product().forward(zeros([5, 3]), zeros([2])));
  expect(two.message).toContain('in model: Product(), given [5, 3] float32 and [2] float32');
});

it('names the position of a plain function', () => {
  const model = sequential(linear(3, 4), (x: Tensor) => x.reshape([7]));
  const { message } = failure(() => model.forward(zeros([5, 3])));
  expect(message).toContain('reshape: [5, 4] has 20 elements and cannot become [7]');
  expect(message).toContain('in model.1: a function, given [5, 4] float32');
});

it('does so for recurrent modules and transformers', () => {
  const recurrent = failure(() =>
    sequential(relu(), gru(3, 4) as unknown as Module).forward(zeros([2, 5, 2])),
  );
  expect(recurrent.message).toMatch(
    /gru: expects \[batch, time, 3\], got \[2, 5, 2\]\n {2}in model\.1: gru\(3, 4/,
  );
  const encoder = sequential(transformerEncoderLayer(8, 2), transformerEncoderLayer(6, 2));
  const { message } = failure(() => encoder.forward(zeros([2, 5, 8])));
  expect(message).toMatch(/\n {2}in model\.1\.\w+: \w+\(.*given \[2, 5, 8\] float32/);
});

it('does so while a function is compiled or differentiated, twice too', () => {
  const model = sequential(linear(3, 4), linear(5 as number, 1));
  const where = 'in model.1: linear(5, 1), given [2, 4] float32';
  expect(failure(() => compile((x: Tensor) => model.forward(x))(zeros([2, 3]))).message).toContain(where);
  const slope = grad((x: Tensor) => model.forward(x).sum());
  expect(failure(() => slope(zeros([2, 3]))).message).toContain(where);
  expect(failure(() => grad((x: Tensor) => slope(x).sum())(zeros([2, 3]))).message).toContain(where);
});

it('does so under hooks, once, and calls them as before', () => {
  const model = sequential(linear(3, 4), linear(5 as number, 1));
  const seen: number[] = [];
  const remove = model.layers.map((layer) => (layer as Module).onForward(() => void seen.push(1)));
  const { message } = failure(() => model.forward(zeros([2, 3])));
  expect(message.match(/in model/g)).toHaveLength(1);
  expect(message).toContain('in model.1: linear(5, 1)');
  expect(seen).toEqual([1]);
  for (const undo of remove) undo();
});

it('goes through a class that calls the forward of the one it extends', () => {
  class Wider extends Product {
    override forward(x: Tensor): Tensor {
      return super.forward(x.add(0));
    }
  }
  new Product();
  const { message } = failure(() => sequential(new Wider()).forward(zeros([5, 4])));
  expect(message.match(/in model/g)).toHaveLength(1);
  expect(message).toContain('in model.0: ');
});

it('leaves errors of others alone, and what a class looks like', () => {
  class Mine extends Module {
    override forward(_x: Tensor, _y?: Tensor): Tensor {
      throw new Error('mine');
    }
  }
  expect(failure(() => sequential(new Mine()).forward(zeros([1]))).message).toBe('mine');
  expect(new Mine().forward.length).toBe(2);
  expect(Object.keys(Mine.prototype)).toEqual([]);
  class Own extends Module {
    override forward = (x: Tensor): Tensor => x.matmul(zeros([3, 3]));
  }
  expect(failure(() => sequential(new Own()).forward(zeros([1, 2]))).message).toContain(
    'in model: sequential',
  );
});

it('knows how to cure channels that come last, a missing flatten and a missing batch', () => {
  const layer = sequential(linear(12 as number, 2));
  expect(failure(() => layer.forward(zeros([5, 3, 4]))).message).toContain(
    'flatten() before it merges the axes',
  );
  expect(failure(() => layer.forward(tensor(1))).message).toContain('give it a batch, [batch, features]');
});
