/**
 * `pnpm bench distributed [W6 W9 …]`: what two processes with one thread each make of a workload beside one, and how much of the
 * time that their sums take is hidden behind computing. One process and two take turns; every rank has a batch of its
 * own of the workload's size, so two are to do twice the work in the same time.
 *
 * Measured at each rank, by timestamps: how long numbers moved (from when all ranks have come to a sum until it is done), and
 * how much of that the rank spent waiting instead of computing.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { dataLoader, memoryDataset } from '@ag/datasets';
import { mpi, type SumTimes } from '@ag/mpi';
import { wasm } from '@ag/native-wasm';
import { adam, sgd } from '@ag/optim';
import { use } from '@ag/tensor';
import { fit } from '@ag/train';
import { type Batch, batchesOf, differentBatches, type Network } from './problems/network.ts';
import { besidePyTorch } from './problems/networks.ts';
import { lossOf, modelOf } from './process/network.ts';

/** What a rank measures; milliseconds, bytes and messages a step. */
interface Measured {
  readonly step: number;
  /** From when all ranks have come to a sum until it is done. */
  readonly moving: number;
  /** The part of it in which this rank waited. */
  readonly exposed: number;
  /** All waiting: for ranks that come late, too. */
  readonly waited: number;
  readonly bytes: number;
  readonly messages: number;
}

const help = `pnpm bench distributed [W6 W9 …] [options]

  --ranks N         processes, default 2
  --threads N       threads of each, default 1
  --rounds N        turns of each side, default 5
  --steps N         steps of a turn, default 60
  --json            one JSON document instead of a table`;

const { values, positionals } = parseArgs({
  args: process.argv.slice(2).filter((arg) => arg !== '--'),
  allowPositionals: true,
  options: {
    help: { type: 'boolean' },
    ranks: { type: 'string', default: '2' },
    threads: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '5' },
    steps: { type: 'string', default: '60' },
    json: { type: 'boolean' },
    rank: { type: 'boolean', default: false },
  },
});

function networkOf(workload: string): Network {
  const [network] = Object.values(besidePyTorch[workload] ?? {});
  if (network === undefined || network.loss === 'none')
    throw new Error(`bench: there is no training ${workload}`);
  return network;
}

/** The time in which numbers moved that this rank spent waiting. */
function exposed({ met, done, waitedFrom, waitedTo }: SumTimes): number {
  return Math.max(0, Math.min(done, waitedTo) - Math.max(met, waitedFrom));
}

/** Steps before those that count. */
const warm = 12;

/** One turn of a rank. */
async function measure(workload: string, steps: number, threads: number): Promise<Measured> {
  let sums: SumTimes[] = [];
  const world = await mpi({ onSum: (times) => sums.push(times) });
  use(await wasm({ threads }));
  const network = networkOf(workload);
  const [batch] = network.input;
  const columns = batchesOf(network);
  const joined = (of: (batch: Batch) => Batch['x'], shape: readonly number[]) => {
    // A batch of each rank: the same numbers on all, which takes as long as other ones.
    const parts = Array.from({ length: steps + warm }, (_, i) => of(columns[i % differentBatches])).flatMap(
      (part) => Array.from({ length: world.size }, () => part),
    );
    const length = parts[0].length;
    const data = new (parts[0].constructor as Float32ArrayConstructor)(length * parts.length);
    parts.forEach((part, i) => data.set(part as Float32Array, i * length));
    return { data, shape: shape.slice(1) };
  };
  const data = memoryDataset({
    x: joined(({ x }) => x, network.input),
    y: joined(({ y }) => y, network.target),
  });
  const model = modelOf(network.layers);
  const optimizer = { sgd, adam }[network.optimizer](model.parameters(), {
    learningRate: network.learningRate,
  });
  const train = dataLoader(data, { batchSize: batch * world.size, ...(world.size > 1 && { part: world }) });
  const last = warm + steps;
  let [began, ended] = [0, 0];
  for await (const event of fit({
    model,
    optimizer,
    loss: (outputs, target) => lossOf(network, outputs, target),
    train,
    // One epoch: at its end ranks compare their weights.
    epochs: 1,
    compile: true,
    reportEvery: 1,
    ...(world.size > 1 && { world }),
  })) {
    if (event.type !== 'step') continue;
    if (event.step === warm) {
      began = performance.now();
      sums = [];
    } else if (event.step === last) {
      ended = performance.now();
      break;
    }
  }
  await world.finish();
  const perStep = (of: (times: SumTimes) => number): number =>
    sums.reduce((sum, times) => sum + of(times), 0) / steps;
  return {
    step: (ended - began) / steps,
    moving: perStep(({ met, done }) => done - met),
    exposed: perStep(exposed),
    waited: perStep(({ waitedFrom, waitedTo }) => waitedTo - waitedFrom),
    bytes: Math.round(perStep(({ bytes }) => bytes)),
    messages: sums.length / steps,
  };
}

