/**
 * Recipes from modules of the user's own: `agrad train ./my-model.ts`. TypeScript is loaded directly.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Failure, usesCode } from '../failure.ts';
import { lineOfModule } from './blame.ts';
import type { Recipe } from './recipe.ts';
import { isKind } from './structured.ts';

/** Whether a name is a path of a module. */
export function looksLikeModule(name: string): boolean {
  return /\.(m|c)?(t|j)s$/.test(name);
}

/**
 * The default export of a module, checked.
 * @throws Failure `configuration` when there is no such file or it exports no recipe
 */
export async function loadModuleRecipe(path: string): Promise<Recipe> {
  const file = resolve(path);
  if (!existsSync(file)) throw new Failure('configuration', `${path}: there is no such module`);
  let loaded: unknown;
  try {
    loaded = /ts$/.test(file) ? await importByJiti(file) : await importPlain(file);
  } catch (error) {
    const place = error instanceof Error ? lineOfModule(error, path) : null;
    throw new Failure(
      'configuration',
      `${path} cannot be loaded: ${error instanceof Error ? error.message : String(error)}`,
      place === null ? undefined : `at ${place}`,
      error,
    );
  }
  const recipe = (loaded as { default?: unknown }).default;
  const { name, prepare, kind } = (recipe ?? {}) as Partial<Recipe>;
  if (typeof name !== 'string' || typeof prepare !== 'function' || !isKind(kind)) {
    throw new Failure(
      'configuration',
      `${path}: the default export is not a recipe`,
      "Export one by 'export default defineRecipe({ name, summary, kind, settings, parameters, prepare })' of @ag/cli.",
    );
  }
  const own = recipe as Recipe;
  usesCode(path);
  const { guardRecipe } = await import('./guard.ts');
  return guardRecipe({ ...own, settings: own.settings ?? {}, parameters: own.parameters ?? {} }, path);
}

async function importPlain(file: string): Promise<unknown> {
  try {
    return await import(pathToFileURL(file).href);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'ERR_MODULE_NOT_FOUND' || !message.includes("'@ag/")) throw error;
    return importByJiti(file);
  }
}

/**
 * With the packages that this command runs with, whatever is installed beside the module: so a recipe runs in a folder where
 * nothing is installed, and its tensors are of the library that trains them.
 */
async function importByJiti(file: string): Promise<unknown> {
  const { createJiti } = await import('jiti');
  const [tensor, graph, nn, optim, datasets, train, nativeWasm, viz, cli] = await Promise.all([
    import('@ag/tensor'),
    import('@ag/graph'),
    import('@ag/nn'),
    import('@ag/optim'),
    import('@ag/datasets'),
    import('@ag/train'),
    import('@ag/native-wasm'),
    import('@ag/viz'),
    import('../index.ts'),
  ]);
  const own = { tensor, graph, nn, optim, datasets, train, 'native-wasm': nativeWasm, viz, cli };
  const virtualModules = Object.fromEntries(
    Object.entries(own).map(([name, exported]) => [`@ag/${name}`, exported]),
  );
  return createJiti(import.meta.url, { virtualModules }).import(file);
}
