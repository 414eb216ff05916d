/** Of several who take the same thing one gets it; what the dead have taken is free. */
import { spawn } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { transformSync } from 'esbuild';
import { afterAll, describe, expect, it } from 'vitest';
import { type Claim, type Holder, holderOf, isClaim, tryClaim } from './claim.ts';

const scratch = mkdtempSync(join(tmpdir(), 'agrad-claims-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
let folders = 0;
function newFolder(): string {
  const folder = join(scratch, String(folders++));
  mkdirSync(folder);
  return folder;
}

/** The module under test as JavaScript, for processes that know no TypeScript. */
const module = pathToFileURL(join(scratch, 'claim.mjs')).href;
writeFileSync(
  new URL(module),
  transformSync(readFileSync(new URL('./claim.ts', import.meta.url), 'utf8'), { loader: 'ts' }).code,
);

/** A process that runs a program in which `tryClaim` and `isClaim` are at hand; the lines it writes come one by one. */
function start(program: string) {
  const text = `import(${JSON.stringify(module)}).then(async ({ tryClaim, isClaim }) => { ${program} });`;
  const child = spawn(process.execPath, ['--eval', text], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (part) => {
    said += part;
  });
  const ended = new Promise<string>((resolve) => child.on('close', () => resolve(said)));
  const until = async (text: string): Promise<void> => {
    while (!said.includes(text)) await new Promise((resolve) => setTimeout(resolve, 5));
  };
  return { child, ended, until };
}

const claimOf = async (folder: string, patience?: number): Promise<Claim> => {
  const found = await tryClaim(folder, 'run', patience);
  if (!isClaim(found)) throw new Error(`held by ${found.who}`);
  return found;
};
const holding = async (folder: string, patience?: number): Promise<Holder> => {
  const found = await tryClaim(folder, 'run', patience);
  if (isClaim(found)) throw new Error('it was free');
  return found;
};

describe('tryClaim', () => {
  it('gives a thing to one, tells others who has it, and gives it again after its release', async () => {
    const folder = newFolder();
    const first = await claimOf(folder);
    expect(first.isHeld()).toBe(true);
    expect((await holding(folder)).who).toContain(`process ${process.pid} on `);
    const other = await tryClaim(folder, 'other');
    expect(isClaim(other)).toBe(true);
    first.release();
    expect(first.isHeld()).toBe(false);
    const second = await claimOf(folder);
    // Who was before takes nothing away.
    first.release();
    expect(second.isHeld()).toBe(true);
    second.release();
    expect(holderOf(folder, 'run')).toBeNull();
    expect(readdirSync(folder).filter((name) => name.startsWith('.run'))).toEqual([]);
  });

  it('is never given to two of many processes that go for it at once', { timeout: 60_000 }, async () => {
    const folder = newFolder();
    const log = join(folder, 'log');
    // Each takes it, looks whether anyone else is in, and leaves, again and again.
    const program = `
      const { openSync, closeSync, rmSync, appendFileSync } = await import('node:fs');
      const inside = ${JSON.stringify(join(folder, 'inside'))};
      const end = Date.now() + 1500;
      for (let done = 0; done < 60 && Date.now() < end; ) {
        const found = await tryClaim(${JSON.stringify(folder)}, 'run');
        if (!isClaim(found)) continue;
        try { closeSync(openSync(inside, 'wx')); rmSync(inside); done++; appendFileSync(${JSON.stringify(log)}, 'one '); }
        catch (error) { appendFileSync(${JSON.stringify(log)}, 'TWO: ' + error.message); }
        found.release();
      }`;
    await Promise.all([1, 2, 3, 4].map(() => start(program).ended));
    const written = readFileSync(log, 'utf8');
    expect(written).not.toContain('TWO');
    expect(written.split(' ').length).toBeGreaterThan(20);
  });

  it('takes what a killed process had, at once', async () => {
    const folder = newFolder();
    const owner = start(
      `const found = await tryClaim(${JSON.stringify(folder)}, 'run'); console.log(isClaim(found)); setInterval(() => {}, 1000);`,
    );
    await owner.until('true');
    expect((await holding(folder)).who).toContain(`process ${owner.child.pid}`);
    owner.child.kill('SIGKILL');
    await owner.ended;
    const claim = await claimOf(folder);
    // What the dead one left is gone.
    expect(readdirSync(folder)).toHaveLength(1);
    claim.release();
  });

  it('takes no other process of the same number for the owner, nor one from before the last start', async () => {
    for (const change of [{ ticks: '1' }, { boot: 'another' }]) {
      const folder = newFolder();
      const claim = await claimOf(folder);
      const [name] = readdirSync(folder);
      const path = join(folder, name);
      const said = JSON.parse(readFileSync(path, 'utf8'));
      // Where the system tells neither, the number is all there is.
      if (said.ticks === null) return;
      writeFileSync(path, JSON.stringify({ ...said, ...change }));
      expect(holderOf(folder, 'run')).toBeNull();
      claim.release();
    }
  });

  it('respects a process on another machine as long as it shows life, by whatever clock', async () => {
    for (const change of [{ host: 'elsewhere' }, { namespace: 'pid:[1]' }]) {
      const folder = newFolder();
      const path = join(folder, '.run.claim-7');
      const own = newFolder();
      const claim = await claimOf(own);
      const said = JSON.parse(readFileSync(join(own, readdirSync(own)[0]), 'utf8'));
      claim.release();
      writeFileSync(path, JSON.stringify({ ...said, ...change, pid: 4 }));
      expect(await holding(folder, 200)).toMatchObject({ alive: null, file: path });
      // Its clock goes back: a sign of life all the same.
      utimesSync(path, 1000, 1000);
      expect(await holding(folder, 200)).toMatchObject({ alive: true });
      await new Promise((resolve) => setTimeout(resolve, 250));
      (await claimOf(folder, 200)).release();
    }
  });

  it('waits for a claim that says nothing yet, and forgets one that never will', async () => {
    const folder = newFolder();
    writeFileSync(join(folder, '.run.claim-1'), '');
    expect(await holding(folder, 100)).toMatchObject({ alive: null });
    await new Promise((resolve) => setTimeout(resolve, 120));
    (await claimOf(folder, 100)).release();
  });

  it('is lost with its folder, and not found again in one of the same name', async () => {
    const folder = newFolder();
    const claim = await claimOf(folder);
    rmSync(folder, { recursive: true });
    expect(claim.isHeld()).toBe(false);
    mkdirSync(folder);
    const other = await claimOf(folder);
    expect(claim.isHeld()).toBe(false);
    claim.release();
    expect(other.isHeld()).toBe(true);
    other.release();
  });
});