/** A turn in processes of its own, which meet or do not. */
async function turn(workload: string, ranks: number, meet = true): Promise<Measured[]> {
  const program = fileURLToPath(import.meta.url);
  const node = ['--conditions=@ag/source', '--import', 'tsx', program, workload, '--rank'];
  const own = [...node, '--steps', values.steps, '--threads', values.threads];
  if (ranks === 1 || !meet) {
    const jobs = await Promise.all(Array.from({ length: ranks }, () => outputOf(process.execPath, own)));
    return jobs.flatMap(measuredIn);
  }
  const launch = ['--oversubscribe', '-np', String(ranks), process.execPath, ...own];
  return measuredIn(await outputOf('mpirun', launch));
}

async function outputOf(command: string, args: readonly string[]): Promise<string> {
  const env = { ...process.env, OMPI_ALLOW_RUN_AS_ROOT: '1', OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1' };
  const { stdout } = await promisify(execFile)(command, args, { env, maxBuffer: 2 ** 24 });
  return stdout;
}

function measuredIn(stdout: string): Measured[] {
  return stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Measured);
}

const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN;

async function main(): Promise<void> {
  const ranks = Number(values.ranks);
  const rows = [];
  for (const workload of positionals.length > 0 ? positionals : ['W6', 'W9']) {
    networkOf(workload);
    const one: Measured[] = [];
    const several: Measured[] = [];
    const strangers: Measured[] = [];
    for (let round = 0; round < Number(values.rounds); round++) {
      one.push(...(await turn(workload, 1)));
      several.push(...(await turn(workload, ranks)));
      strangers.push(...(await turn(workload, ranks, false)));
    }
    const [alone, together, apart] = [one, several, strangers].map((turns) =>
      median(turns.map(({ step }) => step)),
    );
    const of = (key: keyof Measured): number => median(several.map((turn) => turn[key]));
    const { bytes, messages } = several[0];
    const [moving, waited] = [of('moving'), of('waited')];
    const hidden = 1 - of('exposed') / moving;
    rows.push({
      workload,
      alone,
      together,
      speed: (ranks * alone) / together,
      apart: (ranks * alone) / apart,
      bytes,
      messages,
      moving,
      hidden,
      waited,
    });
  }
  if (values.json) {
    console.log(JSON.stringify(rows, null, 2));
    return;
  }
  console.log(
    `| | one process, ms a step | ${ranks} ranks | speed | if they never met | bytes | messages | moving, ms | of it hidden | waited, ms |\n` +
      '|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|',
  );
  for (const row of rows) {
    const columns = [
      row.workload,
      row.alone.toFixed(2),
      row.together.toFixed(2),
      `${row.speed.toFixed(2)} ×`,
      `${row.apart.toFixed(2)} ×`,
      row.bytes,
      row.messages.toFixed(1),
      row.moving.toFixed(3),
      `${(100 * row.hidden).toFixed(0)} %`,
      row.waited.toFixed(3),
    ];
    console.log(`| ${columns.join(' | ')} |`);
  }
}

if (values.help) console.log(help);
else if (values.rank) {
  console.log(JSON.stringify(await measure(positionals[0], Number(values.steps), Number(values.threads))));
} else await main();
