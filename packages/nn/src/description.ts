/**
 * A network's architecture as plain data: which factory made each module, and with what.
 */
/** One module. `arguments` are those of the factory `layer`; descriptions among them stand for modules. */
export interface ModuleDescription {
  readonly layer: string;
  readonly arguments?: readonly Json[];
  /** Modules inside one that is no layer of this library, by name. */
  readonly children?: { readonly [name: string]: ModuleDescription };
}

/** Plain data. */
export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | ModuleDescription
  | { readonly [name: string]: Json };

/** What a module says of itself. */
export interface Described {
  describe(): readonly [layer: string, ...parameters: unknown[]] | null;
  members(): Iterable<readonly [string, unknown]>;
}

/** Implements `Module.toJSON`. */
export function describeModule(module: Described): ModuleDescription {
  const made = module.describe();
  if (made) {
    const [layer, ...parameters] = made;
    return { layer, arguments: withoutTrailingNull(parameters.map(plain)) };
  }
  const children: Record<string, ModuleDescription> = {};
  for (const [name, member] of module.members()) {
    if (isModule(member)) children[name] = describeModule(member);
  }
  return { layer: module.constructor.name, children };
}

export function isModule(value: unknown): value is Described {
  return typeof value === 'object' && value !== null && 'describe' in value && 'members' in value;
}

function plain(value: unknown): Json {
  if (isModule(value)) return describeModule(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).filter(
      ([, item]) => item !== undefined && typeof item !== 'function',
    );
    return Object.fromEntries(entries.map(([name, item]) => [name, plain(item)]));
  }
  if (typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean') return value;
  return null;
}

function withoutTrailingNull(list: readonly Json[]): readonly Json[] {
  let end = list.length;
  while (end > 0 && list[end - 1] === null) end--;
  return list.slice(0, end);
}
