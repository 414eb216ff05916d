/**
 * The text of docs/gradients.md. A test says when the page is stale.
 */
import { type GradientCase, gradientGroups, withoutGradient } from '@ag/tensor/testing';

/** Backends on which the tests run every case. */
const backends = ['reference', 'wasm'] as const;

/** The page as Markdown. */
export function gradientDocument(): string {
  const all = Object.values(gradientGroups).flat();
  const operations = new Set(all.map(({ operation }) => operation));
  const lines = [
    '# Gradients',
    '',
    '<!-- Generated from packages/tensor/src/testing; do not edit: npm run generate. -->',
    '',
    `Every differentiable operation of \`@ag/tensor\`: ${operations.size} operations, ${all.length} cases. Each case is checked in`,
    'float64 against finite differences: order 1 element by element, each higher order as the difference of the analytic order',
    'below it along random directions. The same cases run on every backend; `agrad gradcheck` runs them on yours, and',
    'mutated rules (a sign flipped, a term or factor dropped, the derivative of a rule missing) are noticed by',
    '`packages/graph/src/mutation.test.ts`.',
    '',
    'A check mark means: all cases of the operation pass at that order. An operation with a kink is checked beside it to order 2;',
    'what counts as the derivative at the kink stands under *Conventions*.',
    '',
  ];
  for (const [group, cases] of Object.entries(gradientGroups)) {
    lines.push(`## ${group}`, '');
    lines.push(
      `| operation | ${backends.flatMap((name) => [1, 2, 3].map((order) => `${name} ${order}`)).join(' | ')} | cases |`,
    );
    lines.push(`|---|${backends.flatMap(() => ['---', '---', '---']).join('|')}|---|`);
    for (const [operation, own] of byOperation(cases)) {
      const highest = Math.max(...own.map(({ order }) => order));
      const marks = backends.flatMap(() => [1, 2, 3].map((order) => (order <= highest ? '✓' : '')));
      const variants = own.map((one) =>
        highest === 3 && one.order < 3 && !one.expected ? `${one.variant} (to ${one.order})` : one.variant,
      );
      lines.push(`| \`${operation}\` | ${marks.join(' | ')} | ${variants.join('; ')} |`);
    }
    lines.push('');
  }
  lines.push(
    '## Conventions',
    '',
    'The gradient where the function has a kink, a tie or an infinite slope. There is no NaN where a finite choice exists.',
    '',
  );
  lines.push('| operation | where | at | gradient of the sum of the result |', '|---|---|---|---|');
  for (const one of all.filter(({ expected }) => expected)) {
    const at = one.inputs().map((x) => list([...x.dataSync()]));
    lines.push(
      `| \`${one.operation}\` | ${one.variant} | ${at.join(', ')} | ${one.expected!.map(list).join(', ')} |`,
    );
  }
  lines.push(
    '',
    '## Without a gradient',
    '',
    'Functions whose results do not vary continuously: they count as constants.',
    '',
    '| function | result |',
    '|---|---|',
  );
  for (const [name, reason] of Object.entries(withoutGradient)) lines.push(`| \`${name}\` | ${reason} |`);
  lines.push(
    '',
    'Random draws (`uniform`, `normal`, `bernoulli`, …) have no inputs to differentiate by; `normal([n]).mul(std).add(mean)` is differentiable by',
    '`mean` and `std`.',
    '',
  );
  return lines.join('\n');
}

function byOperation(cases: readonly GradientCase[]): Map<string, GradientCase[]> {
  const found = new Map<string, GradientCase[]>();
  for (const one of cases) found.set(one.operation, [...(found.get(one.operation) ?? []), one]);
  return found;
}

function list(x: readonly number[]): string {
  return `(${x.map((item) => String(Number(item.toPrecision(4)))).join(', ')})`;
}
