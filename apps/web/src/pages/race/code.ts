/** The program that runs the race, for Node. */
import { quoted } from '../../components/quoted.ts';
import { type RaceRequest, type RunnerInfo, runners } from './race.ts';

export function codeFor({ expression, start, steps, runners: racing }: RaceRequest): string {
  const functions = [...new Set(racing.map(({ id }) => runners[id].function))].sort();
  const calls = racing.map(({ id, learningRate }) => {
    const { name, function: call, more = '' }: RunnerInfo = runners[id];
    return `  [${quoted(name)}, (p) => ${call}(p, { learningRate: ${learningRate}${more} })],`;
  });
  return `import { backward, formula } from '@ag/graph';
import { ${functions.join(', ')} } from '@ag/optim';
import { tensor, Variable } from '@ag/tensor';

const surface = formula(${quoted(expression)});
const racers = [
${calls.join('\n')}
];
for (const [name, make] of racers) {
  const x = new Variable(tensor(${start[0]}, { dtype: 'float64' }));
  const y = new Variable(tensor(${start[1]}, { dtype: 'float64' }));
  const optimizer = make([x, y]);
  for (let step = 0; step < ${steps}; step++) {
    backward(surface.evaluate({ x: x.value, y: y.value }));
    optimizer.step();
    console.log(name, await x.value.item(), await y.value.item());
  }
}
`;
}
