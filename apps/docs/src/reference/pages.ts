/**
 * Reference pages: one for each family of names, that is for a source file or a folder of them, with everything that is said in their
 * comments.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Comment, type Entry, headComment, type Member, readEntries } from './read.ts';

/** A page of the reference. */
export interface ReferencePage {
  /** Below `reference/api/`, without an ending: `nn/linear`. */
  readonly path: string;
  readonly title: string;
  /** The package: `@ag/nn`. */
  readonly door: string;
  readonly names: readonly string[];
  readonly text: string;
}

/** Titles where the name of the file says little. */
const titles: Readonly<Record<string, string>> = {
  'tensor/functions/free': 'methods as functions',
  'tensor/functions/at': 'writing into parts',
  'tensor/functions/select': 'selecting',
  'tensor/ops/op': 'operations of your own',
  'tensor/kernel': 'kernels and backends',
  'tensor/run': 'evaluation',
  'tensor/tensor': 'Tensor',
  'tensor/variable': 'Variable',
  'nn/module': 'Module',
};

/** All pages, and where each name stands: `@ag/nn linear` → `nn/linear#linear`. */
export function referencePages(root: string, all: readonly Entry[] = readEntries(root)): ReferencePage[] {
  const families = new Map<string, Entry[]>();
  for (const entry of all) {
    const path = familyOf(entry);
    families.set(path, [...(families.get(path) ?? []), entry]);
  }
  const places = new Map<string, string>();
  for (const [path, entries] of families) {
    for (const entry of entries) {
      // A function is what most mean by a name that a class or a type has as well.
      const place = `/reference/api/${path}#${anchorOf(entry)}`;
      if (!places.has(entry.name) || entry.kind === 'function') places.set(entry.name, place);
    }
  }
  return [...families].map(([path, entries]) => page(path, entries, places, root));
}

/** `packages/nn/src/losses/ctc.ts` → `nn/losses`; the many functions of tensors stand in a page for each file. */
function familyOf({ file, door, name }: Entry): string {
  const own = door.split('/')[1];
  const [, package_, , ...rest] = file.split('/');
  if (door.split('/').length > 2) return door.slice('@ag/'.length);
  // What comes from another package stands where it is exported.
  if (package_ !== own) return `${own}/other`;
  if (name === 'Tensor') return 'tensor/tensor';
  const inner = rest.map((part) => part.replace(/\.ts$/, ''));
  if (inner.length === 1) return `${own}/${inner[0]}`;
  const deep = ['functions', 'ops', 'files', 'callbacks'].includes(inner[0]);
  return `${own}/${deep ? inner.slice(0, 2).join('/') : inner[0]}`;
}

function anchorOf({ name, kind }: Entry): string {
  return kind === 'class' || kind === 'type' ? `${name.toLowerCase()}-${kind}` : name.toLowerCase();
}

function page(
  path: string,
  entries: readonly Entry[],
  places: ReadonlyMap<string, string>,
  root: string,
): ReferencePage {
  const [{ door, file }] = entries;
  const files = new Set(entries.map((entry) => entry.file));
  const folderHead = join(root, file.split('/').slice(0, 4).join('/'), 'index.ts');
  const head =
    files.size === 1 ? headComment(join(root, file)) : existsSync(folderHead) ? headComment(folderHead) : '';
  const last = path.split('/').at(-1)!;
  const title = titles[path] ?? last.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  const functions = entries.filter(({ kind }) => kind !== 'type');
  const types = entries.filter(({ kind }) => kind === 'type');
  const values = functions.map(({ name }) => name);
  const imports =
    values.length > 0 ? `\`\`\`ts\nimport { ${shorten(values)} } from '${door}';\n\`\`\`\n\n` : '';
  return {
    path,
    title,
    door,
    names: entries.map(({ name }) => name),
    text: unique(
      `---\ntitle: "${title} · ${door}"\noutline: [2, 2]\n---\n\n# ${title} {#top}\n\n${prose(head, places)}\n\n${imports}${[...functions, ...types].map((entry) => section(entry, places)).join('\n')}`,
    ),
  };
}

/** Anchors that two headings have in common get numbers, the first excepted. */
function unique(text: string): string {
  const seen = new Map<string, number>();
  return text.replace(/^(#+ .*\{#)([^}]+)\}$/gm, (_, start: string, id: string) => {
    const count = seen.get(id) ?? 0;
    seen.set(id, count + 1);
    return `${start}${id}${count === 0 ? '' : `-${count}`}}`;
  });
}

function shorten(names: readonly string[]): string {
  return names.length > 6 ? `${names.slice(0, 6).join(', ')}, …` : names.join(', ');
}

