/**
 * One folder, one run: a process takes a folder, or a trial in it, before it writes there. Whoever comes second is
 * told who has it. A claim is a small file that says which process made it. That of a process which is gone counts
 * for nothing, so what was killed can be taken up at once.
 *
 * Claims are made exclusively, then all claims are looked at: of two that were made at the same time each sees the other,
 * so there are never two. A process on another machine (or in another container) cannot be looked up; its claim counts as
 * long as its time changes, which the owner sees to. No clock is compared with another.
 */
import {
  linkSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

/** Milliseconds between two signs of life. */
const heartbeat = 5000;
/** Milliseconds without one after which a process that cannot be looked up is taken for dead. */
const silence = 12 * heartbeat;
const attempts = 10;

/** Which process it is. Numbers of processes are used again; with the time of its start one is never taken for another. */
interface Identity {
  readonly pid: number;
  /** When it was started, in ticks since the machine was, so that no clock matters; null where that cannot be known. */
  readonly ticks: string | null;
  readonly host: string;
  /** Another one after each start of the machine. */
  readonly boot: string | null;
  /** Another one in each container. */
  readonly namespace: string | null;
  /** Which claim of the process it is. */
  readonly nonce: string;
  readonly since: string;
}

/** Who has what was to be taken. */
export interface Holder {
  readonly file: string;
  /** For people. */
  readonly who: string;
  /** Null where the process cannot be looked up and has not been watched for long enough. */
  readonly alive: true | null;
}

/** What this process has taken, until `release`. */
export interface Claim {
  /** Whether it is still so: the folder may have been removed. */
  isHeld(): boolean;
  release(): void;
}

export function isClaim(found: Claim | Holder): found is Claim {
  return 'release' in found;
}

/**
 * Takes something in a folder, if nobody has it.
 *
 * @param name of what is taken; unlike any other in the folder
 * @param patience milliseconds after which a silent process that cannot be looked up counts as dead; for tests
 */
export async function tryClaim(folder: string, name: string, patience = silence): Promise<Claim | Holder> {
  for (let attempt = 1; ; attempt++) {
    const before = holderOf(folder, name, patience);
    if (before) return before;
    const numbers = claimsIn(folder, name).map(({ number }) => number);
    const own = {
      file: claimFile(folder, name, 1 + Math.max(0, ...numbers)),
      text: JSON.stringify(ourselves()),
    };
    if (create(own.file, own.text)) {
      const other = holderOf(folder, name, patience, own.file);
      if (!other) {
        for (const { file } of claimsIn(folder, name)) if (file !== own.file) rmSync(file, { force: true });
        return held(own.file, own.text);
      }
      // Both were made at the same time: both are given up, and one of the two will be the first to try again.
      rmSync(own.file, { force: true });
      if (attempt === attempts) return other;
    } else if (attempt === attempts) throw new Error(`${own.file} exists and says nothing`);
    await wait(Math.random() * 20 * attempt);
  }
}

/** Who has it; null when nobody has, or nobody who lives. */
export function holderOf(folder: string, name: string, patience = silence, own?: string): Holder | null {
  for (const { file } of claimsIn(folder, name)) {
    if (file === own) continue;
    const identity = read(file);
    if (identity === 'gone') continue;
    const alive = identity === null ? showsLife(file, patience) : isAlive(identity, file, patience);
    if (alive === false) continue;
    const who = identity
      ? `process ${identity.pid} on ${identity.host}, since ${identity.since}`
      : 'a process that does not say which';
    return { file, who, alive };
  }
  return null;
}

function claimFile(folder: string, name: string, number: number): string {
  return join(folder, `.${name}.claim-${number}`);
}

function claimsIn(folder: string, name: string): { file: string; number: number }[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return [];
  }
  const start = `.${name}.claim-`;
  return names
    .filter((one) => one.startsWith(start) && /^\d+$/.test(one.slice(start.length)))
    .map((one) => ({ file: join(folder, one), number: Number(one.slice(start.length)) }));
}

/** Makes a file with its content, at once, if there is none of that name. */
function create(file: string, text: string): boolean {
  const whole = `${file}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  try {
    writeFileSync(whole, text, { flag: 'wx' });
    linkSync(whole, file);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    // Some file systems know no links. Then the content comes a moment after the name.
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(code ?? '')) throw error;
    try {
      writeFileSync(file, text, { flag: 'wx' });
      return true;
    } catch (second) {
      if ((second as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw second;
    }
  } finally {
    rmSync(whole, { force: true });
  }
}

function held(file: string, text: string): Claim {
  const isHeld = (): boolean => {
    try {
      return readFileSync(file, 'utf8') === text;
    } catch {
      return false;
    }
  };
  const timer = setInterval(() => {
    try {
      if (isHeld()) utimesSync(file, new Date(), new Date());
    } catch {
      // Whoever looks next finds that out.
    }
  }, heartbeat);
  timer.unref();
  return {
    isHeld,
    release() {
      clearInterval(timer);
      if (isHeld()) rmSync(file, { force: true });
    },
  };
}

/** What a claim says; null for one that says nothing that can be understood. */
function read(file: string): Identity | null | 'gone' {
  try {
    const content = JSON.parse(readFileSync(file, 'utf8')) as Identity | null;
    return Number.isInteger(content?.pid) && typeof content?.host === 'string' ? content : null;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'gone' : null;
  }
}

function ourselves(): Identity {
  const { pid } = process;
  return {
    pid,
    ticks: startOf(pid),
    ...machine(),
    nonce: Math.random().toString(36).slice(2),
    since: new Date().toISOString(),
  };
}

function machine(): Pick<Identity, 'host' | 'boot' | 'namespace'> {
  return {
    host: hostname(),
    boot: orNull(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()),
    namespace: orNull(() => readlinkSync('/proc/self/ns/pid')),
  };
}

/** Ticks between the start of the machine and that of a process: field 22 of proc_pid_stat(5), after the name. */
function startOf(pid: number): string | null {
  return orNull(() => {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  });
}

function isAlive(other: Identity, file: string, patience: number): boolean | null {
  const here = machine();
  if (other.host === here.host && other.boot !== here.boot) return false;
  if (other.host !== here.host || other.namespace !== here.namespace) return showsLife(file, patience);
  try {
    process.kill(other.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const ticks = startOf(other.pid);
  return ticks === null || other.ticks === null || ticks === other.ticks;
}

/** When claims were first seen with the time they have. */
const seen = new Map<string, { readonly time: number; readonly at: number }>();

/** Whether a claim's time changes while it is watched; null as long as that is not known. */
function showsLife(file: string, patience: number): boolean | null {
  const time = orNull(() => statSync(file).mtimeMs);
  if (time === null) return false;
  const before = seen.get(file);
  if (!before || before.time !== time) {
    seen.set(file, { time, at: performance.now() });
    return before ? true : null;
  }
  return performance.now() - before.at >= patience ? false : null;
}

function orNull<T>(get: () => T): T | null {
  try {
    return get();
  } catch {
    return null;
  }
}
