/**
 * A graph that is too large to be shown node by node: a deep residual network with its loss.
 *
 * It is drawn by modules, of which any can be opened. Views are labels of wires.
 */
import { captureCreation, type Inspection, inspect, placeholder } from '@ag/graph';
import * as nn from '@ag/nn';
import { manualSeed } from '@ag/tensor';
import { type GraphViewOptions, graphView } from '@ag/viz';
import { withoutViews } from '../../living/views.ts';

export interface NetworkPicture {
  readonly svg: string;
  readonly nodes: number;
  readonly edges: number;
  readonly parameters: number;
  /** Paths of the modules that are shown closed. */
  readonly modules: readonly string[];
}

const width = 8;

let made: { readonly graph: Inspection; readonly parameters: number } | undefined;

/** Draws the network; `options.expand` names the modules to open. It is computed once. */
export function drawNetwork(options: GraphViewOptions): NetworkPicture {
  made ??= make();
  const { graph, parameters } = made;
  const { nodes, edges } = graph;
  const svg = graphView(withoutViews(graph), { maxNodes: 40, ...options });
  const modules = [...svg.matchAll(/data-module="([^"]+)"/g)].map(([, path]) => path);
  return { svg, nodes: nodes.length, edges: edges.length, parameters, modules };
}

function make(): { graph: Inspection; parameters: number } {
  manualSeed(1);
  const some = <T>(count: number, one: () => T): T[] => Array.from({ length: count }, one);
  const layer = () => nn.sequential(nn.layerNorm(width), nn.linear(width, width), nn.tanh());
  const block = () => nn.residual(nn.sequential(...some(5, layer)));
  const stage = () => nn.sequential(...some(10, block));
  const network = nn.sequential(...some(11, stage), nn.linear(width, 1));
  const x = placeholder([4, width], { name: 'x' });
  const forward = () => network.forward(x).square().mean();
  const loss = captureCreation(forward, { model: network, sites: false });
  const parameters = network.parameters().reduce((sum, { size }) => sum + size, 0);
  return { graph: inspect(loss), parameters };
}