function section(entry: Entry, places: ReadonlyMap<string, string>): string {
  const { name, kind, signatures, comment, members } = entry;
  const parts = [
    `## ${name}${kind === 'class' || kind === 'type' ? ` <Badge type="info" text="${kind}" />` : ''} {#${anchorOf(entry)}}`,
    '',
  ];
  if (signatures.length > 0) parts.push('```ts', ...signatures, '```', '');
  parts.push(described(comment, places), '');
  const inTable = kind === 'type' ? members : members.filter(({ isMethod }) => !isMethod);
  if (inTable.length > 0) parts.push(table(inTable, places), '');
  for (const member of members)
    if (!inTable.includes(member)) parts.push(memberSection(entry, member, places));
  const used = typesOf(entry, places);
  if (used.length > 0) parts.push(`Types: ${used.join(', ')}`, '');
  return parts.join('\n');
}

function memberSection(entry: Entry, member: Member, places: ReadonlyMap<string, string>): string {
  return [
    `### ${member.name.replace(/[[\]]/g, '\\$&')} {#${anchorOf(entry)}-${member.name.toLowerCase().replace(/[^a-z0-9]+/g, '-')}}`,
    '',
    '```ts',
    member.signature,
    '```',
    '',
    described(member.comment, places),
    '',
  ].join('\n');
}

function table(members: readonly Member[], places: ReadonlyMap<string, string>): string {
  const rows = members.map(({ name, signature, comment }) => {
    const type = signature
      .replace(/^(?:readonly |static |get )*/, '')
      .replace(/^\w+\??:\s*/, '')
      .replace(/\s+/g, ' ');
    const text = [comment.text, ...comment.tags.map(tagText)].filter((part) => part !== '').join(' ');
    return `| \`${name}\` | ${code(type)} | ${prose(text, places)
      .replace(/\s*\n\s*/g, ' ')
      .replaceAll('|', '\\|')} |`;
  });
  return ['| | type | |', '| --- | --- | --- |', ...rows].join('\n');
}

/** Code in a cell of a table. */
function code(text: string): string {
  if (text === '') return '';
  const escaped = text.replaceAll('|', '\\|');
  return text.includes('`') ? `\`\` ${escaped} \`\`` : `\`${escaped}\``;
}

function described({ text, tags }: Comment, places: ReadonlyMap<string, string>): string {
  const parts = [prose(text, places)];
  const parameters = tags.filter(({ name, of }) => name === 'param' && of !== '');
  if (parameters.length > 0) {
    parts.push(parameters.map(({ of, text: own }) => `- \`${of}\`: ${prose(own, places)}`).join('\n'));
  }
  for (const tag of tags) if (tag.name !== 'param') parts.push(prose(tagText(tag), places));
  return parts.filter((part) => part !== '').join('\n\n');
}

function tagText({ name, text }: Comment['tags'][number]): string {
  if (name === 'returns') return `**Returns** ${text}`;
  if (name === 'throws') return `**Throws** ${text}`;
  if (name === 'deprecated') return `**Deprecated.** ${text}`;
  if (name === 'example') return text.includes('```') ? text : `\`\`\`ts\n${text}\n\`\`\``;
  return name === 'param' ? '' : text;
}

/** A comment's text as Markdown of the site: links to names resolved, nothing taken for HTML. */
function prose(text: string, places: ReadonlyMap<string, string>): string {
  return text
    .replace(/\{@link ([\w.]+)(?:\(\))?(?:[| ]+([^}]*))?\}/g, (_, name: string, label?: string) => {
      const place = places.get(name.split('.')[0]);
      const shown = label?.trim() ? label.trim() : `\`${name}\``;
      return place ? `[${shown}](${place})` : shown;
    })
    .split(/(```[\s\S]*?```|`[^`\n]*`)/)
    .map((part, i) => (i % 2 === 1 ? part : harmless(part)))
    .join('');
}

/** Text without code: brackets that are no links, and `<`, stand for themselves. */
function harmless(text: string): string {
  return text
    .replace(/<(?=[A-Za-z/!])/g, '&lt;')
    .replaceAll('{{', '&#123;{')
    .replace(/\[([^\]\n]*)\](?!\()/g, '\\[$1\\]');
}

/** Other public types that the signatures speak of. */
function typesOf(entry: Entry, places: ReadonlyMap<string, string>): string[] {
  const text = [
    ...entry.signatures,
    ...(entry.kind === 'type' ? entry.members.map(({ signature }) => signature) : []),
  ].join(' ');
  const names = new Set(text.match(/\b[A-Z]\w+\b/g));
  names.delete(entry.name);
  return [...names]
    .filter((name) => places.has(name))
    .sort()
    .map((name) => `[${name}](${places.get(name)})`);
}
