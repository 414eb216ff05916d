/**
 * The programs of the guides. A block with an `import` begins one, blocks without go on with it; what is marked `page` is for a
 * browser, what is marked `text` is only to be read.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../workspace.ts';

export interface Program {
  /** `data.md:12`: where its first block begins. */
  readonly place: string;
  readonly kind: 'node' | 'page' | 'command';
  readonly language: string;
  readonly code: string;
  /** Files that it reads, by name: other blocks of the page that say so. */
  readonly files: Readonly<Record<string, string>>;
}

export const guideFolder = join(root, 'docs/guide');

/** All guides, by name. */
export function guideFiles(): string[] {
  return readdirSync(guideFolder).filter((file) => file.endsWith('.md'));
}

/** The programs of one guide, in order. */
export function programsOf(file: string): Program[] {
  const lines = readFileSync(join(guideFolder, file), 'utf8').split('\n');
  const programs: { -readonly [K in keyof Program]: Program[K] }[] = [];
  const files: Record<string, string> = {};
  for (let at = 0; at < lines.length; at++) {
    const [, language, mark = ''] = /^```(\w+)(?: (\S+))?$/.exec(lines[at]) ?? [];
    if (language === undefined) continue;
    const first = at + 1;
    while (lines[++at] !== '```');
    const code = `${lines.slice(first, at).join('\n')}\n`;
    const place = `${file}:${first + 1}`;
    if (language === 'csv' || language === 'json') {
      if (mark) files[mark] = code;
    } else if (language === 'sh' && mark === 'run') {
      programs.push({ place, kind: 'command', language, code, files });
    } else if (/^(?:js|ts)$/.test(language) && (mark === '' || mark === 'page')) {
      const kind = mark === 'page' ? 'page' : 'node';
      const before = programs.at(-1);
      if (!/^import /m.test(code)) {
        if (before?.kind !== kind) throw new Error(`${place}: a block without imports goes on with none`);
        before.code += code;
      } else programs.push({ place, kind, language, code, files });
    }
  }
  return programs;
}

/** What a program prints, and what it says it prints: `console.log(x); // 3`. */
export function expectedOutputs(code: string): (string | null)[] {
  return [...code.matchAll(/^(.*)console\.(?:log)\((.*)$/gm)].map(([, , rest]) => {
    const [, said] = /\);(?: }+)?\s*\/\/ (.*)$/.exec(rest) ?? [];
    return said === undefined || /^[≈…]|^for example/.test(said) ? null : said;
  });
}
