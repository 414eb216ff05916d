/**
 * An optimizer defined outside of the library: one class, with its state saved and loaded like that of the others.
 */
import { backward } from '@ag/graph';
import { type Tensor, tensor, Variable, zeros } from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import { Optimizer, type OptimizerOptions, type ParameterState, type Scalars, type Update } from './index.ts';

interface HeavyBallOptions extends OptimizerOptions {
  readonly momentum?: number;
}

/** v ← μ v + g, p ← p − rate · v */
class HeavyBall extends Optimizer<HeavyBallOptions> {
  override readonly type = 'heavyBall';

  protected override defaults() {
    return { momentum: 0.5 };
  }

  protected override initialState({ shape }: Variable) {
    return { velocity: zeros(shape) };
  }

  protected override update(
    value: Tensor,
    gradient: Tensor,
    { velocity }: ParameterState<Tensor>,
    { rate }: Scalars,
    { momentum }: Required<HeavyBallOptions>,
  ): Update {
    const next = velocity.mul(momentum).add(gradient);
    return { value: value.sub(next.mul(rate)), state: { velocity: next } };
  }
}

/** The same as it was written before 'initialState' and 'state' had their names. */
class FormerHeavyBall extends Optimizer {
  override readonly type = 'heavyBall';

  protected override slots({ shape }: Variable) {
    return { velocity: zeros(shape) };
  }

  protected override update(
    value: Tensor,
    gradient: Tensor,
    slots: ParameterState<Tensor>,
    { rate }: Scalars,
  ): Update {
    const velocity = slots.velocity.mul(0.5).add(gradient);
    return { value: value.sub(velocity.mul(rate)), slots: { velocity } };
  }
}

/** d/dw ½ (w − 3)² = w − 3 */
const lossOf = (w: Variable): Tensor => w.value.sub(3).square().mul(0.5).sum();

function run(optimizer: Optimizer, w: Variable, steps: number): number {
  for (let i = 0; i < steps; i++) {
    backward(lossOf(w));
    optimizer.step();
  }
  return w.value.itemSync();
}

describe('an optimizer of your own', () => {
  it('follows its formula', () => {
    // By hand, from w = 1 with rate ½: v = −2, w = 2; v = −1 − 1 = −2, w = 3; v = −1 + 0 = −1, w = 3.5.
    const w = new Variable(tensor(1));
    const optimizer = new HeavyBall([w], { learningRate: 0.5 });
    expect([1, 2, 3].map(() => run(optimizer, w, 1))).toEqual([2, 3, 3.5]);
  });

  it('takes options for each group, and undefined for the default', () => {
    const [a, b] = [new Variable(tensor(1)), new Variable(tensor(1))];
    const groups = [
      { parameters: [a], momentum: 0 },
      { parameters: [b], momentum: undefined },
    ] as const;
    const optimizer = new HeavyBall(groups as never, { learningRate: 0.5 });
    for (let i = 0; i < 2; i++) {
      backward(lossOf(a).add(lossOf(b)));
      optimizer.step();
    }
    // Without momentum: v = −2, w = 2; v = −1, w = 2.5.
    expect([a.value.itemSync(), b.value.itemSync()]).toEqual([2.5, 3]);
  });

  it.each([HeavyBall, FormerHeavyBall])('goes on from a saved state: %o', (Kind) => {
    const w = new Variable(tensor(1));
    const optimizer = new Kind([w], { learningRate: 0.5 });
    run(optimizer, w, 2);
    const copy = new Variable(w.value.detach());
    const resumed = new Kind([copy], { learningRate: 0.5 });
    resumed.loadState(optimizer.state());
    expect(Object.keys(optimizer.state().tensors)).toEqual(['0.velocity']);
    expect([run(resumed, copy, 1), run(optimizer, w, 1)]).toEqual([3.5, 3.5]);
  });
});
