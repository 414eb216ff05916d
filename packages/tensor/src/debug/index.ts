/**
 * `@ag/tensor/debug`: what becomes of a computation, for people who look at the compiler.
 *
 * Imported where `AG_DEBUG` names topics, it begins to tell at once: `AG_DEBUG=plan,memory node --import @ag/tensor/debug x.js`.
 */
import { debug, topicsOf } from './topics.ts';

export { toText } from '../kernel/programText.ts';
export { type ExplainOptions, explain, type Stage, stages } from './explain.ts';
export { debug, type Topic, topics, topicsOf } from './topics.ts';

declare const process: { readonly env: Record<string, string | undefined> } | undefined;

const named = typeof process === 'undefined' ? [] : topicsOf(process?.env?.AG_DEBUG ?? '');
if (named.length > 0) debug(named);
