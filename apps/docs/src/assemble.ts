/** Writes what VitePress builds: the documents of the repository, the examples and the reference, in one folder. */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { relink } from './links.ts';
import { documents, menus, type Page } from './pages.ts';
import { type ReferencePage, referencePages } from './reference/pages.ts';
import { headComment } from './reference/read.ts';

/** What was written. */
export interface Assembled {
  readonly pages: readonly Page[];
  readonly examples: readonly Page[];
  readonly reference: readonly ReferencePage[];
}

/**
 * @param root the repository
 * @param target is emptied
 * @param repository where sources can be read: `https://…/blob/main/`
 */
export function assemble(root: string, target: string, repository?: string): Assembled {
  rmSync(target, { recursive: true, force: true });
  const pages = documents(root);
  const examples = exampleFiles(root).map((file) => ({
    source: `examples/${file}`,
    path: `learn/${file.replace(/\.ts$/, '')}`,
    title: file.replace(/\.ts$/, '').replaceAll('-', ' '),
  }));
  const reference = referencePages(root);
  const known = new Map([...pages, ...examples].map((page) => [page.source, page]));
  known.set('README.md', { source: 'README.md', path: 'index', title: 'ag' });

  const write = (path: string, text: string): void => {
    const file = join(target, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  };
  const keep = (picture: string): string => {
    mkdirSync(dirname(join(target, 'public/pictures', picture)), { recursive: true });
    cpSync(join(root, picture), join(target, 'public/pictures', picture));
    return `/pictures/${picture}`;
  };
  for (const { source, path } of pages) {
    const text = readFileSync(join(root, source), 'utf8');
    write(`${path}.md`, relink(text, source, known, keep, repository));
  }
  const home = 'apps/docs/home.md';
  write('index.md', relink(readFileSync(join(root, home), 'utf8'), home, known, keep, repository));
  for (const { source, path, title } of examples)
    write(`${path}.md`, examplePage(join(root, source), source, title));
  for (const { path, text } of reference) write(`reference/api/${path}.md`, text);
  write('reference/index.md', referenceIndex(reference));

  const menu = menus(pages, examples, reference);
  write('.vitepress/menus.json', JSON.stringify(menu));
  cpSync(join(root, 'apps/docs/vitepress'), join(target, '.vitepress'), { recursive: true });
  return { pages, examples, reference };
}

function exampleFiles(root: string): string[] {
  return readdirSync(join(root, 'examples'))
    .filter((file) => /^\d\d-.*\.ts$/.test(file) && !file.endsWith('.test.ts'))
    .sort();
}

/** What the example teaches, how it is run, and all of it. */
function examplePage(path: string, source: string, title: string): string {
  const head = headComment(path)
    .replace(/\n\s*\n\s{4,}npm run ts[\s\S]*$/, '')
    .replace(/</g, '&lt;')
    .replaceAll('{{', '&#123;{');
  const code = readFileSync(path, 'utf8').replace(/^\s*\/\*\*[\s\S]*?\*\/\n/, '');
  return `# ${title}\n\n${head}\n\n\`\`\`sh\nnpm run ts -- ${source}\n\`\`\`\n\n\`\`\`ts\n${code.trimEnd()}\n\`\`\`\n`;
}

/** Every public name in alphabetical order, for those who know what they look for. */
function referenceIndex(reference: readonly ReferencePage[]): string {
  const packages = [...new Set(reference.map(({ door }) => door))];
  const parts = packages.map((door) => {
    const own = reference.filter((page) => page.door === door);
    const lines = own.map(
      ({ path, title, names }) =>
        `- [${title}](/reference/api/${path}): ${names.map((name) => `\`${name}\``).join(', ')}`,
    );
    return `## ${door}\n\n${lines.join('\n')}\n`;
  });
  return `# Reference\n\nEvery public name of every package, with what its source says of it: shapes, defaults, errors, where its formula comes from. Made from the comments in the sources.\n\n${parts.join('\n')}`;
}
