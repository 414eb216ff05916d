/**
 * Loading saved variables into a module: everything is checked before anything changes.
 */
import { formatShape, Tensor, type Variable } from '@ag/tensor';
import { codedError, commitUpdates, typeError } from '@ag/tensor/engine';

/** Variables' values by path. */
export type StateDict = Readonly<Record<string, Tensor>>;

/** How a state is loaded. */
export interface LoadOptions {
  /** Whether missing and unknown names are errors. Default true. */
  readonly strict?: boolean;
  /** Turns a name of the file into one of the module before it is looked up; null leaves the entry out. */
  readonly rename?: (name: string) => string | null;
}

/** Modules by path, each with names of its variables in files of other libraries. */
interface Loaded {
  namedModules(): ReadonlyMap<string, { foreignNames(): Readonly<Record<string, string | null>> }>;
}

/** Implements `Module.loadStateDict`; `targets` are the module's variables by every path that leads to them. */
export function loadInto(
  module: Loaded,
  targets: ReadonlyMap<string, Variable>,
  state: StateDict,
  { strict = true, rename }: LoadOptions,
): void {
  const foreign = foreignPaths(module);
  const updates = new Map<Variable, Tensor>();
  const met = new Set<Variable>();
  /** The state's name for each path. */
  const origins = new Map<string, string>();
  const problems: string[] = [];
  for (const [given, value] of Object.entries(state)) {
    const name = rename ? rename(given) : given;
    if (name === null) continue;
    if (typeof name !== 'string') {
      throw typeError(
        `loadStateDict: rename must give a name, or null to leave '${given}' out; got ${typeof name}`,
      );
    }
    const shown = name === given ? `'${given}'` : `'${given}', renamed to '${name}',`;
    const path = targets.has(name) ? name : foreign.has(name) ? foreign.get(name) : camelCase(name);
    if (path === null || path === undefined) continue;
    const variable = targets.get(path);
    if (!variable) {
      if (strict) problems.push(`unknown: ${shown.replace(/,$/, '')}`);
      continue;
    }
    met.add(variable);
    const other = origins.get(path);
    if (other !== undefined) {
      problems.push(`'${other}' and '${given}' are both '${path}'`);
      continue;
    }
    origins.set(path, given);
    if (!(value instanceof Tensor))
      throw codedError(TypeError, 'AG_NOT_A_TENSOR', `loadStateDict: ${shown} is no tensor`);
    if (
      value.shape.length !== variable.shape.length ||
      value.shape.some((size, i) => size !== variable.shape[i])
    ) {
      problems.push(
        `${shown} has shape ${formatShape(value.shape)}, the module needs ${formatShape(variable.shape)}`,
      );
      continue;
    }
    updates.set(variable, value.cast(variable.dtype));
  }
  if (strict) {
    for (const [path, variable] of targets) {
      if (met.has(variable)) continue;
      met.add(variable);
      problems.push(`missing: '${path}' ${formatShape(variable.shape)}`);
    }
  }
  if (problems.length > 0) {
    const shown = problems.slice(0, 12).join('; ');
    const rest = problems.length > 12 ? `; and ${problems.length - 12} more` : '';
    throw codedError(
      Error,
      'AG_STATE_MISMATCH',
      `loadStateDict: the state does not fit the module, nothing was changed. ${shown}${rest}. ` +
        'Use { rename } when names differ, { strict: false } to load what fits by name.',
    );
  }
  if (updates.size > 0) commitUpdates(updates);
}

/** Paths as other libraries write them, with the paths here. */
function foreignPaths(module: Loaded): Map<string, string | null> {
  const found = new Map<string, string | null>();
  for (const [path, inner] of module.namedModules()) {
    const prefix = path === '' ? '' : `${path}.`;
    for (const [foreign, own] of Object.entries(inner.foreignNames())) {
      found.set(prefix + foreign, own === null ? null : prefix + own);
      if (prefix !== snakeCase(prefix))
        found.set(snakeCase(prefix) + foreign, own === null ? null : prefix + own);
    }
  }
  return found;
}

function camelCase(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
