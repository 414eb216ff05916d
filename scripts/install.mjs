/**
 * Installs tools that only a check needs into a folder outside of the workspace. A description is a folder with exact
 * versions (package.json) and their digests (package-lock.json, without where they come from: npm takes them from the
 * registry it is configured for and compares). What is installed from the same description is not fetched again.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Brings `folder` up to date with a description.
 * @throws Error that says in one line why npm could not
 */
export async function install(description, folder, { seconds = 400, options = [] } = {}) {
  const files = ['package.json', 'package-lock.json'];
  const hash = createHash('sha256');
  for (const file of files) hash.update(readFileSync(join(description, file))).update('\0');
  const state = hash.digest('hex').slice(0, 20);
  const stamp = join(folder, '.installed');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === state) return;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const file of files) cpSync(join(description, file), join(folder, file));
  await npm(
    ['ci', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', ...options],
    folder,
    seconds,
  );
  writeFileSync(stamp, state);
}

function npm(options, cwd, seconds) {
  return new Promise((resolve, reject) => {
    const windows = process.platform === 'win32';
    // A group of its own on Unix, so that what npm starts ends with it.
    const child = spawn('npm', options, {
      cwd,
      env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined },
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: !windows,
      shell: windows,
    });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text) => {
      said += text;
    });
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      try {
        process.kill(windows ? child.pid : -child.pid, 'SIGKILL');
      } catch {
        child.kill('SIGKILL');
      }
    }, seconds * 1000);
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(new Error(error.code === 'ENOENT' ? 'there is no npm' : error.message));
    });
    child.on('close', (status) => {
      clearTimeout(timer);
      if (status === 0) return resolve();
      const reason =
        /npm (?:error|ERR!) (?!code |syscall |errno )(.*)/.exec(said)?.[1] ?? said.trim().split('\n')[0];
      reject(new Error(late ? `npm did not end within ${seconds} s` : reason || `npm ended with ${status}`));
    });
  });
}
