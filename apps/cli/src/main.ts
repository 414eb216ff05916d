#!/usr/bin/env node
/** The command `agrad`. */
import { run } from './run.ts';
import { watchStreams } from './streams.ts';

watchStreams();
// Tells of plans, kernels, cache and memory as the variable asks.
if (process.env.AG_DEBUG) await import('@ag/tensor/debug');
process.exitCode = await run(process.argv.slice(2));
