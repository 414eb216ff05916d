#!/usr/bin/env node
/** The command `agrad`. */
import { run } from './run.ts';

// A reader that ends early (`agrad … | head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});
process.exitCode = await run(process.argv.slice(2));
