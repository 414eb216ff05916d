/** What the tests of WebGPU ask a page for. */
import { runSuite } from './suite.ts';
import { training } from './training.ts';

Object.assign(window, { runSuite, training });
