/**
 * `parameterGroups`: groups with options of their own, by the names of parameters.
 */
import type { Variable } from '@ag/tensor';
import type { ParameterGroup } from './optimizer.ts';

/** What has parameters with names: a model. */
export interface NamedParameters {
  namedParameters(): ReadonlyMap<string, Variable>;
}

/**
 * The parameters of a model in groups, by what a function of their names says. Parameters with the same options share a group.
 *
 * ```ts
 * // No weight decay for biases and normalization
 * adamw(parameterGroups(model, (_, { shape }) => (shape.length < 2 ? { weightDecay: 0 } : {})));
 * // Slower, the deeper
 * adam(parameterGroups(model, (name) => ({ learningRate: name.startsWith('head') ? 1e-3 : 1e-4 })));
 * ```
 *
 * @param model or names with variables, as `namedParameters` gives them
 * @param options from path and variable to what differs from the optimizer's options; null leaves the parameter out
 */
export function parameterGroups<Own extends object>(
  model: NamedParameters | ReadonlyMap<string, Variable>,
  options: (name: string, parameter: Variable) => Own | null,
): ParameterGroup<Own>[] {
  const named = 'namedParameters' in model ? model.namedParameters() : model;
  const groups: { readonly own: Own; readonly parameters: Variable[] }[] = [];
  for (const [name, parameter] of named) {
    const own = options(name, parameter);
    if (own === null) continue;
    const known = groups.find((group) => sameOptions(group.own, own));
    if (known) known.parameters.push(parameter);
    else groups.push({ own, parameters: [parameter] });
  }
  return groups.map(({ own, parameters }) => ({ ...own, parameters }));
}

/** Schedules are the same where they are the same function. */
function sameOptions(a: object, b: object): boolean {
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...names].every((name) => same(Reflect.get(a, name), Reflect.get(b, name)));
}

function same(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((x, i) => same(x, b[i]));
  return Object.is(a, b);
}
