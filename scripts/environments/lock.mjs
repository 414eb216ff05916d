/** One run of these checks at a time: clones on one machine share the folder of tools. */
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Waits until no other process holds the folder, and holds it until this one ends. */
export async function hold(folder) {
  mkdirSync(folder, { recursive: true });
  const lock = join(folder, 'lock');
  for (let told = false; ; ) {
    try {
      mkdirSync(lock);
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      if (isAbandoned(lock)) {
        rmSync(lock, { recursive: true, force: true });
        continue;
      }
      if (!told) console.log(`waiting for another run, which holds ${lock}`);
      told = true;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
  writeFileSync(join(lock, 'process'), String(process.pid));
  process.on('exit', () => rmSync(lock, { recursive: true, force: true }));
}

/** Whether the process that took the lock is gone, or ended before it said its number. */
function isAbandoned(lock) {
  try {
    process.kill(Number(readFileSync(join(lock, 'process'), 'utf8')), 0);
    return false;
  } catch (error) {
    if (error.code === 'EPERM') return false;
    if (error.code === 'ESRCH') return true;
    const made = statSync(lock, { throwIfNoEntry: false })?.mtimeMs;
    return made !== undefined && Date.now() - made > 10_000;
  }
}
