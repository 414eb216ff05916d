/** Every code is explained, and every explanation is of a code that the sources use. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { inProcess } from '../testTools.ts';
import { explanations } from './codes.ts';

const packages = fileURLToPath(new URL('../../../../packages/', import.meta.url));

describe('agrad explain', () => {
  it('prints meaning, cause, cure and example', async () => {
    const { exitCode, stdout } = await inProcess('explain', 'AG_UNKNOWN_OPTION');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(
      /^AG_UNKNOWN_OPTION \(error\)\n\n.*\n\nUsual cause: .*lr.*\nCure: .*\n\n {2}adam\(/,
    );
    expect((await inProcess('explain', '[ag_one_thread]')).stdout).toMatch(/^AG_ONE_THREAD \(warning\)/);
    expect((await inProcess('explain', 'shape_mismatch')).stdout).toMatch(/^AG_SHAPE_MISMATCH /);
  });

  it('names the nearest of a code that there is not', async () => {
    const { exitCode, stderr } = await inProcess('explain', 'AG_SHAPE_MISSMATCH');
    expect(exitCode).toBe(2);
    expect(stderr).toContain('Did you mean AG_SHAPE_MISMATCH?');
    expect((await inProcess('explain', 'quite_something_else_again')).stderr).toContain(
      "'agrad explain' lists all",
    );
  });

  it('lists all, also as JSON', async () => {
    const { stdout } = await inProcess('explain');
    expect(stdout.trim().split('\n')).toHaveLength(Object.keys(explanations).length);
    const json = JSON.parse((await inProcess('explain', 'AG_DTYPE', '--json')).stdout.trim());
    expect(json).toMatchObject({ type: 'result', code: 'AG_DTYPE', means: expect.any(String) });
  });
});

it('knows no code that nothing uses', () => {
  const text = readdirSync(packages)
    .flatMap((name) =>
      readdirSync(`${packages}${name}/src`, { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.ts') && !/\.test\.ts$/.test(file))
        .map((file) => readFileSync(`${packages}${name}/src/${file}`, 'utf8')),
    )
    .join('\n')
    // What only declares them.
    .replace(/export type (Error|Warning)Code =[\s\S]*?;/g, '');
  const kinds = /export type DataErrorKind =([\s\S]*?);/.exec(text)?.[1] ?? '';
  const made = [...kinds.matchAll(/'(\w+)'/g)].map(([, kind]) => `AG_DATA_${kind.toUpperCase()}`);
  const used = new Set([...[...text.matchAll(/'(AG_[A-Z_]+)'/g)].map(([, code]) => code), ...made]);
  expect(Object.keys(explanations).filter((code) => !used.has(code))).toEqual([]);
});
