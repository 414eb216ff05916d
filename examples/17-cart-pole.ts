/**
 * Learning from rewards alone (REINFORCE, Williams 1992): a cart must balance a pole, one push left or right at a time,
 * one point for every step. Nobody says which push was right. So: try, and make pushes that were followed by more points
 * than usual likelier. The loss is −advantage · log probability; its gradient is that of the expected reward.
 *
 *     npm run ts -- examples/17-cart-pole.ts [picture.svg]
 */
import { writeFileSync } from 'node:fs';
import { backward, compile } from '@ag/graph';
import { linear, sequential, tanh } from '@ag/nn';
import { adam } from '@ag/optim';
import { categorical, manualSeed, oneHot, type Tensor, tensor, uniform } from '@ag/tensor';
import { lineChart } from '@ag/viz';

manualSeed(17);
const [carts, limit, rounds] = [16, 200, process.env.AG_EXAMPLE === 'full' ? 120 : 40];

/** Position, speed, angle, angular speed 0.02 s later: the equations of Barto, Sutton, Anderson (1983), no friction. */
function push([x, v, angle, spin]: number[], force: number): number[] {
  const [cartMass, poleMass, halfLength, dt] = [1, 0.1, 0.5, 0.02];
  const [sin, cos, mass] = [Math.sin(angle), Math.cos(angle), cartMass + poleMass];
  const pull = (force + poleMass * halfLength * spin ** 2 * sin) / mass;
  const spinUp = (9.8 * sin - cos * pull) / (halfLength * (4 / 3 - (poleMass * cos ** 2) / mass));
  const speedUp = pull - (poleMass * halfLength * spinUp * cos) / mass;
  return [x + dt * v, v + dt * speedUp, angle + dt * spin, spin + dt * spinUp];
}
const fallen = ([x, , angle]: number[]) => Math.abs(x) > 2.4 || Math.abs(angle) > Math.PI / 15;

const policy = sequential(linear(4, 32), tanh(), linear(32, 2));
const choose = compile((states: Tensor) => categorical(policy.forward(states)));
const optimizer = adam(policy.parameters(), { learningRate: 0.02 });
const learn = compile((states: Tensor, actions: Tensor, advantages: Tensor) => {
  const chosen = policy.forward(states).logSoftmax().mul(oneHot(actions, 2)).sum(1);
  backward(chosen.mul(advantages).mean().neg());
  optimizer.step();
  return [];
});

const scores: number[] = [];
for (let round = 1; round <= rounds; round++) {
  // One round of all carts at once; those that have fallen stay where they are and do not count.
  const states = new Float32Array(limit * carts * 4);
  const actions = new Int32Array(limit * carts);
  const lengths = new Array<number>(carts).fill(0);
  let now = (await uniform([carts, 4], { low: -0.05, high: 0.05 }).toArray()) as number[][];
  for (let t = 0; t < limit && now.some((state) => !fallen(state)); t++) {
    const actual = await choose(tensor(now)).data();
    states.set(now.flat(), t * carts * 4);
    actions.set(actual, t * carts);
    for (let i = 0; i < carts; i++) if (!fallen(now[i])) lengths[i]++;
    now = now.map((state, i) => (fallen(state) ? state : push(state, actual[i] === 1 ? 10 : -10)));
  }
  // The points still to come (later ones count less), against what is usual in this round; 0 after the fall.
  const discount = 0.97;
  const togo = Array.from(
    actions,
    (_, i) => 1 - discount ** Math.max(0, lengths[i % carts] - Math.floor(i / carts)),
  );
  const counted = togo.filter((points) => points > 0);
  const mean = counted.reduce((a, b) => a + b) / counted.length;
  const deviation = Math.sqrt(
    counted.reduce((sum, points) => sum + (points - mean) ** 2, 0) / counted.length,
  );
  const advantages = togo.map((points) => (points > 0 ? (points - mean) / (deviation + 1e-6) : 0));
  learn(tensor(states, { shape: [limit * carts, 4] }), tensor(actions), tensor(advantages));
  scores.push(lengths.reduce((a, b) => a + b) / carts);
  if (round % 5 === 0 || round === 1)
    console.log(`round ${round}: the pole stood ${scores.at(-1)!.toFixed(1)} steps`);
}
const last = scores.slice(-5).reduce((a, b) => a + b) / 5;
console.log(
  `first round ${scores[0].toFixed(1)} steps, mean of the last five ${last.toFixed(1)} of at most ${limit}`,
);

if (process.argv[2]) {
  writeFileSync(
    process.argv[2],
    lineChart([{ name: 'steps', y: scores }], { title: 'Cart and pole', xLabel: 'round' }),
  );
}
