import { describe, expect, it } from 'vitest';
import { type Element, parse, pathPoints } from '../test/parse.ts';
import { collapseGraph, topologicalOrder } from './graphCollapse.ts';
import { type GraphData, type GraphNode, valueLines } from './graphData.ts';
import { graphView } from './graphView.ts';

/** (x + y) · z at (−2, 5, −4): the example of Stanford's CS231n notes on backpropagation, with its numbers. */
const lesson: GraphData = {
  nodes: [
    { id: 'x', label: 'x', kind: 'input', value: -2, gradient: -4 },
    { id: 'y', label: 'y', kind: 'input', value: 5, gradient: -4 },
    { id: 'z', label: 'z', kind: 'input', value: -4, gradient: 3 },
    { id: 'q', label: 'add', op: 'add', value: 3, gradient: -4 },
    { id: 'f', label: 'mul', op: 'mul', value: -12, gradient: 1 },
  ],
  edges: [
    { from: 'x', to: 'q' },
    { from: 'y', to: 'q' },
    { from: 'q', to: 'f' },
    { from: 'z', to: 'f' },
  ],
};

function strip(graph: GraphData, change: (node: GraphNode) => Partial<GraphNode>): GraphData {
  return { ...graph, nodes: graph.nodes.map((node) => ({ ...node, ...change(node) })) };
}

/** The texts of one class on the wire that leaves a node. */
function written(svg: Element, from: string, name: 'ag-value' | 'ag-gradient'): string[] {
  return svg
    .all('g', { class: 'ag-edge', 'data-from': from })
    .flatMap((edge) => edge.all('g', { class: name }).map((g) => g.text));
}

function box(svg: Element, id: string): { x: number; y: number } {
  const rect = svg.one('g', { class: 'ag-node', 'data-node': id }).one('rect');
  return { x: rect.number('x') + rect.number('width') / 2, y: rect.number('y') + rect.number('height') / 2 };
}

