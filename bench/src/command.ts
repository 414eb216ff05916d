/**
 * The command `pnpm bench`: runs the workloads and prints the tables. Participants of a workload take turns, and
 * what they compute is compared.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { writeData } from './data.ts';
import { coldStart } from './measuring/coldStart.ts';
import { type Measurement, measure, type Result, type Statistic } from './measuring/measure.ts';
import { peerColdStart } from './measuring/peerColdStart.ts';
import { type Engine, engines, type Folders } from './participants/engines.ts';
import { findPeers } from './participants/peers.ts';
import { workloadNames } from './report/goals.ts';
import { describeMachine, printTables } from './report/report.ts';

const help = `pnpm bench [W1 … W17] [options]
pnpm bench torch    the workloads beside PyTorch: see pnpm bench torch --help
pnpm bench random   networks drawn at random beside PyTorch
pnpm bench web      the demo application
pnpm bench distributed   two processes beside one, and how much of their sums is hidden
pnpm bench workers       two workers of a page beside the page alone
pnpm bench steady   whether the steps of a loop stay as quick as they were

  --json            print one JSON document instead of tables
  --backend NAME    wasm (default) or reference
  --threads LIST    threads of ag, default 1,2
  --no-wide         128-bit vectors also on Node 24 and later, where 256 are the default on x86-64
  --node PATH       the Node that runs ag, default this one
  --node-flag FLAG  a flag for it, such as --experimental-wasm-revectorize; may be repeated
  --variant TEXT    only ways of writing the work that contain the text
  --case TEXT       only cases that contain the text
  --base FOLDER     another state of the project takes turns with this one
  --python PATH     a Python with NumPy, default AG_BENCH_PYTHON, else python3
  --no-numpy        without NumPy
  --peers DIR       with other libraries that are installed in DIR; says how to install those that are not
  --peer-node PATH  the Node that runs them, default the one that runs ag
  --patience S      seconds for a library's compared losses, and for each one's turns in a case, default 10
  --rounds N        turns of each participant, default 5
  --chunk MS        length of a turn, default 120
  --warm MS         length of a turn before the first that counts, default 250
  --statistic NAME  of the turns: median (default); on busy machines fastest, or cpu: processor time, for one thread only
  --profile         print the time of each kernel of ag; the table is then not meaningful

AG_DATA_DIR names the folder with MNIST and the Boston CSV; without it, stand-ins of the same size are made.`;

/** @returns the exit code: 1 when a result differs between participants or a participant failed */
export async function main(args: readonly string[], folders: Folders): Promise<number> {
  const { values, positionals } = parseArgs({
    args: args.filter((arg) => arg !== '--'),
    allowPositionals: true,
    options: {
      help: { type: 'boolean' },
      json: { type: 'boolean' },
      backend: { type: 'string', default: 'wasm' },
      threads: { type: 'string', default: '1,2' },
      wide: { type: 'boolean', default: false },
      'no-wide': { type: 'boolean', default: false },
      node: { type: 'string', default: process.execPath },
      'node-flag': { type: 'string', multiple: true, default: [] },
      variant: { type: 'string', default: '' },
      case: { type: 'string', default: '' },
      base: { type: 'string' },
      python: { type: 'string', default: process.env.AG_BENCH_PYTHON ?? 'python3' },
      'no-numpy': { type: 'boolean' },
      peers: { type: 'string' },
      'peer-node': { type: 'string' },
      patience: { type: 'string', default: '10' },
      rounds: { type: 'string', default: '5' },
      chunk: { type: 'string', default: '120' },
      warm: { type: 'string', default: '250' },
      statistic: { type: 'string', default: 'median' },
      profile: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(help);
    return 0;
  }
  const names = positionals.length > 0 ? positionals.map((name) => name.toUpperCase()) : workloadNames;
  for (const name of names) {
    if (!workloadNames.includes(name)) {
      console.error(`bench: there is no workload ${name}; there are ${workloadNames.join(' ')}`);
      return 1;
    }
  }
  if (!['median', 'fastest', 'cpu'].includes(values.statistic)) {
    console.error(`bench: --statistic must be median, fastest or cpu, got ${values.statistic}`);
    return 1;
  }
  const data = await writeData(folders.folder, names);
  const chosen: Engine[] = engines({
    folders,
    node: values.node,
    nodeFlags: values['node-flag'],
    backend: values.backend,
    threads: values.threads.split(',').map(Number),
    wide: values['no-wide'] ? false : values.wide || null,
    base: values.base !== undefined,
    python: values['no-numpy'] ? null : values.python,
  });
  const say = (text: string): void => void process.stderr.write(`${text}\n`);
  const notes: string[] = [];
  const note = (text: string): void => {
    notes.push(text);
    say(text);
  };
  let peerNode: string | null = null;
  if (values.peers !== undefined) {
    const other = values['peer-node'];
    const flags = other === undefined ? values['node-flag'] : [];
    const peers = findPeers(values.peers, join(folders.folder, 'peers'), other ?? values.node, flags);
    chosen.push(...peers.engines);
    peers.notes.forEach(note);
    peerNode = peers.node;
  }
  const machine = describeMachine(chosen, data, values.statistic, peerNode);
  const measurements: Measurement[] = [];
  const failures: string[] = [];
  const take = (result: Result): void => {
    measurements.push(...result.measurements);
    failures.push(...result.failures);
    result.notes?.forEach(note);
  };
  for (const name of names) {
    say(`${name} …`);
    if (name === 'W11') {
      take(await coldStart(folders.folder, chosen));
      take(peerColdStart(chosen));
    } else {
      take(
        await measure(name, chosen, {
          data: folders.folder,
          variant: values.variant,
          only: values.case,
          rounds: Number(values.rounds),
          chunk: Number(values.chunk),
          warm: Number(values.warm),
          statistic: values.statistic as Statistic,
          patience: 1000 * Number(values.patience),
          profile: values.profile,
        }),
      );
    }
  }
  if (values.json) console.log(JSON.stringify({ machine, measurements, failures, notes }, null, 1));
  else printTables(machine, measurements);
  for (const failure of failures) say(`FAILED ${failure}`);
  return failures.length > 0 ? 1 : 0;
}
