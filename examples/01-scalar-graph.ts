/**
 * The smallest network there is, as a graph of scalars: one input x, a line k·x + b, a sigmoid, a squared error.
 * Shows placeholders (what is given at each run), variables (what is learned), the order in which the nodes are computed,
 * and ten steps of forward pass, backward pass and update.
 *
 *     npm run ts -- examples/01-scalar-graph.ts
 */
import { Graph, gradients, inspect, placeholder } from '@ag/graph';
import { scalar, Variable } from '@ag/tensor';

// Nodes without inputs: two that are fed, two that are trained.
const x = placeholder([], { name: 'x' });
const y = placeholder([], { name: 'y' });
const k = new Variable(scalar(0.5), { name: 'k' });
const b = new Variable(scalar(-0.3), { name: 'b' });

// Nodes that are computed: Linear → Sigmoid → Loss.
const linear = k.value.mul(x).add(b.value);
const sigmoid = linear.sigmoid();
const loss = y.sub(sigmoid).square();

// The backward pass is a graph too; the update subtracts a part of each gradient.
const [dk, db] = gradients(loss, [k, b]);
const learningRate = 0.5;
const updates = new Map([
  [k, k.value.sub(dk.mul(learningRate))],
  [b, b.value.sub(db.mul(learningRate))],
]);

// Each node after those that it is computed from.
const order = inspect(loss).nodes.map(({ kind, label }) => (kind === 'op' ? label : `${label} (${kind})`));
console.log(`topological order: ${order.join(' → ')}`);

const graph = new Graph({ inputs: [x, y], outputs: { loss, sigmoid, dk: dk, db: db }, updates });
for (let step = 1; step <= 10; step++) {
  const now = graph.run({ x: 2, y: 0.9 });
  const [l, s, gk, gb] = await Promise.all([now.loss, now.sigmoid, now.dk, now.db].map((t) => t.item()));
  const numbers = `loss ${l.toFixed(5)}  prediction ${s.toFixed(4)}  ∂loss/∂k ${gk.toFixed(4)}  ∂loss/∂b ${gb.toFixed(4)}`;
  console.log(`step ${String(step).padStart(2)}: ${numbers}`);
}
console.log(`k = ${(await k.value.item()).toFixed(4)}, b = ${(await b.value.item()).toFixed(4)}`);
