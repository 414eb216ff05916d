/** Names the settings that ask for more memory than there is. */
import { Failure } from '../failure.ts';
import { flagOf } from '../flags.ts';
import { type Resolved, settings } from '../settings.ts';
import type { Job } from './plan.ts';

/** What engines and backends say about arrays that are too large. */
const tooLarge =
  /Invalid (typed )?array length|Invalid array buffer length|[Aa]rray buffer allocation failed|at most \d+ are possible|wasm: cannot allocate/;

/** Settings by which sizes grow. */
const sizes = ['batchSize', 'overfitBatches'] as const;

/** A job, as far as its settings go. */
type Asked = Pick<Job, 'recipe' | 'parameters'> & { readonly resolved: Pick<Resolved, 'values' | 'from'> };

/** The error itself, or one that names the settings that ask for too much. */
export function namingSizes(error: unknown, { recipe, parameters, resolved }: Asked): unknown {
  if (error instanceof Failure || !(error instanceof Error) || !tooLarge.test(error.message)) return error;
  const text = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
  const changed = [
    ...Object.entries(parameters)
      .filter(([name, value]) => text(value) !== text(recipe.parameters[name]))
      .map(([name, value]) => `--set ${name}=${text(value)}`),
    ...sizes
      .filter((name) => !['recipe', 'default'].includes(resolved.from[name]))
      .filter((name) => resolved.values[name] !== settings[name].default)
      .map((name) => `${flagOf(name)} ${resolved.values[name]}`),
  ];
  if (changed.length === 0) return error;
  return new Failure(
    'configuration',
    `${changed.join(', ')}: too large for memory: ${error.message}`,
    'Take smaller values.',
    error,
  );
}
