/**
 * The files of this repository that are made from its code, each with its content. Screenshots are not among them
 * (`pnpm --dir apps/web pictures`): no two are the same to the byte. Nor are golden files, which only say what was.
 */
import { commandsPage } from '../apps/cli/scripts/commandsPage.ts';
import { errorsPage } from '../apps/cli/scripts/errorsPage.ts';
import { gradientDocument } from '../packages/graph/src/testing/document.ts';
import { layersPage } from '../packages/nn/scripts/layersPage.ts';
import { pictures } from '../packages/viz/scripts/pictures.ts';
import { mistakesPage } from '../tests/mistakes/page.ts';
import { enginesPage } from './enginesPage.mjs';
import { readmeWithTable } from './environments/results.mjs';
import { architecturePage, map } from './map.mjs';
import { operationsPage } from './operationsPage.ts';

/** Contents by path. */
export const generated = {
  'docs/errors.md': errorsPage(),
  'docs/mistakes.md': await mistakesPage(),
  'docs/gradients.md': gradientDocument(),
  'docs/engines.md': enginesPage(),
  'docs/layers.md': layersPage(),
  'docs/operations-table.md': operationsPage(),
  'docs/map.md': map(),
  'docs/architecture.md': architecturePage(),
  'packages/all/README.md': readmeWithTable(),
  'apps/cli/docs/commands.md': commandsPage(),
  ...Object.fromEntries(
    Object.entries(pictures).map(([name, svg]) => [`packages/viz/docs/gallery/${name}.svg`, `${svg}\n`]),
  ),
};
