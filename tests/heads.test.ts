/** What each file is for stands in the first sentence of its head comment, short enough to be quoted in a list. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root } from './workspace.ts';

const longest = 100;

it.each(['datasets', 'graph', 'mpi', 'nn', 'onnx', 'optim', 'viz'])(
  'files of %s say what they are for',
  (name) => {
    const folder = join(root, 'packages', name, 'src');
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
    const wrong = files
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
      .map((file) => [file, firstSentence(readFileSync(join(folder, file), 'utf8'))] as const)
      .filter(([, sentence]) => sentence === undefined || sentence.length > longest);
    expect(wrong).toEqual([]);
  },
);

/** The first sentence of the comment at the head of a file, or undefined where there is none. */
function firstSentence(source: string): string | undefined {
  const comment = /^(?:\/\/.*\n)*\/\*\*([\s\S]*?)\*\//.exec(source)?.[1];
  return comment
    ?.replaceAll(/^\s*\* ?/gm, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim()
    .split(/(?<=[.!?])\s/)[0];
}
