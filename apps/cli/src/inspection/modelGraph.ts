/** The graph of an ONNX file as data to draw, and as text for terminals, Graphviz and Mermaid. */
import type { OnnxNode, OnnxSummary, OnnxTracedNode } from '@ag/onnx';
import type { GraphData, GraphNode } from '@ag/viz';

/** A graph to draw, with what an event says of each node. */
export interface ModelGraph extends GraphData {
  readonly nodes: readonly (GraphNode & { readonly name?: string; readonly weights?: readonly string[] })[];
}

/**
 * Inputs, operators, outputs. Weights are no nodes of their own: their shapes stand beside the operator, and their names say
 * which module an operator belongs to.
 *
 * @param traced shapes of all values, where they are known
 */
export function modelGraph(
  { inputs, outputs, nodes, tensors }: OnnxSummary,
  traced: readonly OnnxTracedNode[] | null,
): ModelGraph {
  const shapes = new Map<string, readonly (number | null)[]>();
  for (const { outputs: names, outputShapes } of traced ?? [])
    names.forEach((name, i) => {
      const shape = outputShapes[i];
      if (shape) shapes.set(name, shape);
    });
  const given = new Set(inputs.map(({ name }) => name));
  /** Weights by the values that they are known as: themselves, turned, split. */
  const stored = new Map(
    tensors.map(({ name, shape }) => [name, { weight: name, shape: shape as readonly number[] }]),
  );
  const drawn: OnnxNode[] = [];
  for (const node of nodes) {
    const read = node.inputs.filter((name) => name !== '');
    const graphs = Object.values(node.attributes).includes('[graph]');
    // What is made of weights alone is a weight: it belongs to the node that reads it.
    if (!graphs && read.every((name) => stored.has(name)) && !node.outputs.some((name) => given.has(name))) {
      for (const name of node.outputs) {
        const first = stored.get(read[0] ?? '');
        const shape = shapes.get(name)?.map(Number) ?? first?.shape ?? [];
        stored.set(name, { weight: first?.weight ?? name, shape });
      }
    } else drawn.push(node);
  }
  const modules = withoutCommon(modulesOf(drawn, stored));
  const makers = new Map<string, string>();
  const list: ModelGraph['nodes'][number][] = inputs.map(({ name, type, shape }, i) => {
    makers.set(name, `i${i}`);
    const known = shape?.map((size) => (typeof size === 'number' ? size : null));
    return {
      id: `i${i}`,
      label: name,
      kind: 'input',
      ...(known && { shape: known }),
      ...(type && { dtype: type }),
    };
  });
  const edges: { from: string; to: string; index: number }[] = [];
  drawn.forEach((node, i) => {
    const id = `n${i}`;
    const weights = node.inputs.filter((name) => stored.has(name));
    const own = weights.map((name) => stored.get(name)!.shape).filter((sizes) => sizes.length > 1);
    const module = modules[i];
    const shape = node.outputs.map((name) => shapes.get(name)).find((one) => one !== undefined);
    list.push({
      id,
      label: [node.operator, ...own.map((sizes) => sizes.join('×'))].join(' '),
      op: node.operator,
      kind: 'op',
      ...(node.name !== '' && { name: node.name }),
      ...(weights.length > 0 && { weights: weights.map((name) => stored.get(name)!.weight) }),
      ...(module !== '' && { module }),
      ...(shape && { shape }),
    });
    node.inputs.forEach((name, index) => {
      const from = makers.get(name);
      if (from !== undefined) edges.push({ from, to: id, index });
    });
    for (const name of node.outputs) if (name !== '') makers.set(name, id);
  });
  outputs.forEach(({ name }, i) => {
    const from = makers.get(name);
    if (from === undefined) return;
    const shape = shapes.get(name);
    list.push({ id: `o${i}`, label: name, kind: 'input', ...(shape && { shape }) });
    edges.push({ from, to: `o${i}`, index: 0 });
  });
  return { nodes: list, edges };
}

/**
 * Paths of the modules that nodes come from, which files hold in names alone: `/layer1/layer1.0/conv1/Conv` as PyTorch names
 * nodes, `layer1.0.conv1.weight` as weights are called, `fire2/squeeze` as values were. What has no such name, as an activation
 * between two layers, belongs to the module that is around its neighbours.
 */
