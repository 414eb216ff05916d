/** Which documents of the repository are pages of the site, under which address, and how its menus are made. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ReferencePage } from './reference/pages.ts';

/** A document and where it goes. */
export interface Page {
  /** From the root of the repository. */
  readonly source: string;
  /** On the site, without an ending: `guide/install`. */
  readonly path: string;
  readonly title: string;
}

/** A heading of a menu with its entries. */
export interface Group {
  readonly text: string;
  readonly items: readonly { readonly text: string; readonly link: string }[];
}

/** Guides in the order in which they are read; a test holds that each file is among them. */
export const guides: Readonly<Record<string, readonly string[]>> = {
  Start: ['install', 'first-network', 'tensors', 'data', 'training', 'saving'],
  'Coming from': [
    'coming-from-pytorch',
    'coming-from-tensorflow-js',
    'coming-from-brain-js',
    'coming-from-jax-js',
  ],
  'Your own': ['own-data', 'own-layer', 'own-loss', 'own-loop'],
  Recipes: [
    'fine-tuning',
    'several-inputs',
    'class-weights',
    'unequal-lengths',
    'accumulation',
    'reproducibility',
  ],
  'Where it runs': [
    'workers',
    'training-service',
    'server',
    'bun-deno',
    'bundlers',
    'frameworks',
    'csp',
    'gpu',
    'several-machines',
  ],
  Performance: ['prediction', 'first-step', 'memory'],
  Help: ['troubleshooting', 'faq'],
};

/** Documents beside the guides: where each goes. */
const others: Readonly<Record<string, string>> = {
  'docs/questions.md': 'questions',
  'docs/operations.md': 'reference/operations',
  'docs/operations-table.md': 'reference/operations-table',
  'docs/gradients.md': 'reference/gradients',
  'docs/layers.md': 'reference/layers',
  'docs/features.md': 'reference/features',
  'docs/engines.md': 'reference/engines',
  'docs/errors.md': 'reference/errors',
  'docs/mistakes.md': 'reference/mistakes',
  'docs/names.md': 'reference/names',
  'docs/environment.md': 'reference/environment',
  'docs/glossary.md': 'reference/glossary',
  'apps/cli/README.md': 'reference/cli/index',
  'apps/cli/docs/your-own-table.md': 'reference/cli/your-own-table',
  'apps/cli/docs/commands.md': 'reference/cli/commands',
  'apps/cli/docs/exit-codes-and-events.md': 'reference/cli/exit-codes-and-events',
  'docs/README.md': 'inside/index',
  'docs/architecture.md': 'inside/architecture',
  'docs/differentiation.md': 'inside/differentiation',
  'docs/distributed.md': 'inside/distributed',
  'docs/exporting.md': 'inside/exporting',
  'docs/numerics.md': 'inside/numerics',
  'docs/shapes-in-types.md': 'inside/shapes-in-types',
  'docs/reproducibility.md': 'inside/reproducibility',
  'docs/adding-an-op.md': 'inside/adding-an-op',
  'docs/adding-a-layer.md': 'inside/adding-a-layer',
  'docs/adding-a-loss.md': 'inside/adding-a-loss',
  'docs/map.md': 'inside/map',
  'CONTRIBUTING.md': 'inside/contributing',
  'SECURITY.md': 'inside/security',
  'CODE_OF_CONDUCT.md': 'inside/code-of-conduct',
  'apps/docs/README.md': 'inside/documentation',
  'apps/web/README.md': 'inside/application',
  'bench/README.md': 'bench/index',
  'bench/NOTES.md': 'bench/notes',
  'packages/datasets/docs/digits.md': 'packages/digits',
  'examples/README.md': 'learn/index',
};

/** All documents that are pages, in the order of the menus. */
export function documents(root: string): Page[] {
  const list = (folder: string) => readdirSync(join(root, folder)).sort();
  const page = (source: string, path: string): Page => ({ source, path, title: titleOf(join(root, source)) });
  return [
    ...Object.values(guides)
      .flat()
      .map((name) => page(`docs/guide/${name}.md`, `guide/${name}`)),
    ...Object.entries(others).map(([source, path]) => page(source, path)),
    ...list('packages')
      .filter((name) => existsSync(join(root, 'packages', name, 'README.md')))
      .map((name) => page(`packages/${name}/README.md`, `packages/${name}`)),
    ...list('docs/decisions').map((file) =>
      page(`docs/decisions/${file}`, `inside/decisions/${file.slice(0, -3)}`),
    ),
  ];
}

/** The first heading, without marks. */
function titleOf(path: string): string {
  return (/^# (.*)$/m.exec(readFileSync(path, 'utf8'))?.[1] ?? path).replaceAll('`', '');
}

/** The menus: one for each part of the site, by the beginning of its addresses. */
export function menus(
  pages: readonly Page[],
  examples: readonly Page[],
  reference: readonly ReferencePage[],
): Record<string, readonly Group[]> {
  const titles = new Map(pages.map(({ path, title }) => [path, title]));
  const entry = (path: string, text = titles.get(path) ?? path) => ({
    text,
    link: `/${path.replace(/(^|\/)index$/, '$1')}`,
  });
  const below = (start: string) =>
    pages.filter(({ path }) => path.startsWith(start)).map(({ path }) => entry(path));
  const guideMenu = Object.entries(guides).map(([text, names]) => ({
    text,
    items: names.map((name) => entry(`guide/${name}`)),
  }));
  guideMenu.at(-1)!.items.push(entry('questions', 'Fifty questions'), entry('reference/errors'));
  const packages = [...new Set(reference.map(({ door }) => door.split('/').slice(0, 2).join('/')))];
  const own = (name: string) => reference.filter(({ door }) => door === name || door.startsWith(`${name}/`));
  const addresses = (list: readonly ReferencePage[]) =>
    list.map(({ path, title }) => ({ text: title, link: `/reference/api/${path}` }));
  const everyPackage = {
    text: 'Packages',
    items: packages.map((name) => ({ text: name, link: `/reference/api/${own(name)[0].path}` })),
  };
  // A menu for each package: one for all of them would be most of every page.
  const api = packages.map((name) => [
    `/reference/api/${name.split('/')[1]}/`,
    [
      { text: name, items: addresses(own(name)) },
      { text: 'All packages', items: [{ text: 'Reference', link: '/reference/' }] },
    ],
  ]);
  const tables = [
    'operations',
    'operations-table',
    'gradients',
    'layers',
    'features',
    'errors',
    'mistakes',
    'names',
    'environment',
    'glossary',
  ];
  return {
    '/guide/': guideMenu,
    '/questions': guideMenu,
    '/learn/': [
      {
        text: 'Examples',
        items: [entry('learn/index'), ...examples.map(({ path, title }) => entry(path, title))],
      },
    ],
    '/reference/': [
      { text: 'Tables', items: tables.map((name) => entry(`reference/${name}`)) },
      { text: 'agrad, the command', items: below('reference/cli/') },
      everyPackage,
    ],
    ...Object.fromEntries(api),
    '/packages/': [{ text: 'Packages', items: below('packages/') }],
    '/inside/': [
      { text: 'Inside', items: below('inside/').filter(({ link }) => !link.includes('decisions')) },
      { text: 'Decisions', items: below('inside/decisions/').slice(0, 1) },
    ],
    '/inside/decisions/': [
      { text: 'Decisions', items: [entry('inside/index'), ...below('inside/decisions/')] },
    ],
    '/bench/': [{ text: 'Measurements', items: below('bench/') }],
  };
}
