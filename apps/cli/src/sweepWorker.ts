/**
 * A worker process of `agrad sweep`, which runs the command lines it is sent. It answers each with how it ended.
 * Every trial but the first finds the program loaded and compiled.
 */
import { run } from './run.ts';
import type { Outcome } from './sweep/workers.ts';
import { type Terminal, terminalOn } from './terminal.ts';

// Ctrl-C and the end of a terminal reach all its processes: they are not to end one that has nothing to do, nor to count
// twice.
let interrupted = false;
for (const signal of ['SIGINT', 'SIGHUP']) {
  process.on(signal, () => {
    interrupted = true;
  });
}

process.on('message', async (given: readonly string[] | 'interrupt') => {
  if (given === 'interrupt') {
    if (!interrupted) process.emit('SIGTERM', 'SIGTERM');
    return;
  }
  let said = '';
  let last: object | null = null;
  const stream = {
    write(text: string): void {
      said = (said + text).slice(-2000);
    },
  };
  const terminal: Terminal = {
    ...terminalOn({ stdout: stream, stderr: stream, json: true }),
    event: (event) => {
      last = event;
    },
  };
  const exitCode = await run(given, () => terminal);
  process.send?.({ exitCode, last, said } satisfies Outcome);
});

// Whoever wanted the results is gone. What was computed is safe in the checkpoints, and someone else may take it up.
process.on('disconnect', () => process.exit(0));
