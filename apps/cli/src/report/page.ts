/**
 * A page that needs nothing but itself: no network, no script. Pictures are SVG inside it; colors follow the reader's
 * preference for light or dark.
 */

import { pageText } from '../text.ts';

/** Text as HTML shows it. */
export function escapeText(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

/** One part of a page. */
export interface Section {
  readonly title: string;
  /** HTML. */
  readonly body: string;
}

/** A table of two columns. */
export function facts(rows: readonly (readonly [string, string])[]): string {
  const lines = rows.map(
    ([name, value]) => `<tr><th scope="row">${escapeText(name)}</th><td>${escapeText(value)}</td></tr>`,
  );
  return `<div class="wide"><table>${lines.join('')}</table></div>`;
}

/** A table with headings. */
export function columns(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const head = headings.map((text) => `<th scope="col">${escapeText(text)}</th>`).join('');
  const body = rows
    .map((row) => `<tr>${row.map((text) => `<td>${escapeText(text)}</td>`).join('')}</tr>`)
    .join('');
  return `<div class="wide"><table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>`;
}

/** Pictures beside each other where there is room. */
export function pictures(...drawings: readonly string[]): string {
  return `<div class="pictures">${drawings.map((svg) => `<figure>${svg}</figure>`).join('')}</div>`;
}

/** A picture in its own size, to be moved under its frame where it is wider than the page. */
export function widePicture(svg: string): string {
  return `<div class="wide">${svg}</div>`;
}

/** The whole page, in which no control character is left. */
export function page(title: string, lead: string, sections: readonly Section[]): string {
  const body = sections.map(
    (section) => `<section><h2>${escapeText(section.title)}</h2>${section.body}</section>`,
  );
  return pageText(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeText(title)}</title>
<style>
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #57606a; --line: #d0d7de; --ground: #fff; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --soft: #9aa4af; --line: #3a424c; --ground: #14181d; } }
body { margin: 0 auto; padding: 1.5rem; max-width: 75rem; font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--ground); }
h1 { font-size: 1.6rem; margin: 0; } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
p { margin: .5rem 0; } .lead { color: var(--soft); }
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 30rem), 1fr)); gap: 1rem; } figure { margin: 0; min-width: 0; }
svg { max-width: 100%; height: auto; } .wide svg { max-width: none !important; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: .95rem; }
th, td { text-align: left; padding: .2rem 1.2rem .2rem 0; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
th { font-weight: 500; color: var(--soft); white-space: nowrap; }
table + table, .wide + .wide { margin-top: 1rem; }
pre { overflow-x: auto; padding: .8rem; border: 1px solid var(--line); border-radius: .4rem; }
</style>
</head>
<body>
<main>
<h1>${escapeText(title)}</h1>
<p class="lead">${escapeText(lead)}</p>
${body.join('\n')}
</main>
</body>
</html>
`);
}