describe('graphView', () => {
  const svg = parse(graphView(lesson, { theme: 'light' }));

  it('writes the value above and the gradient below each wire, the output included', () => {
    const expected = { x: ['−2', '−4'], y: ['5', '−4'], z: ['−4', '3'], q: ['3', '−4'], f: ['−12', '1'] };
    for (const [id, [value, gradient]] of Object.entries(expected)) {
      expect(written(svg, id, 'ag-value')).toEqual([value]);
      expect(written(svg, id, 'ag-gradient')).toEqual([gradient]);
      const edge = svg.one('g', { class: 'ag-edge', 'data-from': id });
      const [above, below] = edge.all('text').map((text) => text.number('y'));
      expect(above).toBeLessThan(below);
    }
  });

  it('writes the label of an edge above its value', () => {
    const edges = lesson.edges.map((edge) => (edge.from === 'q' ? { ...edge, label: 'reshape 1×1' } : edge));
    for (const orientation of ['horizontal', 'vertical'] as const) {
      const wire = parse(graphView({ ...lesson, edges }, { orientation })).one('g', {
        class: 'ag-edge',
        'data-from': 'q',
      });
      expect(wire.all('text').map(({ text }) => text)).toEqual(['reshape 1×1', '3', '−4']);
      const heights = wire.all('text').map((text) => text.number('y'));
      expect(heights).toEqual([...heights].sort((a, b) => a - b));
    }
  });

  it('begins wires at the box, however wide what is written below it', () => {
    const shared = parse(
      graphView({
        nodes: [
          { id: 'x', label: 'x', value: [1, 2, 0.5], gradient: [0.2312, -0.3715, 0.1402], shape: [3] },
          { id: 'a', label: 'exp', op: 'exp', value: 1, gradient: 1 },
          { id: 'b', label: 'sin', op: 'sin', value: 1, gradient: 1 },
        ],
        edges: [
          { from: 'x', to: 'a', gradient: [0.2, 0.6, 0.1] },
          { from: 'x', to: 'b', gradient: [0, -1, 0] },
        ],
      }),
    );
    const rect = shared.one('g', { class: 'ag-node', 'data-node': 'x' }).one('rect');
    const right = rect.number('x') + rect.number('width');
    for (const edge of shared.all('g', { class: 'ag-edge', 'data-from': 'x' })) {
      expect(pathPoints(edge.one('path').attributes.d)[0][0]).toBeCloseTo(right, 0);
    }
  });

  it('puts the first argument on top, in whatever order the nodes are given', () => {
    const { nodes, edges } = lesson;
    for (const given of [
      nodes,
      [...nodes].reverse(),
      [...nodes.slice(1), nodes[0]],
      [...nodes.slice(2), ...nodes.slice(0, 2)],
    ]) {
      const drawn = parse(graphView({ nodes: given, edges }));
      const heights = ['x', 'y', 'z'].map((id) => box(drawn, id).y);
      expect(heights).toEqual([...heights].sort((a, b) => a - b));
    }
  });

  it('runs from left to right, first argument on top, and wires end at their boxes', () => {
    const at = Object.fromEntries(['x', 'y', 'z', 'q', 'f'].map((id) => [id, box(svg, id)]));
    expect(at.x.x).toBeLessThan(at.q.x);
    expect(at.q.x).toBeLessThan(at.f.x);
    expect(at.x.y).toBeLessThan(at.y.y);
    expect(at.q.y).toBeLessThan(at.z.y);
    const rect = svg.one('g', { class: 'ag-node', 'data-node': 'f' }).one('rect');
    const wire = svg.one('g', { class: 'ag-edge', 'data-from': 'f' }).one('path').attributes.d;
    expect(pathPoints(wire)[0][0]).toBeCloseTo(rect.number('x') + rect.number('width'), 0);
  });

  it('runs from top to bottom when asked', () => {
    const vertical = parse(graphView(lesson, { orientation: 'vertical' }));
    expect(box(vertical, 'x').y).toBeLessThan(box(vertical, 'q').y);
    expect(box(vertical, 'q').y).toBeLessThan(box(vertical, 'f').y);
  });

  it.each([[undefined], [null]])('shows a dash, never 0, for a gradient that is %s', (gradient) => {
    const before = parse(graphView(strip(lesson, () => ({ gradient }))));
    expect(before.all('g', { class: 'ag-gradient' }).map((g) => g.text)).toEqual(Array(5).fill('—'));
    expect(before.one('desc').text).toContain('x = −2, gradient not computed');
    const zero = parse(graphView(strip(lesson, () => ({ gradient: 0 }))));
    expect(written(zero, 'x', 'ag-gradient')).toEqual(['0']);
  });

  it('hides values, gradients, or both where none are known', () => {
    const hidden = parse(graphView(lesson, { values: false }));
    expect(hidden.all('g', { class: 'ag-value' })).toHaveLength(0);
    expect(hidden.all('g', { class: 'ag-gradient' })).toHaveLength(5);
    const bare = parse(graphView(strip(lesson, () => ({ value: undefined, gradient: undefined }))));
    expect(bare.all('g', { class: 'ag-value' })).toHaveLength(0);
    expect(bare.all('g', { class: 'ag-gradient' })).toHaveLength(0);
  });

  it('shows parts of a gradient on the wires and their sum at a node that is used twice', () => {
    // y = x² + 2x at 3: the parts are 2x = 6 and 2, the sum is 8.
    const nodes = [
      { id: 'x', label: 'x', value: 3, gradient: 8 },
      { id: 's', label: 'square', op: 'square', value: 9, gradient: 1 },
      { id: 'd', label: 'double', op: 'double', value: 6, gradient: 1 },
    ];
    const edges = [
      { from: 'x', to: 's', gradient: 6 },
      { from: 'x', to: 'd', gradient: 2 },
    ];
    const parts = parse(graphView({ nodes, edges }));
    expect(written(parts, 'x', 'ag-gradient')).toEqual(['6', '2']);
    const node = (tree: Element) => tree.one('g', { class: 'ag-node', 'data-node': 'x' });
    expect(node(parts).one('g', { class: 'ag-gradient' }).text).toBe('Σ 8');
    const total = parse(graphView({ nodes, edges: edges.map(({ from, to }) => ({ from, to })) }));
    expect(written(total, 'x', 'ag-gradient')).toEqual([]);
    expect(node(total).one('g', { class: 'ag-gradient' }).text).toBe('8');
  });

  it('keeps both wires of x · x', () => {
    const nodes = [
      { id: 'x', label: 'x' },
      { id: 'y', label: 'mul', op: 'mul' },
    ];
    const edges = [
      { from: 'x', to: 'y', index: 0 },
      { from: 'x', to: 'y', index: 1 },
    ];
    expect(parse(graphView({ nodes, edges })).all('g', { class: 'ag-edge' })).toHaveLength(2);
  });

  it('emphasizes the given nodes', () => {
    const marked = parse(graphView(lesson, { highlight: ['q', 'f'] }));
    const width = (id: string) => marked.one('g', { 'data-node': id }).one('rect').number('stroke-width');
    expect([width('q'), width('f')]).toEqual([3, 3]);
    expect(width('z')).toBeLessThan(3);
    expect(marked.one('g', { 'data-from': 'q', 'data-to': 'f' }).one('path').number('stroke-width')).toBe(
      2.5,
    );
  });

  it('scales into a given width', () => {
    const small = parse(graphView(lesson, { width: 200 }));
    expect(small.attributes.width).toBe('200');
    const scale = Number(/scale\(([\d.]+)\)/.exec(small.all('g')[0].attributes.transform)?.[1]);
    expect(scale).toBeGreaterThan(0.3);
    expect(scale).toBeLessThan(1);
  });

  it('shows an empty graph and a single node', () => {
    expect(parse(graphView({ nodes: [], edges: [] })).text).toContain('No data');
    expect(
      parse(graphView({ nodes: [{ id: 'a', label: 'a' }], edges: [] })).all('g', { class: 'ag-node' }),
    ).toHaveLength(1);
  });

  it('names what is wrong with a graph', () => {
    expect(() => graphView({ nodes: [], edges: [{ from: 'a', to: 'b' }] })).toThrow(
      'the edge from "a" to "b" refers to "a", which is not among the nodes',
    );
    const node = { id: 'a', label: 'a' };
    expect(() => graphView({ nodes: [node, node], edges: [] })).toThrow('two nodes have the id "a"');
  });
});