function modulesOf(
  nodes: readonly OnnxNode[],
  stored: ReadonlyMap<string, { readonly weight: string; readonly shape: readonly number[] }>,
): string[][] {
  const found = nodes.map((node): string[] | null => {
    const named = node.name.startsWith('/') ? scopesOf(node.name.slice(1)) : null;
    if (named && named.length > 0) return named;
    const weight = node.inputs
      .flatMap((name) => stored.get(name) ?? [])
      .find(({ shape, weight: name }) => shape.length > 0 && /[./]/.test(name))?.weight;
    if (weight !== undefined) return weight.split(/[./]/).slice(0, -1);
    const value = node.outputs.find((name) => name.includes('/'));
    return value === undefined ? null : scopesOf(value);
  });
  const makers = new Map<string, number>();
  const readers = new Map<number, number[]>();
  nodes.forEach((node, i) => {
    for (const name of node.inputs) {
      const maker = makers.get(name);
      if (maker === undefined) continue;
      const list = readers.get(maker);
      if (list) list.push(i);
      else readers.set(maker, [i]);
    }
    for (const name of node.outputs) makers.set(name, i);
  });
  // Those before are known when a node's turn comes; those behind it as far as their names go.
  const result = found.map((path) => path ?? []);
  nodes.forEach((node, i) => {
    if (found[i]) return;
    const around = [
      ...node.inputs.flatMap((name) => {
        const maker = makers.get(name);
        return maker === undefined ? [] : [result[maker]];
      }),
      ...(readers.get(i) ?? []).flatMap((reader) => (found[reader] ? [result[reader]] : [])),
    ];
    result[i] = around.length === 0 ? [] : around.reduce(common);
  });
  return result;
}

/** Without the module that is around everything, such as `gpu_0`: it would be one box. */
function withoutCommon(paths: readonly string[][]): string[] {
  const around = paths.length === 0 ? [] : paths.reduce(common);
  return paths.map((path) => path.slice(around.length).join('.'));
}

/** `layer1/layer1.0/conv1/Conv`: modules, of which each may repeat the name of the one around it. */
function scopesOf(name: string): string[] {
  const parts = name.split('/').slice(0, -1);
  return parts.flatMap((part, i) => {
    const before = parts[i - 1];
    const own = before !== undefined && part.startsWith(`${before}.`) ? part.slice(before.length + 1) : part;
    return own.split('.').filter((piece) => piece !== '');
  });
}

function common(a: string[], b: string[]): string[] {
  let length = 0;
  while (length < a.length && length < b.length && a[length] === b[length]) length++;
  return a.slice(0, length);
}

/** A line for each node. */
export function modelText({ nodes, edges }: ModelGraph): string {
  const inputs = new Map<string, string[]>();
  for (const { from, to } of edges) inputs.set(to, [...(inputs.get(to) ?? []), from]);
  return nodes
    .map((node) => {
      const operands = inputs.get(node.id)?.join(', ') ?? '';
      const what =
        node.kind === 'op'
          ? `${node.label}(${operands})`
          : operands === ''
            ? `${node.label}: input`
            : `${node.label}: output of ${operands}`;
      return [`${node.id} ${what}`, sizesOf(node), node.module && `in ${node.module}`]
        .filter(Boolean)
        .join(' ');
    })
    .join('\n');
}

/** For Graphviz, modules as clusters. */
export function modelDot({ nodes, edges }: ModelGraph): string {
  const quoted = (text: string): string =>
    `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
  const groups = new Map<string, ModelGraph['nodes'][number][]>();
  for (const node of nodes) {
    const list = groups.get(node.module ?? '');
    if (list) list.push(node);
    else groups.set(node.module ?? '', [node]);
  }
  const line = (node: GraphNode): string =>
    `${node.id} [label=${quoted([node.label, sizesOf(node)].filter(Boolean).join('\n'))}, shape=${node.kind === 'op' ? 'box' : 'parallelogram'}];`;
  const clusters = [...groups].flatMap(([module, list], i) =>
    module === ''
      ? list.map((node) => `  ${line(node)}`)
      : [
          `  subgraph cluster_${i} {`,
          `    label=${quoted(module)};`,
          ...list.map((node) => `    ${line(node)}`),
          '  }',
        ],
  );
  return ['digraph {', ...clusters, ...edges.map(({ from, to }) => `  ${from} -> ${to};`), '}'].join('\n');
}

/** For Mermaid. */
export function modelMermaid({ nodes, edges }: ModelGraph): string {
  const escaped = (text: string): string =>
    text.replaceAll('&', '#amp;').replaceAll('"', '#quot;').replaceAll('<', '#lt;').replaceAll('>', '#gt;');
  const lines = nodes.map((node) => {
    const [open, close] = node.kind === 'op' ? ['["', '"]'] : ['[/"', '"/]'];
    return `  ${node.id}${open}${[node.label, sizesOf(node)].filter(Boolean).map(escaped).join('<br/>')}${close}`;
  });
  return ['flowchart TD', ...lines, ...edges.map(({ from, to }) => `  ${from} --> ${to}`)].join('\n');
}

function sizesOf({ shape }: GraphNode): string {
  return shape ? `[${shape.map((size) => size ?? '?').join(', ')}]` : '';
}
