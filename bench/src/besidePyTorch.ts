/**
 * The commands `pnpm bench torch` and `pnpm bench random`: `ag` and PyTorch train the same networks, of the goals or drawn at
 * random, in turns. They print ratios, first steps and memory.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { coldStart } from './measuring/coldStart.ts';
import { type Measurement, measure, type Result, type Statistic } from './measuring/measure.ts';
import { peerColdStart } from './measuring/peerColdStart.ts';
import type { Engine, Folders } from './participants/engines.ts';
import { findTorch, ownEngines } from './participants/torch.ts';
import type { Network } from './problems/network.ts';
import { besidePyTorch } from './problems/networks.ts';
import { families, type RandomNetwork, randomNetwork } from './problems/randomNetwork.ts';
import { describeMachine, machineLine } from './report/report.ts';
import { table } from './report/table.ts';
import { differingBits, distributionRows, torchRows, worstRows } from './report/torchReport.ts';

const help = `pnpm bench torch [W1 … W17] [options]    the workloads beside PyTorch
pnpm bench random [options]              networks drawn at random beside PyTorch

  --python PATH     a Python with PyTorch, default AG_BENCH_PYTHON, else python3
  --no-torch        without PyTorch
  --compiled        PyTorch eager and compiled (torch.compile), not eager alone
  --fused           PyTorch's Adam with its option \`fused\`, which is not its default
  --node PATH       a Node that runs ag, default this one; may be repeated
  --node-flag FLAG  a flag for it; may be repeated
  --no-wide         without ag with 256-bit vectors, which Node 24 and later have on x86-64
  --base FOLDER     another state of the project takes turns with this one
  --threads N       threads of each participant, default 2
  --case TEXT       only cases that contain the text
  --define-by-run   ag step by step instead of compiled
  --rounds N        turns of each participant, default 5
  --chunk MS        length of a turn, default 120; at least one step
  --warm MS         length of a turn before the first that counts, default 120
  --statistic NAME  of the turns: median (default) or fastest
  --opening S       seconds for a participant's first, compared steps, in which networks are compiled, default 120
  --profile         print the time of each kernel of ag; the table is then not meaningful
  --json            print one JSON document instead of tables
  --results FILE    add the measurements to this file, and print the table of all in it; of the same
                    work the last counts, with --statistic fastest the fastest

random networks:
  --random          of torch: those, too
  --seeds LIST      such as 0-19,33; default 0-23. A seed is a network: ${families.map((name, i) => `${name} ${i}, ${i + families.length}, …`).join('; ')}
  --family NAME     only seeds of this family
  --show            print the networks as JSON and measure nothing`;

/** @returns the exit code: 1 when losses differ or a participant failed */
export async function main(args: readonly string[], folders: Folders): Promise<number> {
  const [command, ...rest] = args;
  const { values, positionals } = parseArgs({
    args: rest.filter((arg) => arg !== '--'),
    allowPositionals: true,
    options: {
      help: { type: 'boolean' },
      python: { type: 'string', default: process.env.AG_BENCH_PYTHON ?? 'python3' },
      'no-torch': { type: 'boolean', default: false },
      compiled: { type: 'boolean', default: false },
      fused: { type: 'boolean', default: false },
      node: { type: 'string', multiple: true, default: [process.execPath] },
      'node-flag': { type: 'string', multiple: true, default: [] },
      wide: { type: 'boolean', default: false },
      'no-wide': { type: 'boolean', default: false },
      base: { type: 'string' },
      threads: { type: 'string', default: '2' },
      case: { type: 'string', default: '' },
      'define-by-run': { type: 'boolean', default: false },
      rounds: { type: 'string', default: '5' },
      chunk: { type: 'string', default: '120' },
      warm: { type: 'string', default: '120' },
      statistic: { type: 'string', default: 'median' },
      opening: { type: 'string', default: '120' },
      json: { type: 'boolean', default: false },
      profile: { type: 'boolean', default: false },
      results: { type: 'string' },
      seeds: { type: 'string', default: '0-23' },
      family: { type: 'string' },
      random: { type: 'boolean', default: false },
      show: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(help);
    return 0;
  }
  const say = (text: string): void => void process.stderr.write(`${text}\n`);
  const random = command === 'random' || values.random;
  const asked = command === 'random' ? [] : positionals.map((name) => name.toUpperCase());
  const names = [
    ...(asked.length > 0 || command === 'random' ? asked : workloads),
    ...(random ? ['random'] : []),
  ];
  const unknown = names.find((name) => name !== 'random' && !workloads.includes(name));
  if (unknown !== undefined) {
    say(`bench: there is no workload ${unknown} beside PyTorch; there are ${workloads.join(' ')}`);
    return 1;
  }
  const drawn = random ? draw(values.seeds, values.family) : [];
  if (random && drawn.length === 0) {
    say(`bench: no seed is left; --seeds takes numbers and ranges, --family one of ${families.join(', ')}`);
    return 1;
  }
  const networks = described(names, drawn);
  if (values.show) {
    console.log(JSON.stringify(networks, null, 1));
    return 0;
  }
  const threads = Number(values.threads);
  const own = ownEngines({
    folders,
    nodes: values.node,
    nodeFlags: values['node-flag'],
    threads,
    wide: values.wide || (!values['no-wide'] && process.arch === 'x64'),
    base: values.base !== undefined,
  });
  const torch = values['no-torch'] ? [] : findTorch(values.python, folders, threads, values);
  if (torch === null) {
    say(
      `bench: '${values.python}' has no PyTorch; name a Python that has with --python or AG_BENCH_PYTHON, or give --no-torch`,
    );
    return 1;
  }
  const engines: Engine[] = [...torch, ...own];
  writeFileSync(join(folders.folder, 'networks.json'), JSON.stringify(networks));
  const machine = describeMachine(engines, [], values.statistic, null);
  const found: Measurement[] = [];
  const failures: string[] = [];
  for (const name of names) {
    say(`${name} …`);
    const result = await (name === 'W11'
      ? coldStarts(folders.folder, engines)
      : measure(name, engines, {
          data: folders.folder,
          variant: '',
          ...(name in networks && { variants: [values['define-by-run'] ? 'define-by-run' : 'compiled'] }),
          only: values.case,
          rounds: Number(values.rounds),
          chunk: Number(values.chunk),
          warm: Number(values.warm),
          statistic: values.statistic as Statistic,
          patience: 20_000,
          opening: 1000 * Number(values.opening),
          profile: values.profile,
        }));
    found.push(...result.measurements);
    failures.push(...result.failures);
    result.notes?.forEach(say);
  }
  const all = values.results === undefined ? found : added(values.results, found, values.statistic);
  if (values.json) console.log(JSON.stringify({ machine, measurements: all, failures }, null, 1));
  else {
    console.log(`${machineLine(machine)} · ${threads} threads`);
    const rows = all.filter(({ workload }) => workload !== 'random');
    const others = all.filter(({ workload }) => workload === 'random');
    if (rows.length > 0) console.log(`\n${table(torchRows(rows), 2)}`);
    if (torch.length === 0 && others.length > 0) console.log(`\n${table(torchRows(others), 2)}`);
    else if (others.length > 0) {
      console.log(`\n${table(distributionRows(others), 2)}`);
      console.log(`\n${table(worstRows(others))}`);
    }
  }
  for (const note of differingBits(found)) say(`note: ${note}`);
  for (const failure of failures) say(`FAILED ${failure}`);
  return failures.length > 0 ? 1 : 0;
}

/** In the order of the table; W10 is about memory, which all rows have. */
const workloads: readonly string[] = [...Object.keys(besidePyTorch), 'W7', 'W8', 'W11'].sort(
  (a, b) => Number(a.slice(1)) - Number(b.slice(1)),
);

/** By workload and case; products and the like are no networks. */
function described(
  names: readonly string[],
  drawn: readonly RandomNetwork[],
): Readonly<Record<string, Readonly<Record<string, Network>>>> {
  const all = {
    ...besidePyTorch,
    random: Object.fromEntries(drawn.map(({ name, network }) => [name, network])),
  };
  return Object.fromEntries(Object.entries(all).filter(([name]) => names.includes(name)));
}

/** W11 on each Node once: vectors make no difference to it. */
async function coldStarts(folder: string, engines: readonly Engine[]): Promise<Result> {
  const results = [peerColdStart(engines.filter(({ task }) => task.variant === 'eager'))];
  for (const engine of engines) {
    if (engine.kind === 'ag' && !engine.task.wide && !engine.name.startsWith('base'))
      results.push(await coldStart(folder, [engine]));
  }
  return {
    // Another program of each library is the same work.
    measurements: results
      .flatMap(({ measurements }) => measurements)
      .map((m) => ({ ...m, case: 'from nothing to the first step of 784-128-10, whole process' })),
    failures: results.flatMap(({ failures }) => failures),
  };
}

function draw(seeds: string, family: string | undefined): RandomNetwork[] {
  return seeds
    .split(',')
    .flatMap((part) => {
      const [from, to = from] = part.split('-').map(Number) as [number, number?];
      return Array.from({ length: to - from + 1 }, (_, i) => from + i);
    })
    .map(randomNetwork)
    .filter((drawn) => family === undefined || drawn.family === family);
}

/** Measurements of this and of earlier runs; of the same case by the same engine the last, or the fastest where that is asked for. */
function added(file: string, found: readonly Measurement[], statistic: string): Measurement[] {
  const before: Measurement[] = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : [];
  const all = new Map<string, Measurement>();
  for (const m of [...before, ...found]) {
    const key = [m.workload, m.case, m.engine, m.variant].join('\n');
    const known = all.get(key);
    all.set(key, known && statistic === 'fastest' && known.ms < m.ms ? known : m);
  }
  writeFileSync(file, JSON.stringify([...all.values()]));
  return [...all.values()];
}