describe('names', () => {
  it('writes a matrix product as its sign, however the operation behind it is called', () => {
    const graph = { nodes: [{ id: 'p', label: 'matmul', op: 'contract' }], edges: [] };
    expect(parse(graphView(graph)).one('g', { class: 'ag-node' }).one('text').text).toBe('@');
  });

  it.each(['constructor', '__proto__', 'toString', 'hasOwnProperty'])('shows %s as any other', (name) => {
    const graph = {
      nodes: [
        { id: name, label: name, module: name, value: 1 },
        { id: 'y', label: name, op: name, value: 2 },
      ],
      edges: [{ from: name, to: 'y' }],
    };
    const svg = parse(graphView(graph));
    const texts = svg.all('g', { class: 'ag-node' }).map((node) => node.one('text').text);
    expect(texts).toEqual([name, name]);
    expect(graphView(graph, { expand: [name], collapse: [name], highlight: [name] })).toContain(name);
  });
});

describe('large graphs', () => {
  /** `layers` modules of `heads` modules of `size` nodes in a row. */
  function stack(layers: number, heads: number, size: number): GraphData {
    const nodes: GraphNode[] = [];
    const edges: { from: string; to: string }[] = [];
    for (let l = 0; l < layers; l++) {
      for (let h = 0; h < heads; h++) {
        for (let k = 0; k < size; k++) {
          const id = `${l}/${h}/${k}`;
          nodes.push({ id, label: 'add', op: 'add', module: `net.layer${l}.head${h}` });
          if (k > 0) edges.push({ from: `${l}/${h}/${k - 1}`, to: id });
          else if (l > 0) edges.push({ from: `${l - 1}/${h}/${size - 1}`, to: id });
        }
      }
    }
    return { nodes, edges };
  }
  const graph = stack(20, 10, 50);
  const modules = (svg: string) =>
    parse(svg)
      .all('g', { class: 'ag-group' })
      .map((group) => group.attributes['data-module']);

  it('collapses 10,000 nodes into their layers', () => {
    const svg = graphView(graph);
    expect(modules(svg).sort()).toEqual(Array.from({ length: 20 }, (_, i) => `net.layer${i}`).sort());
    expect(parse(svg).all('g', { class: 'ag-edge' })).toHaveLength(19);
    expect(parse(svg).one('desc').text).toContain('10000 nodes');
  });

  it('opens the modules that are asked for, and closes others', () => {
    const opened = modules(graphView(graph, { expand: ['net.layer3'] }));
    expect(opened.filter((path) => path.startsWith('net.layer3.'))).toHaveLength(10);
    expect(opened).not.toContain('net.layer3');
    expect(opened).toHaveLength(29);
    expect(modules(graphView(graph, { collapse: ['net'] }))).toEqual(['net']);
  });

  it('gathers a long chain without modules into stretches whose edges only run forward', () => {
    const nodes = Array.from({ length: 10_000 }, (_, i) => ({ id: `n${i}`, label: 'add', op: 'add' }));
    const edges = nodes.slice(1).map((node, i) => ({ from: `n${i}`, to: node.id }));
    const collapsed = collapseGraph(
      { nodes: [...nodes].reverse(), edges },
      { maxNodes: 100, expand: [], collapse: [] },
    );
    expect(collapsed.boxes).toHaveLength(50);
    expect(collapsed.edges).toHaveLength(49);
    const sizes = collapsed.boxes.map((one) => ('group' in one ? one.group.nodes : 1));
    expect(sizes).toEqual(Array(50).fill(200));
    // A module that is not there opens nothing, least of all everything.
    expect(modules(graphView({ nodes, edges }, { expand: ['net'] })).length).toBeLessThan(100);
  });
});

