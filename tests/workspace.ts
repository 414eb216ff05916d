/** What the tests of packages as a whole share: the list of packages, and programs run to their end. */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

export interface Manifest {
  name: string;
  private?: boolean;
  bin?: Record<string, string>;
  dependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
}

export interface Package {
  folder: string;
  manifest: Manifest;
}

/** Every package that is published, by name. */
export function publishedPackages(): Map<string, Package> {
  const found = new Map<string, Package>();
  for (const parent of ['packages', 'apps']) {
    for (const name of readdirSync(join(root, parent))) {
      const folder = join(root, parent, name);
      if (!existsSync(join(folder, 'package.json'))) continue;
      const manifest: Manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
      if (!manifest.private) found.set(manifest.name, { folder, manifest });
    }
  }
  return found;
}

/** The names given and every package of ours that they need, peers included. */
export function withNeeds(names: Iterable<string>, packages: Map<string, Package>): string[] {
  const needed = new Set(names);
  for (const name of needed) {
    const manifest = packages.get(name)?.manifest;
    for (const other of Object.keys({ ...manifest?.dependencies, ...manifest?.peerDependencies })) {
      if (packages.has(other)) needed.add(other);
    }
  }
  return [...needed];
}

/** The first block of a Markdown text that is marked as `language`, or undefined. */
export function firstBlock(markdown: string, language: string): string | undefined {
  return new RegExp(`^\`\`\`${language}\\b[^\\n]*\\n([\\s\\S]*?)^\`\`\``, 'm').exec(markdown)?.[1];
}

/** Runs a program and resolves with its stdout; rejects with everything it said when it fails. */
export function run(program: string, options: string[], cwd: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, options, { cwd, shell: process.platform === 'win32' && program === 'npm' });
    const said: Record<'stdout' | 'stderr', string> = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream].setEncoding('utf8').on('data', (text: string) => {
        said[stream] += text;
      });
    }
    child.on('error', reject);
    child.on('close', (status) => {
      if (status === 0) resolve(said.stdout);
      else {
        const words = [program, ...options].join(' ');
        reject(new Error(`${words} ended with ${status}\n${said.stdout}\n${said.stderr}`));
      }
    });
  });
}
