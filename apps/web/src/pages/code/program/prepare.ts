/** A program with the files that it imports, made ready to run. */
import type { RunnableProgram } from '../items.ts';
import { type Fault, transform } from './transform.ts';

export type Prepared =
  | { readonly program: RunnableProgram; readonly faults?: undefined }
  | { readonly faults: readonly Fault[] };

/** @param locals files beside the program, by the name that it imports them by */
export function prepare(
  source: string,
  locals: Readonly<Record<string, string>> = {},
  name = 'program.ts',
): Prepared {
  const main = transform(source, name);
  if (main.faults.length > 0) return { faults: main.faults };
  const imports = new Set(main.imports);
  const files: Record<string, string> = {};
  for (const local of main.imports) {
    if (!Object.hasOwn(locals, local)) continue;
    const beside = transform(locals[local], local.replace(/^.*\//, ''));
    for (const each of beside.imports) imports.add(each);
    files[local] = beside.code;
  }
  return { program: { code: main.code, imports: [...imports], files } };
}