describe('topologicalOrder', () => {
  it('puts inputs first, whatever the order of the data', () => {
    const order = topologicalOrder({ nodes: [...lesson.nodes].reverse(), edges: lesson.edges });
    for (const { from, to } of lesson.edges) expect(order.indexOf(from)).toBeLessThan(order.indexOf(to));
  });

  it('survives 100,000 nodes in a row, and a cycle', () => {
    const nodes = Array.from({ length: 100_000 }, (_, i) => ({ id: String(i), label: '' }));
    const edges = nodes.slice(1).map((node, i) => ({ from: String(i), to: node.id }));
    expect(topologicalOrder({ nodes, edges })[99_999]).toBe('99999');
    const loop = {
      nodes: nodes.slice(0, 2),
      edges: [
        { from: '0', to: '1' },
        { from: '1', to: '0' },
      ],
    };
    expect(topologicalOrder(loop)).toEqual(['0', '1']);
  });
});

describe('valueLines', () => {
  it.each([
    [undefined, undefined, ['—']],
    [0.73105858, [], ['0.7311']],
    [[0.2, 0.4], [2], ['[0.2, 0.4]']],
    [
      [
        [0.1, 0.5],
        [-0.3, 0.8],
      ],
      [2, 2],
      ['[0.1, 0.5]', '[−0.3, 0.8]'],
    ],
    [Float64Array.of(1, 2, 3, 4), [2, 2], ['[1, 2]', '[3, 4]']],
    [new Float32Array(100), [10, 10], ['[10×10]']],
    [new Float32Array(100), undefined, ['[100]']],
    [[], [0], ['[]']],
    [true, undefined, ['true']],
    ['as it is', undefined, ['as it is']],
  ])('%j of shape %j', (value, shape, lines) => {
    expect(valueLines(value, shape, 4)).toEqual(lines);
  });
});
