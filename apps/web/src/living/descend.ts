/** A formula learns by gradient descent on some of its variables, and has a slope in any direction. */
import { formula, gradients, jvp } from '@ag/graph';
import { type Tensor, tensor } from '@ag/tensor';
import { leavesOf, resultOf } from './study.ts';

/** Where a descent was at one time. */
export interface Moment {
  readonly loss: number;
  /** Every variable as it would be typed. */
  readonly values: Readonly<Record<string, string>>;
}

/**
 * Takes steps x ← x − rate · ∂f/∂x.
 *
 * @param learned names of the variables that move
 * @returns the start and each step; it ends early where the value is no number any more
 */
export async function descend(
  text: string,
  values: ReadonlyMap<string, string>,
  learned: readonly string[],
  rate: number,
  count: number,
): Promise<readonly Moment[]> {
  const parsed = formula(text);
  let leaves = leavesOf(parsed, values);
  const moving = parsed.names.filter((name) => learned.includes(name));
  const moments: Moment[] = [];
  for (let step = 0; step <= count; step++) {
    const loss = resultOf(parsed, leaves);
    const slopes = gradients(
      loss,
      moving.map((name) => leaves[name]),
    );
    moments.push({ loss: await loss.item(), values: await textsOf(leaves) });
    if (!Number.isFinite(moments[step].loss)) break;
    const moved: [string, Tensor][] = [];
    for (const [i, name] of moving.entries())
      moved.push([name, await at(leaves[name].sub(slopes[i].mul(rate)))]);
    leaves = { ...leaves, ...Object.fromEntries(moved) };
  }
  return moments;
}

/** The value as a leaf of its own, which remembers nothing of where it came from. */
async function at(x: Tensor): Promise<Tensor> {
  return tensor(await x.data(), { shape: x.shape, dtype: 'float64' });
}

async function textsOf(leaves: Readonly<Record<string, Tensor>>): Promise<Readonly<Record<string, string>>> {
  const texts = Object.entries(leaves).map(
    async ([name, leaf]) => [name, JSON.stringify(await leaf.toArray())] as const,
  );
  return Object.fromEntries(await Promise.all(texts));
}

/** How a formula changes in a direction of the plane of two variables. */
export interface Slope {
  /** ∂f/∂a and ∂f/∂b. */
  readonly partials: readonly [number, number];
  /** The derivative along the unit vector of the direction. */
  readonly along: number;
}

/** @param direction of any length but 0, in the plane of the two variables, which are scalars */
export async function slope(
  text: string,
  values: ReadonlyMap<string, string>,
  [a, b]: readonly [string, string],
  direction: readonly [number, number],
): Promise<Slope> {
  const parsed = formula(text);
  const leaves = leavesOf(parsed, values);
  const f = (x: Tensor, y: Tensor) => resultOf(parsed, { ...leaves, [a]: x, [b]: y });
  const unit = tensor([...direction], { dtype: 'float64' });
  const [u, v] = await unit.div(unit.square().sum().sqrt()).data();
  const scalar = (value: number) => tensor(value, { dtype: 'float64' });
  const [, along] = jvp(f, [leaves[a], leaves[b]], [scalar(u), scalar(v)]);
  const [x, y] = gradients(f(leaves[a], leaves[b]), [leaves[a], leaves[b]]);
  return { partials: [await x.item(), await y.item()], along: await along.item() };
}
