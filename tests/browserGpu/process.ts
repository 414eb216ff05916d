/**
 * The conformance suite on WebGPU in a process of Node or Deno, its outcome printed as JSON. The argument says how much of it and, for
 * Node, where Dawn is had.
 */
import { runSuite } from './suite.ts';

const { step, seconds, dawn } = JSON.parse(process.argv[2]);
const { gpu, reason } = dawn ? await (await import(dawn)).dawn() : { gpu: undefined, reason: undefined };
const outcome = reason ? { absent: reason } : await runSuite(step, gpu ? { gpu } : {}, seconds);
console.log(JSON.stringify(outcome));
process.exit();
