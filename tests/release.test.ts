/** What a release would be: versions that go together, and tarballs that are looked through. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
// @ts-expect-error: scripts of this repository have no declarations
import { filesOf, plannedVersions, tarballProblems, versionProblems } from '../scripts/release.mjs';
import { publishedPackages, root } from './workspace.ts';

/** What git says of the files that versions stand in. */
const manifests = () =>
  execFileSync('git', ['status', '--porcelain', '--', '*package.json', '*CHANGELOG.md', '.changeset'], {
    cwd: root,
    encoding: 'utf8',
  });

describe('versions', () => {
  it('of all published packages go up or stay, go together, and nothing here has changed', () => {
    const before = manifests();
    const planned = plannedVersions();
    expect(planned.map(({ name }: { name: string }) => name).sort()).toEqual(
      [...publishedPackages().keys()].sort(),
    );
    expect(versionProblems(planned)).toEqual([]);
    for (const { name, after, changelog } of planned) {
      expect(after, name).toMatch(/^0\.[1-9]\d*\.\d+$/);
      expect(changelog, name).toContain(`# ${name}\n\n## ${after}\n`);
    }
    expect(manifests()).toBe(before);
  });

  it('that a peer does not take are named', () => {
    const base = { folder: '', before: '0.1.0', changelog: '' };
    const tensor = { ...base, name: '@ag/tensor', after: '1.0.0', manifest: {} };
    const nn = {
      ...base,
      name: '@ag/nn',
      after: '0.2.0',
      manifest: {
        peerDependencies: { '@ag/tensor': '>=0.0.0 <1.0.0' },
        dependencies: { '@ag/tensor': '^0.1.0' },
      },
    };
    expect(versionProblems([tensor, nn])).toEqual([
      '@ag/nn: wants @ag/tensor >=0.0.0 <1.0.0, which will be 1.0.0',
      '@ag/nn: @ag/tensor is not a workspace: dependency',
    ]);
  });
});

describe('tarballs', () => {
  const manifest = (more: object) =>
    ['package.json', Buffer.from(JSON.stringify({ name: 'x', ...more }))] as const;
  const plain = [
    ['README.md', Buffer.from('')],
    ['LICENSE', Buffer.from('')],
  ] as const;

  it('are read', () => {
    const folder = mkdtempSync(join(tmpdir(), 'ag-tar-'));
    try {
      const header = Buffer.alloc(512);
      header.write('package/README.md', 0);
      header.write('00000000005 ', 124);
      const block = Buffer.alloc(512);
      block.write('hello');
      writeFileSync(join(folder, 'a.tgz'), gzipSync(Buffer.concat([header, block, Buffer.alloc(1024)])));
      const files: Map<string, Buffer> = filesOf(join(folder, 'a.tgz'));
      expect([...files].map(([name, bytes]) => [name, bytes.toString()])).toEqual([['README.md', 'hello']]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('that are whole have no problems', () => {
    const files = new Map([
      ...plain,
      manifest({ exports: { '.': { '@ag/source': './src/index.ts', default: './dist/index.js' } } }),
      ['dist/index.js', Buffer.from('')] as const,
    ]);
    expect(tarballProblems(files)).toEqual([]);
  });

  it('that lack or bring something are named', () => {
    const files = new Map([
      manifest({
        exports: { '.': './dist/index.js' },
        dependencies: { a: 'workspace:^' },
        scripts: { postinstall: 'x' },
      }),
      ['src/a.test.ts', Buffer.from('')] as const,
    ]);
    expect(tarballProblems(files)).toEqual([
      'has no README.md',
      'has no LICENSE',
      'exports ./dist/index.js, which is not in it',
      'has src/a.test.ts, which nobody needs',
      'a is workspace:^',
      'has a postinstall script',
    ]);
  });
});
