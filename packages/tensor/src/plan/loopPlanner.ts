/**
 * The planner's part for loops. Their operations bring it along, so that programs without loops do not hold it.
 */
import { emitLoop } from './emitLoop.ts';
import { keptInputs, loopNode } from './loopInputs.ts';

export const loopPlanner = { keptInputs, loopNode, emitLoop };

export type LoopPlanner = typeof loopPlanner;
