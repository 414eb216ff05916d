/**
 * What becomes of a command whose output cannot be written. A reader that ends early (`agrad … | head`), or a terminal that
 * is closed, ends nothing: what is asked for goes on, what it says goes nowhere, and the exit code is that of the work. So
 * a training keeps its folder, and a check that fails is not taken for one that passed. Output that is lost for another
 * reason, such as a full disk behind `> file`, is an error.
 */
import { exitCodes } from './failure.ts';

/** Codes of errors that say that nobody reads any more. */
const readerGone = new Set([
  'EPIPE',
  'EIO',
  'ECONNRESET',
  'ERR_STREAM_DESTROYED',
  'ERR_STREAM_WRITE_AFTER_END',
]);

/** Watches stdout and stderr; what it finds decides the process's exit code where that would have been success. */
export function watchStreams(): void {
  let lost = false;
  for (const [name, stream] of Object.entries({ stdout: process.stdout, stderr: process.stderr })) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (readerGone.has(error.code ?? '') || lost) return;
      lost = true;
      // The other stream may still be read.
      if (name === 'stdout') process.stderr.write(`error: stdout could not be written: ${error.message}\n`);
    });
  }
  process.on('exit', () => {
    if (lost && (process.exitCode ?? exitCodes.done) === exitCodes.done)
      process.exitCode = exitCodes.configuration;
  });
}
