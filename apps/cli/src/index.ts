/** What modules of recipes need: `agrad train ./my-recipe.ts` runs the default export of a module. */
export {
  type BatchTransform,
  defineRecipe,
  type ParameterValue,
  type Recipe,
  type RecipeContext,
  type Task,
} from './recipes/recipe.ts';
export type { OutputKind, StructuredRecipe, StructuredTask } from './recipes/structured.ts';
export type { Settings } from './settings.ts';
