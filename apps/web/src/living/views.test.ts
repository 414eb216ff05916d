/** What is left of a graph without its views: the same values and gradients on fewer nodes. */
import { describe, expect, it } from 'vitest';
import { reveal } from './reveal.ts';
import { study } from './study.ts';
import { withoutViews } from './views.ts';

const product = (showViews: boolean) =>
  study(
    'sum((W @ x)^2)',
    new Map([
      ['W', '[[0.1, 0.5], [-0.3, 0.8]]'],
      ['x', '[0.2, 0.4]'],
    ]),
    showViews,
  );

describe('a graph without views', () => {
  it('has the product of a matrix and a vector as one node', async () => {
    const whole = await product(true);
    expect(whole.graph.nodes.map(({ label }) => label).filter((label) => label === 'reshape')).toHaveLength(
      2,
    );
    const { graph, links, forward } = await product(false);
    expect(graph.nodes.map(({ label }) => label)).toEqual(['W', 'x', 'matmul', 'square', 'sum']);
    expect(forward).toEqual([2, 3, 4]);
    expect(links).toHaveLength(5);
    expect(links[2].map(({ label }) => label)).toEqual(['W', 'x (reshape 2×1)']);
    const wire = graph.edges.find(({ label }) => label === 'reshape 2×1')!;
    expect([wire.from, wire.to]).toEqual([graph.nodes[1].id, graph.nodes[2].id]);
    // As the product gets it: a column. ∂f/∂x is Wᵀ·2Wx.
    expect(wire.value).toEqual([[0.2], [0.4]]);
    expect((wire.gradient as number[][]).flat()).toEqual([expect.closeTo(-0.112), expect.closeTo(0.636)]);
  });

  it('knows no value of a wire before the node that it comes from is computed', async () => {
    const folded = await product(false);
    const square = folded.graph.nodes[3].id;
    const into = (step: number) => reveal(folded, step).edges.find(({ to }) => to === square)!;
    expect(into(0).value).toBeNull();
    expect(into(1).value).toEqual([expect.closeTo(0.22), expect.closeTo(0.26)]);
    expect(into(1).gradient).toBeNull();
    expect(into(5).gradient).toEqual([expect.closeTo(0.44), expect.closeTo(0.52)]);
  });

  it('keeps a view that is the result, and names all that are passed in a row', () => {
    const node = (id: string, op?: string) => ({
      id,
      label: op ?? id,
      kind: op ? ('op' as const) : ('leaf' as const),
      ...(op && { op }),
      shape: [2, 3],
      dtype: 'float64',
      value: null,
      gradient: null,
    });
    const edge = (from: string, to: string) => ({ from, to, index: 0, gradient: null });
    const { nodes, edges } = withoutViews({
      nodes: [node('x'), node('a', 'reshape'), node('b', 'permute'), node('c', 'exp'), node('d', 'reshape')],
      edges: [edge('x', 'a'), edge('a', 'b'), edge('b', 'c'), edge('c', 'd')],
    });
    expect(nodes.map(({ id }) => id)).toEqual(['x', 'c', 'd']);
    expect(edges.map(({ from, to, label }) => [from, to, label])).toEqual([
      ['x', 'c', 'reshape 2×3, permute 2×3'],
      ['c', 'd', undefined],
    ]);
  });
});
