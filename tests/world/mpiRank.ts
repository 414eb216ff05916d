/** Trainings of the tests of `fit({ world })`, under a real launcher. The first argument is a list of them as JSON. */

import { mpi } from '../../packages/mpi/src/index.ts';
import { answer } from '../../packages/mpi/src/testing/answer.ts';
import { type Training, trains } from './scenarios.ts';

const [given] = process.argv.slice(2);
if (given !== undefined) {
  const world = await mpi({ deadline: 60 });
  const trained: number[][] = [];
  for (const training of JSON.parse(given) as Training[]) {
    const { parameters } = await trains(world, training);
    trained.push(parameters);
  }
  answer(trained);
  await world.finish();
}
