/** Going over to wide vectors while a training runs: the same bits, whether it comes off or not. */
import { backward, compile } from '@ag/graph';
import { type Binding, type Executable, reference, type Tensor, tensor, use, Variable } from '@ag/tensor';
import { commitUpdates } from '@ag/tensor/engine';
import { afterAll, describe, expect, it } from 'vitest';
import { WasmBackend, wasm, wasmSupport, widening } from './index.ts';
import { WideningBackend } from './widening.ts';

const numbers = (shape: readonly number[], seed: number): Tensor =>
  tensor(
    Float32Array.from({ length: shape.reduce((n, x) => n * x, 1) }, (_, i) => Math.sin(i * 12.9898 + seed)),
    { shape },
  );

/** Losses of steps of 37-61-1 with momentum, whose state has one buffer. */
function losses(steps: number): number[] {
  const weights = [numbers([37, 61], 1), numbers([61, 1], 2)].map((x) => new Variable(x.mul(0.1)));
  const states = weights.map(
    ({ shape }) =>
      new Variable(tensor(new Float32Array(shape[0] * shape[1]), { shape }), {
        inPlace: true,
        trainable: false,
      }),
  );
  const step = compile((x: Tensor, y: Tensor) => {
    const loss = x.matmul(weights[0].value).gelu().matmul(weights[1].value).sub(y).square().mean();
    backward(loss);
    const updates = weights.flatMap((weight, i): [Variable, Tensor][] => {
      const moved = states[i].value.mul(0.9).add(weight.grad!);
      return [
        [states[i], moved],
        [weight, weight.value.sub(moved.mul(0.05))],
      ];
    });
    commitUpdates(new Map(updates));
    return loss;
  });
  const [x, y] = [numbers([50, 37], 3), numbers([50, 1], 4)];
  return Array.from({ length: steps }, () => step(x, y).itemSync());
}

const features = { relaxedSimd: false, tallTiles: false, threads: 1 };
const open: WasmBackend[] = [];
afterAll(() => {
  use(reference());
  for (const backend of open) backend.close();
});
const made = (backend: WasmBackend): WasmBackend => {
  open.push(backend);
  return backend;
};

function narrow(steps: number): number[] {
  use(made(new WasmBackend(features, 2 ** 30)));
  return losses(steps);
}

/** Computes something else as soon as vectors are paired. */
class WrongBackend extends WasmBackend {
  #wrong = false;

  override pairVectors(paired: boolean): void {
    super.pairVectors(paired);
    this.#wrong = paired;
  }

  override run(executable: Executable, bindings: readonly Binding[], scalars: Float64Array): void {
    super.run(executable, bindings, scalars);
    const memory = bindings.findLast((binding) => !ArrayBuffer.isView(binding));
    if (this.#wrong && memory) this.write(memory as never, new Float32Array([123]));
  }
}

describe('widening', () => {
  const silent = { on() {}, off() {}, check() {} };

  it('goes on with wide code in the middle of a training, with the same bits', () => {
    const expected = narrow(40);
    const compiled: boolean[] = [];
    class Noting extends WasmBackend {
      override pairVectors(paired: boolean): void {
        compiled.push(paired);
        super.pairVectors(paired);
      }
    }
    use(new WideningBackend(made(new Noting(features, 2 ** 30)), 1, silent));
    expect(losses(40)).toEqual(expected);
    expect(compiled).toEqual([true]);
  });

  it.each([
    ['the self-test fails', WasmBackend, true],
    ['a bit differs', WrongBackend, false],
  ])('stays with narrow code where %s, with what it computed', (_name, Backend, failing) => {
    const expected = narrow(40);
    let off = 0;
    const engine = {
      ...silent,
      off: () => void off++,
      check: () => {
        if (failing) throw new Error('wrong');
      },
    };
    use(new WideningBackend(made(new Backend(features, 2 ** 30)), 1, engine));
    expect(losses(40)).toEqual(expected);
    expect(off).toBe(1);
  });

  it('leaves a backend alone on engines that have no wide vectors', async () => {
    const backend = made(await wasm({ threads: 1, relaxedSimd: false }));
    expect(widening(backend)).toBe(backend);
  });

  it.skipIf(!wasmSupport().wideVectors.available)(
    'computes the same on an engine that has them',
    async () => {
      use(made(await wasm({ threads: 1 })));
      const expected = losses(300);
      use(widening(made(await wasm({ threads: 1 })), 5));
      expect(losses(300)).toEqual(expected);
    },
  );
});
