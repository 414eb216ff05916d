/**
 * `pnpm docs:check`: the built site as readers get it. Its size; every link and anchor; nothing from other origins; and its search, which
 * is asked the fifty questions by MiniSearch with the site's own index.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import MiniSearch from 'minisearch';
import { questionsOf } from './questions.ts';
import { asked, fields, searchOptions } from './search.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const dist = join(root, 'apps/docs/dist');
const maxBytes = 20e6;

if (!existsSync(join(dist, 'index.html'))) {
  console.error('docs: the site is not built: pnpm docs:build');
  process.exit(1);
}
const files = readdirSync(dist, { recursive: true, encoding: 'utf8' }).map((file) =>
  file.replaceAll('\\', '/'),
);
const pages = files.filter((file) => file.endsWith('.html'));
const problems: string[] = [];

const bytes = files
  .map((file) => statSync(join(dist, file)))
  .reduce((sum, one) => sum + (one.isFile() ? one.size : 0), 0);
if (bytes > maxBytes)
  problems.push(`the site has ${(bytes / 1e6).toFixed(1)} MB, more than ${maxBytes / 1e6}`);

const anchors = new Map<string, Set<string>>();
const texts = new Map(pages.map((page) => [page, readFileSync(join(dist, page), 'utf8')]));
for (const [page, html] of texts) {
  anchors.set(page, new Set([...html.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => decode(id))));
}
let links = 0;
for (const [page, html] of texts) {
  for (const [, target] of html.matchAll(/<a\b[^>]*\shref="([^"]+)"/g)) {
    if (/^[a-z]+:/.test(target)) continue;
    links++;
    const { pathname, hash } = new URL(target, `http://site/${page}`);
    const path = decodeURIComponent(pathname.slice(1));
    const file = [path, `${path}index.html`, `${path}.html`].find(
      (one) => texts.has(one) || (one === path && path !== '' && files.includes(one)),
    );
    if (file === undefined) problems.push(`${page}: ${target} leads nowhere`);
    else if (
      hash !== '' &&
      texts.has(file) &&
      !anchors.get(file)?.has(decode(decodeURIComponent(hash.slice(1))))
    ) {
      problems.push(`${page}: ${target} has no such place`);
    }
  }
  for (const [, from] of html.matchAll(/<(?:script|img|link)\b[^>]*\s(?:src|href)="(https?:\/\/[^"]+)"/g)) {
    problems.push(`${page}: fetches ${from}`);
  }
}

const index = files.find((file) => /@localSearchIndexroot.*\.js$/.test(file));
let found = 0;
const questions = questionsOf(root);
if (index === undefined) problems.push('there is no search index');
else {
  const { default: json } = await import(join(dist, index));
  const search = MiniSearch.loadJSON(json, { ...fields, searchOptions });
  for (const { question, page } of questions) {
    const [first] = search.search(asked(question));
    if (first?.id.replace(/\.html.*|#.*/g, '') === `/${page}`) found++;
    else problems.push(`search: "${question}" finds ${first?.id}, not /${page}`);
  }
}
for (const problem of new Set(problems)) console.log(`WRONG ${problem}`);
console.log(
  `${pages.length} pages, ${(bytes / 1e6).toFixed(1)} MB, ${links} links, ${found} of ${questions.length} questions found; ${problems.length} things are wrong`,
);
process.exitCode = problems.length === 0 ? 0 : 1;

function decode(text: string): string {
  return text.replaceAll('&amp;', '&').replaceAll('&#39;', "'").replaceAll('&quot;', '"');
}
