#!/usr/bin/env node
/** The command `agrad`. */
import { run } from './run.ts';
import { watchStreams } from './streams.ts';

watchStreams();
process.exitCode = await run(process.argv.slice(2));
