import { key, normal, type Tensor, tensor, Variable } from '@ag/tensor';
import { graphView } from '@ag/viz';
import { describe, expect, it } from 'vitest';
import { backward, captureCreation, inspect, placeholder } from './index.ts';

/** f = (x + y)·z at (−2, 5, −4): f = −12, ∂f/∂q = z = −4 for q = x + y, ∂f/∂x = ∂f/∂y = −4, ∂f/∂z = q = 3. */
function textbook(): { x: Variable; y: Variable; z: Variable; f: Tensor } {
  const x = new Variable(tensor(-2), { name: 'x' });
  const y = new Variable(tensor(5), { name: 'y' });
  const z = new Variable(tensor(-4), { name: 'z' });
  return { x, y, z, f: x.value.add(y.value).mul(z.value) };
}

describe('inspect', () => {
  it('lists nodes, inputs first, and edges', () => {
    const { f } = textbook();
    const { nodes, edges } = inspect(f);
    expect(
      nodes.map(({ id, label, kind, op, shape, dtype, value, gradient }) => ({
        id,
        label,
        kind,
        op,
        shape,
        dtype,
        value,
        gradient,
      })),
    ).toEqual([
      {
        id: 'n0',
        label: 'x',
        kind: 'parameter',
        op: undefined,
        shape: [],
        dtype: 'float32',
        value: null,
        gradient: null,
      },
      {
        id: 'n1',
        label: 'y',
        kind: 'parameter',
        op: undefined,
        shape: [],
        dtype: 'float32',
        value: null,
        gradient: null,
      },
      {
        id: 'n2',
        label: 'add',
        kind: 'op',
        op: 'add',
        shape: [],
        dtype: 'float32',
        value: null,
        gradient: null,
      },
      {
        id: 'n3',
        label: 'z',
        kind: 'parameter',
        op: undefined,
        shape: [],
        dtype: 'float32',
        value: null,
        gradient: null,
      },
      {
        id: 'n4',
        label: 'mul',
        kind: 'op',
        op: 'mul',
        shape: [],
        dtype: 'float32',
        value: null,
        gradient: null,
      },
    ]);
    expect(edges.map(({ from, to, index }) => [from, to, index])).toEqual([
      ['n0', 'n2', 0],
      ['n1', 'n2', 1],
      ['n2', 'n4', 0],
      ['n3', 'n4', 1],
    ]);
  });

  it('shows gradients once backward was called, never 0 before', () => {
    const { f } = textbook();
    const before = inspect(f, { values: true, gradients: true });
    expect(before.nodes.map((node) => node.value)).toEqual([-2, 5, 3, -4, -12]);
    expect(before.nodes.map((node) => node.gradient)).toEqual([null, null, null, null, null]);
    backward(f);
    expect(inspect(f, { gradients: true }).nodes.map((node) => node.gradient)).toEqual([-4, -4, -4, 3, 1]);
    f.itemSync();
    expect(inspect(f, { values: true, gradients: true }).nodes.map((node) => node.gradient)).toEqual([
      -4, -4, -4, 3, 1,
    ]);
  });

  it('differentiates at once when asked to, and shows what each use contributes', () => {
    const x = tensor([1, 2]);
    const result = inspect(x.mul(x).sum(), { values: true, gradients: 'compute', names: { x } });
    expect(result.nodes.map(({ label, gradient }) => [label, gradient])).toEqual([
      ['x', [2, 4]],
      ['mul', [1, 1]],
      ['sum', 1],
    ]);
    expect(result.edges.map((edge) => edge.gradient)).toEqual([
      [1, 2],
      [1, 2],
      [1, 1],
    ]);
    expect(() => inspect(x.mul(2), { gradients: 'compute' })).toThrow(/not that of a scalar/);
  });

  it('leaves lazy tensors lazy', () => {
    const { f } = textbook();
    backward(f);
    inspect(f, { values: true, gradients: true });

    expect(f.toString()).toMatch(/^\[lazy/);
    expect(inspect(f).nodes.length).toBe(5);
  });

  it('has no values behind placeholders and shows open sizes', () => {
    const x = placeholder([null, 2], { name: 'x' });
    const result = inspect(x.mul(2).sum(1), { values: true });
    expect(result.nodes.map(({ label, kind, shape, value }) => ({ label, kind, shape, value }))).toEqual([
      { label: 'x', kind: 'placeholder', shape: [null, 2], value: null },
      { label: '2', kind: 'constant', shape: [], value: 2 },
      { label: 'mul', kind: 'op', shape: [null, 2], value: null },
      { label: 'sum', kind: 'op', shape: [null], value: null },
    ]);
  });

  it('gives every dtype and shape, summarizes large tensors', () => {
    const flags = tensor(
      [
        [1, 2],
        [3, 4],
      ],
      { dtype: 'int32' },
    ).greater(2);
    expect(inspect(flags, { values: true }).nodes.at(-1)!.value).toEqual([
      [false, false],
      [true, true],
    ]);
    expect(inspect(tensor([[], []]), { values: true }).nodes[0].value).toEqual([[], []]);
    const large = inspect(tensor(Float32Array.from({ length: 2001 }, (_, i) => i)), { values: true });
    expect(large.nodes[0].value).toBe('2001 elements: 0 … 2000, mean 1000');
  });

  it('writes text, DOT, Mermaid and JSON', () => {
    const { f } = textbook();
    backward(f);
    const result = inspect(f, { values: true, gradients: true });
    expect(result.toText().split('\n')).toEqual([
      'n0 x: parameter [] float32, value -2, gradient -4',
      'n1 y: parameter [] float32, value 5, gradient -4',
      'n2 add(n0, n1) [] float32, value 3, gradient -4',
      'n3 z: parameter [] float32, value -4, gradient 3',
      'n4 mul(n2, n3) [] float32, value -12, gradient 1',
    ]);
    const dot = result.toDot().split('\n');
    expect(dot.slice(0, 3)).toEqual([
      'digraph {',
      '  rankdir=LR;',
      '  n0 [label="x\\n[] float32\\nvalue -2\\ngradient -4", shape=box];',
    ]);
    expect(dot.slice(-2)).toEqual(['  n3 -> n4 [label="gradient 3"];', '}']);
    const mermaid = inspect(f).toMermaid().split('\n');
    expect(mermaid).toEqual([
      'flowchart LR',
      '  n0["x<br/>[] float32"]',
      '  n1["y<br/>[] float32"]',
      '  n2(["add<br/>[] float32"])',
      '  n3["z<br/>[] float32"]',
      '  n4(["mul<br/>[] float32"])',
      '  n0 --> n2',
      '  n1 --> n2',
      '  n2 --> n4',
      '  n3 --> n4',
    ]);
    expect(JSON.parse(JSON.stringify(result)).nodes[4]).toEqual({
      id: 'n4',
      label: 'mul',
      kind: 'op',
      op: 'mul',
      shape: [],
      dtype: 'float32',
      value: -12,
      gradient: 1,
    });
    const infinite = inspect(tensor([1, Number.NaN, Number.POSITIVE_INFINITY]), { values: true });
    expect(JSON.parse(JSON.stringify(infinite)).nodes[0].value).toEqual([1, 'NaN', 'Infinity']);
    const names = inspect(tensor([1]), { names: { 'a "b" <c>': tensor([2]) } });
    expect(names.toDot()).toContain('tensor');
    const x = tensor([1]);
    const odd = inspect(x, { names: { 'a "b" <c>': x } });
    expect(odd.toDot()).toContain('"a \\"b\\" <c>\\n[1] float32"');
    expect(odd.toMermaid()).toContain('"a #quot;b#quot; #lt;c#gt;<br/>[1] float32"');
  });

  it('can be drawn', () => {
    const { f } = textbook();
    backward(f);
    const svg = graphView(inspect(f, { values: true, gradients: true }));
    for (const text of ['-12', '-4', '>x<', '>z<']) expect(svg.replaceAll('−', '-')).toContain(text);
  });

  it('knows modules and lines of what was made under its eyes', () => {
    const inner = { forward: (x: Tensor) => x.exp() };
    const model = {
      forward: (x: Tensor) => inner.forward(x.mul(3)).sum(),
      namedModules: () =>
        new Map<string, object>([
          ['', model],
          ['body.inner', inner],
        ]),
    };
    const forward = inner.forward;
    const y = captureCreation(() => model.forward(tensor([1])), { model });
    expect(inner.forward).toBe(forward);
    const { nodes } = inspect(y);
    expect(nodes.map(({ label, module }) => [label, module])).toEqual([
      ['tensor', undefined],
      ['3', undefined],
      ['mul', undefined],
      ['exp', 'body.inner'],
      ['sum', undefined],
    ]);
    for (const node of nodes) expect(node.site).toMatch(/inspect\.test\.ts:\d+:\d+/);
    expect(inspect(tensor([1]).exp()).nodes[1].site).toBeUndefined();
  });

  it('takes graphs of 100,000 nodes', () => {
    let x = tensor([1]);
    for (let i = 0; i < 100_000; i++) x = x.sin();
    const result = inspect(x);
    expect(result.nodes.length).toBe(100_001);
    expect(result.edges.length).toBe(100_000);
    for (const text of [result.toText(), result.toDot(), result.toMermaid(), JSON.stringify(result)])
      expect(text.length).toBeGreaterThan(1_000_000);
  });

  it('reads the values and gradients of thousands of nodes in one go', () => {
    const w = new Variable(normal([2], { key: key(1) }), { name: 'w' });
    let x = w.value;
    for (let i = 0; i < 2000; i++) x = i % 2 ? x.mul(0.5) : x.mul(2);
    backward(x.sum());
    const last = x.sum();
    backward(last);
    const { nodes } = inspect(last, { values: true, gradients: true });
    const first = nodes.find((node) => node.label === 'w')!;
    // The gradient arrived twice: backward was called for two sums of the same.
    expect(first.gradient).toEqual([2, 2]);
    expect(nodes.filter((node) => node.kind === 'op' && node.op === 'mul').at(-1)!.value).toEqual(
      first.value,
    );
  });
});
