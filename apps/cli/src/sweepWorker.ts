/**
 * A process that `agrad sweep` keeps for its trials: runs the command lines it is sent and answers each with how it
 * ended. Every trial but the first finds the program loaded and compiled.
 */
import pc from 'picocolors';
import { run } from './run.ts';
import type { Outcome } from './sweep/workers.ts';
import type { Terminal } from './terminal.ts';

const plain = pc.createColors(false);

// Ctrl-C reaches all processes of a terminal: it is not to end one that has nothing to do, nor to count twice.
let interrupted = false;
process.on('SIGINT', () => {
  interrupted = true;
});

process.on('message', async (given: readonly string[] | 'interrupt') => {
  if (given === 'interrupt') {
    if (!interrupted) process.emit('SIGTERM', 'SIGTERM');
    return;
  }
  let said = '';
  let last: object | null = null;
  const say = (text: string): boolean => {
    said = (said + text).slice(-2000);
    return true;
  };
  const terminal: Terminal = {
    print: () => {},
    note: (line) => say(`${line}\n`),
    event: (event) => {
      last = event;
    },
    json: true,
    live: false,
    columns: 80,
    outColumns: 80,
    out: plain,
    err: plain,
    trueColor: false,
    stderr: { write: say } as unknown as NodeJS.WriteStream,
  };
  const exitCode = await run(given, () => terminal);
  process.send?.({ exitCode, last, said } satisfies Outcome);
});

// Whoever wanted the results is gone. What was computed is safe in the checkpoints, and someone else may take it up.
process.on('disconnect', () => process.exit(0));
