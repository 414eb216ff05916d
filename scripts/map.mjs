/**
 * The map of the sources: every folder and file, with the first sentence of the file's head comment.
 *
 * A file that has no head comment, or one whose first sentence is long, is an error: the map is what newcomers read first.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const maxLength = 130;

/** The page as it should be. */
export function map() {
  return [
    '# Map',
    '',
    'What each file is for, by its own first sentence. How the parts work together is in [architecture](architecture.md). This page is generated: `npm run generate`.',
    ...sources().flatMap(([title, path]) => ['', `## ${title}`, ...folderLines(path, path)]),
    '',
  ].join('\n');
}

function sources() {
  return [
    ...folders('packages').map((name) => [`@ag/${name}`, `packages/${name}/src`]),
    ...folders('apps').map((name) => [`apps/${name}`, `apps/${name}/src`]),
  ];
}

function folders(path) {
  return readdirSync(join(root, path), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && readdirSync(join(root, path, entry.name)).includes('src'))
    .map(({ name }) => name)
    .sort();
}

function folderLines(path, top) {
  const entries = readdirSync(join(root, path), { withFileTypes: true }).sort((a, b) =>
    compare(a.name, b.name),
  );
  const files = entries.filter((entry) => entry.isFile() && isSource(entry.name));
  const lines = files.map(({ name }) => `- [${name}](../${path}/${name}): ${sentenceOf(join(path, name))}`);
  const inner = entries
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => folderLines(join(path, name), top));
  if (lines.length === 0) return inner;
  const heading = path === top ? [] : ['', `### ${relative(top, path)}/`];
  return [...heading, '', ...lines, ...inner];
}

function isSource(name) {
  return /\.(ts|tsx|js)$/.test(name) && !/\.test\.|\.d\.ts$/.test(name);
}

function compare(a, b) {
  return a < b ? -1 : 1;
}

/** The first sentence of a file's head comment. @throws Error without one, and for one that is long */
function sentenceOf(path) {
  const text = readFileSync(join(root, path), 'utf8');
  const comment = /^(?:(?:#!|\/\/)[^\n]*\n)*\s*\/\*\*(.*?)\*\//s.exec(text)?.[1];
  if (comment === undefined) throw new Error(`${path} does not say in its first lines what it is for`);
  const [first] = comment
    .replace(/^\s*\* ?/gm, '')
    .trim()
    .split(/\n\s*\n/);
  const whole = (/^.*?(?<!\b[A-Z])\.(?=\s|$)/s.exec(first)?.[0] ?? first)
    .replaceAll('\n', ' ')
    .replace(/[.:]$/, '');
  // What stands before a colon says enough where the whole is long.
  const sentence = whole.length > maxLength ? whole.replace(/[:;] .*$/, '') : whole;
  if (sentence.length > maxLength)
    throw new Error(
      `${path}: the first sentence has ${sentence.length} characters, more than ${maxLength}: ${sentence}`,
    );
  return sentence;
}

const begin = '<!-- folders: made by npm run generate -->\n';
const end = '<!-- end of folders -->';

/** docs/architecture.md with its list of folders as it should be. */
export function architecturePage() {
  const text = readFileSync(join(root, 'docs/architecture.md'), 'utf8');
  const [before, rest] = text.split(begin);
  const lines = sources().flatMap(([title, path]) => [
    `- **${title}**`,
    ...folderNames(path).map(([folder, files]) => `  - \`${folder}\`: ${files.join(', ')}`),
  ]);
  return `${before}${begin}\n${lines.join('\n')}\n\n${rest.slice(rest.indexOf(end))}`;
}

/** Folders below a source folder, with the names of their files. */
function folderNames(path, name = '') {
  const entries = readdirSync(join(root, path), { withFileTypes: true }).sort((a, b) =>
    compare(a.name, b.name),
  );
  const files = entries
    .filter((entry) => entry.isFile() && isSource(entry.name))
    .map((entry) => entry.name.replace(/\.\w+$/, ''));
  const inner = entries
    .filter((entry) => entry.isDirectory())
    .flatMap((entry) => folderNames(join(path, entry.name), `${name}${entry.name}/`));
  return files.length === 0 ? inner : [[name || 'src/', files], ...inner];
}
