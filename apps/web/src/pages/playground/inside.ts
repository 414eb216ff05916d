/** What is going on inside the playground's network: outputs, weights and gradients of every neuron. */
import { gradients } from '@ag/graph';
import { Linear, type Sequential } from '@ag/nn';
import { evaluate, type Tensor } from '@ag/tensor';
import { resolution } from './config.ts';
import type { PlaygroundData } from './data.ts';
import type { Objective } from './network.ts';
import type { Snapshot } from './snapshot.ts';

type Inside = Pick<
  Snapshot,
  'parameters' | 'lossNow' | 'inputs' | 'probe' | 'layers' | 'answers' | 'pointAnswers'
>;

/** Answers of training points are shown one by one up to this many. */
const maxPointAnswers = 8;

/**
 * Everything is asked for in one go, so that no step comes in between.
 *
 * @param grid points of the plane, `[cells, 2]`
 * @param probe the point for which all values are wanted
 */
export async function lookInside(
  network: Sequential,
  objective: Objective,
  { train, inputs }: PlaygroundData,
  grid: Float32Array,
  probe: readonly [number, number],
): Promise<Inside> {
  const { x, y } = train.batch(indices(train.length));
  const plane = inputs(grid).batch(indices(resolution ** 2)).x;
  const probed = inputs(Float32Array.from(probe)).batch([0]).x;
  const linears = network.layers.filter((layer) => layer instanceof Linear);
  const parameters = linears.flatMap((layer) => [layer.weight.value, layer.bias!.value]);

  network.eval();
  const overPlane = layerOutputs(network, objective, plane);
  const atProbe = layerOutputs(network, objective, probed);
  const output = network.forward(x);
  const loss = objective.loss(output, y);
  const slopes = gradients(loss, parameters);
  const pointAnswers = train.length <= maxPointAnswers ? objective.answer(output) : null;
  network.train();
  const wanted = [
    plane,
    probed,
    ...overPlane.map(({ values }) => values),
    ...atProbe.flatMap(({ sums, values }) => [sums, values]),
    ...parameters,
    ...slopes,
    loss,
    ...(pointAnswers ? [pointAnswers] : []),
  ];
  evaluate(wanted.filter((each) => !parameters.includes(each)));
  const read = await Promise.all(wanted.map((each) => each.data()));
  const elements = new Map(wanted.map((each, i) => [each, read[i]]));
  const numbersOf = (each: Tensor): number[] => Array.from(elements.get(each)!);
  const rowsOf = (each: Tensor): number[][] => inRows(numbersOf(each), each.shape);

  const layers = linears.map((layer, i) => ({
    units: layer.outFeatures,
    outputs: elements.get(overPlane[i].values) as Float32Array,
    weights: rowsOf(parameters[2 * i]),
    bias: numbersOf(parameters[2 * i + 1]),
    weightGradients: rowsOf(slopes[2 * i]),
    biasGradients: numbersOf(slopes[2 * i + 1]),
    sums: numbersOf(atProbe[i].sums),
    values: numbersOf(atProbe[i].values),
  }));
  return {
    parameters: parameters.reduce((sum, parameter) => sum + parameter.size, 0),
    lossNow: elements.get(loss)![0],
    inputs: elements.get(plane) as Float32Array,
    probe: numbersOf(probed),
    layers,
    answers: layers.at(-1)!.outputs,
    pointAnswers: pointAnswers ? rowsOf(pointAnswers) : [],
  };
}

/** Weighted sums and outputs of each layer; the last one's output is what the network answers. */
function layerOutputs(
  network: Sequential,
  objective: Objective,
  x: Tensor,
): { sums: Tensor; values: Tensor }[] {
  const passed: { sums: Tensor; values: Tensor }[] = [];
  let value = x;
  for (const layer of network.layers) {
    value = typeof layer === 'function' ? layer(value) : layer.forward(value);
    if (layer instanceof Linear) passed.push({ sums: value, values: value });
    else passed[passed.length - 1] = { sums: passed.at(-1)!.sums, values: value };
  }
  const last = passed.at(-1)!;
  passed[passed.length - 1] = { sums: last.sums, values: objective.answer(last.values) };
  return passed;
}

const indices = (length: number): number[] => Array.from({ length }, (_, i) => i);

function inRows(numbers: readonly number[], [rows, columns]: readonly number[]): number[][] {
  return Array.from({ length: rows }, (_, i) => numbers.slice(i * columns, (i + 1) * columns));
}
