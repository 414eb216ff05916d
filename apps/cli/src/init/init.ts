/** `agrad init`: writes a recipe of one's own that runs at once, with a small example of data where none is named. */
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { eventVersion } from '@ag/train';
import { type InitOptions, type TemplateName, templates } from '../commands/init.ts';
import { exitCodes, Failure } from '../failure.ts';
import { quote } from '../quote.ts';
import { looksLikeModule } from '../recipes/userModule.ts';
import { didYouMean } from '../suggest.ts';
import { readTable } from '../tables/readTable.ts';
import type { Terminal } from '../terminal.ts';
import { version } from '../version.ts';
import { exampleImages, exampleTable } from './examples.ts';
import { type Blanks, digitsTemplate, imagesTemplate, pointsTemplate, tableTemplate } from './templates.ts';

/** A file to be written. */
interface NewFile {
  readonly path: string;
  readonly content: string | Uint8Array;
}

/** Runs the command; answers the exit code. */
export async function init(options: InitOptions, terminal: Terminal): Promise<number> {
  const { template, data, target } = options;
  const file = fileNamed(options.positional[0] ?? `${template === 'points' ? 'recipe' : template}.ts`);
  const folder = dirname(file);
  const { files: examples, ...filled } = await fill(template, file, data, target);
  const blanks: Blanks = { name: basename(file).replace(/\.[cm]?[jt]s$/, ''), ...filled };
  const path = quote(shownPath(file));
  const recipe = textOf(template, blanks).replace('agrad train FILE', `agrad train ${path}`);
  const files: NewFile[] = [{ path: file, content: recipe }, ...examples];
  const there = files.find((one) => existsSync(one.path));
  if (there) {
    throw new Failure(
      'configuration',
      `${there.path} exists already; nothing was written`,
      there.path === file
        ? `Name another file: agrad init OTHER.ts --template ${template}`
        : 'Name your data with --data, or start in another folder.',
    );
  }
  for (const { path, content } of files) {
    mkdirSync(dirname(path), { recursive: true });
    // Fails where a file has appeared meanwhile.
    writeFileSync(path, content, { flag: 'wx' });
  }
  const command = `agrad train ${path}`;
  terminal.print(`${file}: ${templates[template]}`);
  if (examples.length > 0) {
    const shown =
      template === 'images' ? `${filled.data}/: ${examples.length} images` : `${filled.data}: a table`;
    terminal.print(`${shown} to begin with, generated; put your own in its place`);
  }
  terminal.print('', 'Run it:', `  ${command}`);
  terminal.note(...packageHints(folder));
  terminal.event({
    v: eventVersion,
    type: 'result',
    command: 'init',
    template,
    files: files.map((one) => one.path),
    run: command,
  });
  return exitCodes.done;
}

function fileNamed(name: string): string {
  if (looksLikeModule(name)) return name;
  if (/\.[a-z]+$/i.test(name) && !name.endsWith('/')) {
    throw new Failure('usage', `${name}: a recipe is a module, such as ${name.replace(/\.[a-z]+$/i, '.ts')}`);
  }
  return existsSync(name) && statSync(name).isDirectory() ? join(name, 'recipe.ts') : `${name}.ts`;
}

/** A relative path as `agrad train` takes it for one. */
function shownPath(file: string): string {
  const path = relative('.', resolve(file));
  return path.startsWith('..') ? resolve(file) : `./${path.replaceAll('\\', '/')}`;
}

/** Data and target: those named, checked, or an example. */
async function fill(
  template: TemplateName,
  file: string,
  data: string | undefined,
  target: string | undefined,
): Promise<{ readonly data: string; readonly target: string; readonly files: readonly NewFile[] }> {
  const ofTable = template === 'classification' || template === 'regression';
  if (!ofTable && target !== undefined)
    throw new Failure('usage', `--target: the template '${template}' has no table`);
  if (!ofTable && template !== 'images') {
    if (data !== undefined)
      throw new Failure('usage', `--data: the template '${template}' makes its own data`);
    return { data: '', target: '', files: [] };
  }
  if (data === undefined) {
    if (target !== undefined) throw new Failure('usage', '--target needs the table, --data FILE.csv');
    const place = join(dirname(file), template === 'images' ? 'images' : `${template}.csv`);
    const path = shownPath(place).replace(/^\.\//, '');
    if (template !== 'images') {
      const { text, target } = exampleTable(template);
      return { data: path, target, files: [{ path, content: text }] };
    }
    const files = (await exampleImages()).map((one) => ({ path: join(path, one.name), content: one.bytes }));
    return { data: path, target: '', files };
  }
  if (!existsSync(data)) throw new Failure('data', `${data}: there is no such file or folder`);
  if (!ofTable) {
    if (!statSync(data).isDirectory())
      throw new Failure('data', `${data} is not a folder`, 'It holds a folder for each class.');
    return { data, target: '', files: [] };
  }
  const { table } = await readTable(data);
  if (target === undefined) {
    throw new Failure(
      'usage',
      `--target: which column of ${data} is to be predicted?`,
      `Columns: ${table.header.join(', ')}.`,
    );
  }
  if (!table.header.includes(target)) {
    throw new Failure(
      'usage',
      `--target ${target}: ${data} has no such column`,
      didYouMean(target, table.header, 'Columns'),
    );
  }
  return { data, target, files: [] };
}

function textOf(template: TemplateName, blanks: Blanks): string {
  switch (template) {
    case 'points':
      return pointsTemplate(blanks);
    case 'images':
      return imagesTemplate(blanks);
    case 'digits':
      return digitsTemplate(blanks);
    default:
      return tableTemplate(blanks, template);
  }
}

/** What a recipe needs to find its packages, as far as it is missing where it lies. */
function packageHints(folder: string): string[] {
  const needed = ['@ag/cli', '@ag/datasets', '@ag/nn'];
  let path = resolve(folder);
  let found: string | null = null;
  while (found === null) {
    if (existsSync(join(path, 'package.json'))) found = join(path, 'package.json');
    else if (dirname(path) === path) break;
    else path = dirname(path);
  }
  const install = `npm install --save-dev ${needed.map((name) => (/^0\.0\./.test(version) ? name : `${name}@${version}`)).join(' ')}`;
  const missing = needed.filter((name) => !isInstalled(resolve(folder), name));
  if (found === null) {
    return [
      '',
      'There is no package.json here. For an editor to know the types, and for packages of your own:',
      `  npm init -y && npm pkg set type=module && ${install}`,
    ];
  }
  const hints: string[] = [];
  if (missing.length > 0) hints.push('', 'For an editor to know the types:', `  ${install}`);
  try {
    const { type } = JSON.parse(readFileSync(found, 'utf8')) as { type?: string };
    if (type !== 'module')
      hints.push(
        `${found} lacks "type": "module"; agrad does not need it, other tools do: npm pkg set type=module`,
      );
  } catch {
    hints.push(`${found} is not JSON`);
  }
  return hints;
}

function isInstalled(folder: string, name: string): boolean {
  for (let path = folder; ; path = dirname(path)) {
    if (existsSync(join(path, 'node_modules', name))) return true;
    if (dirname(path) === path) return false;
  }
}
