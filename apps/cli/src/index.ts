/** What modules of recipes need: `agrad train ./my-recipe.ts` runs the default export of a module. */
export {
  type BatchTransform,
  defineRecipe,
  type OutputKind,
  type ParameterValue,
  type Recipe,
  type RecipeContext,
  type StructuredRecipe,
  type StructuredTask,
  type Task,
} from './recipes/recipe.ts';
export type { Settings } from './settings.ts';
