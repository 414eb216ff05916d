/** Functions of functions, as they are written and compiled: run into every failure, then on as if nothing had been. */
import {
  checkGradients,
  checkpoint,
  compile,
  customGradient,
  detectAnomaly,
  grad,
  gradients,
  hessian,
  hvp,
  jacobian,
  jvp,
  numericalGradient,
  type TensorTree,
  valueAndGrad,
  vjp,
  vmap,
} from '@ag/graph';
import { type Key, key, normal, splitKey, type Tensor, tensor, Variable } from '@ag/tensor';
import { bothWays, type Entry, spoil, type Trigger, type World } from './kit.ts';
import { matrix, named } from './matrix.ts';

const x = tensor([0.5, -1, 2]);
const v = tensor([1, 2, 3]);
const square = tensor([[1, 2, 3], [4, 5, 6]]); // biome-ignore format: a matrix

/** A function of the user's, with a failure in the middle of it. */
const inner =
  (trigger: Trigger) =>
  (a: Tensor): Tensor =>
    spoil(a.sin().mul(a), trigger).square();
const scalar =
  (trigger: Trigger) =>
  (a: Tensor): Tensor =>
    inner(trigger)(a).sum();

const works: Record<string, (own: World) => (trigger: Trigger) => TensorTree> = {
  gradients: () => (trigger) => {
    const a = x.mul(1);
    return gradients(scalar(trigger)(a), [a]);
  },
  grad: () => (trigger) => grad(scalar(trigger))(x),
  valueAndGrad: () => (trigger) => valueAndGrad(scalar(trigger))(x),
  'grad of grad': () => (trigger) => grad((a: Tensor) => grad(scalar(trigger))(a).mul(v).sum())(x),
  vjp: () => (trigger) => vjp(inner(trigger), x)[1](v),
  jvp: () => (trigger) => jvp(inner(trigger), [x], [v]),
  jacobian: () => (trigger) => jacobian(inner(trigger))(x),
  hessian: () => (trigger) => hessian(scalar(trigger))(x),
  hvp: () => (trigger) => hvp(scalar(trigger), x, v),
  vmap: () => (trigger) => vmap(inner(trigger))(square),
  'vmap of grad': () => (trigger) => vmap(grad(scalar(trigger)))(square),
  'vmap with keys': () => (trigger) =>
    vmap((a: Tensor, own: Key) => inner(trigger)(a.add(normal([3], { key: own }))))(
      square,
      splitKey(key(3), 2),
    ),
  checkpoint: (own) => {
    const weight = new Variable(tensor([1, 2, 3]), { name: 'weight' });
    return (trigger) => {
      const once = checkpoint((a: Tensor) => inner(trigger)(a.mul(weight.value)));
      return gradients(once(x).sum().add(own.net.head.bias!.value.sum()), [weight]);
    };
  },
  'customGradient, its function': () => (trigger) =>
    valueAndGrad((a: Tensor) => customGradient(inner(trigger), (g) => [g.mul(2)])(a).sum())(x),
  'customGradient, its rule': () => (trigger) =>
    grad((a: Tensor) =>
      customGradient(
        (b: Tensor) => b.mul(3),
        (g) => [spoil(g, trigger)],
      )(a).sum(),
    )(x),
  'a compiled function inside': () => (trigger) => grad((a: Tensor) => compile(scalar(trigger))(a))(x),
};

/** What reads values itself, and runs as it is written only. */
const asWritten: Record<string, Entry> = {
  checkGradients: {
    make: () => (trigger) => checkGradients((a) => spoil(a.sin(), trigger), tensor([0.3, 0.6])).errors,
  },
  numericalGradient: { make: () => (trigger) => numericalGradient(scalar(trigger), x) },
  'detectAnomaly, a failure': {
    make: (own) => (trigger) =>
      detectAnomaly(
        () => own.lossOf({ x: tensor([0, 1, 2], { dtype: 'int32' }), y: tensor([[1], [2], [3]]) }, trigger),
        {
          model: own.net,
        },
      ),
  },
  'detectAnomaly, async': {
    make: () => (trigger) => detectAnomaly(async () => inner(trigger)(x).data()),
  },
  'an argument of a compiled function': {
    make: () => {
      const step = compile((a: Tensor) => a.square().sum());
      return (trigger) => step(spoil(x, trigger));
    },
  },
};

const groups: Record<string, Record<string, Entry>> = { 'as it is written': asWritten };
for (const [name, work] of Object.entries(works)) groups[name] = bothWays(work);

matrix(named(groups), ['reference']);
