/**
 * The few parts of Node that programs of the course use: files that stay in memory, paths, a process.
 *
 * What a program writes is told to `written`, which shows it. Nothing outlives the program.
 */

/** An error as Node's file system throws it. */
function fileError(code: string, path: string): Error {
  const words: Record<string, string> = {
    ENOENT: 'no such file; the code lab has only those that the program has written',
    EEXIST: 'it exists already',
  };
  return Object.assign(new Error(`${code}: ${path}: ${words[code]}`), { code, path, syscall: 'open' });
}

/** Paths with their dots resolved. */
function normal(path: string): string {
  const parts: string[] = [];
  for (const part of String(path).split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

const toBytes = (content: string | Uint8Array): Uint8Array =>
  typeof content === 'string' ? new TextEncoder().encode(content) : Uint8Array.from(content);

/**
 * @param written told of each file that the program writes at once, with the name it gave
 * @param given files that are there from the beginning
 */
export function createFiles(
  written: (name: string, bytes: Uint8Array) => void,
  given: Readonly<Record<string, Uint8Array>> = {},
) {
  const files = new Map(Object.entries(given).map(([name, bytes]) => [normal(name), bytes] as const));
  const folders = new Set(['/', '/tmp']);
  const read = (path: string): Uint8Array => {
    const bytes = files.get(normal(path));
    if (bytes === undefined) throw fileError('ENOENT', path);
    return bytes;
  };
  const put = (path: string, content: string | Uint8Array): Uint8Array => {
    const bytes = toBytes(content);
    files.set(normal(path), bytes);
    return bytes;
  };
  const inside = (folder: string, path: string): boolean =>
    path.startsWith(folder === '/' ? folder : `${folder}/`);
  const isFolder = (path: string): boolean =>
    folders.has(path) || [...files.keys()].some((file) => inside(path, file));
  let made = 0;

  const sync = {
    existsSync: (path: string) => files.has(normal(path)) || isFolder(normal(path)),
    readFileSync(path: string, encoding?: string | { encoding?: string }) {
      const bytes = read(path);
      return encoding === undefined ? bytes : new TextDecoder().decode(bytes);
    },
    writeFileSync: (path: string, content: string | Uint8Array) => written(path, put(path, content)),
    appendFileSync(path: string, content: string | Uint8Array) {
      const [before, more] = [files.get(normal(path)) ?? new Uint8Array(0), toBytes(content)];
      const all = new Uint8Array(before.length + more.length);
      all.set(before);
      all.set(more, before.length);
      put(path, all);
    },
    mkdirSync: (path: string) => void folders.add(normal(path)),
    mkdtempSync(prefix: string) {
      const path = normal(`${prefix}${String(++made).padStart(6, '0')}`);
      folders.add(path);
      return path;
    },
    readdirSync(path: string) {
      const folder = normal(path);
      if (!isFolder(folder)) throw fileError('ENOENT', path);
      const below = [...files.keys(), ...folders].filter((each) => each !== folder && inside(folder, each));
      const start = folder === '/' ? 1 : folder.length + 1;
      return [...new Set(below.map((each) => each.slice(start).split('/')[0]))].sort();
    },
    rmSync(path: string, { force = false }: { force?: boolean; recursive?: boolean } = {}) {
      const target = normal(path);
      if (!force && !sync.existsSync(path)) throw fileError('ENOENT', path);
      for (const each of [...files.keys()]) if (each === target || inside(target, each)) files.delete(each);
      for (const each of [...folders]) if (each === target || inside(target, each)) folders.delete(each);
    },
    statSync(path: string) {
      const file = files.get(normal(path));
      if (file === undefined && !isFolder(normal(path))) throw fileError('ENOENT', path);
      return {
        size: file?.length ?? 0,
        mode: 0o666,
        mtimeMs: Date.now(),
        isFile: () => file !== undefined,
        isDirectory: () => file === undefined,
      };
    },
    renameSync(from: string, to: string) {
      put(to, read(from));
      files.delete(normal(from));
    },
  };

  const promises = {
    readFile: async (path: string, encoding?: string) => sync.readFileSync(path, encoding),
    writeFile: async (path: string, content: string | Uint8Array) => void put(path, content),
    appendFile: async (path: string, content: string | Uint8Array) => sync.appendFileSync(path, content),
    mkdir: async (path: string) => sync.mkdirSync(path),
    readdir: async (path: string) => sync.readdirSync(path),
    rm: async (path: string, options?: { force?: boolean }) => sync.rmSync(path, options),
    stat: async (path: string) => sync.statSync(path),
    rename: async (from: string, to: string) => sync.renameSync(from, to),
    realpath: async (path: string) => {
      sync.statSync(path);
      return normal(path);
    },
    chmod: async () => undefined,
    async open(path: string, flags = 'r') {
      if (flags === 'wx' && files.has(normal(path))) throw fileError('EEXIST', path);
      if (flags === 'r') sync.statSync(path);
      else put(path, '');
      return {
        writeFile: async (content: string | Uint8Array) => void put(path, content),
        sync: async () => undefined,
        close: async () => undefined,
      };
    },
  };

  const join = (...parts: readonly string[]): string =>
    parts
      .filter((part) => part !== '')
      .join('/')
      .replaceAll(/\/+/g, '/');
  const paths = {
    join,
    basename: (path: string) => path.split('/').at(-1) ?? '',
    dirname: (path: string) => path.split('/').slice(0, -1).join('/') || (path.startsWith('/') ? '/' : '.'),
    extname: (path: string) => /[^/](\.[^./]*)$/.exec(path)?.[1] ?? '',
    sep: '/',
  };
  const modules: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
    'node:fs': sync,
    'node:fs/promises': promises,
    'node:path': paths,
    'node:os': { tmpdir: () => '/tmp', homedir: () => '/', hostname: () => 'code-lab' },
    'node:crypto': {
      randomBytes: (count: number) => ({
        toString: () =>
          Array.from(crypto.getRandomValues(new Uint8Array(count)), (byte) =>
            byte.toString(16).padStart(2, '0'),
          ).join(''),
      }),
    },
  };
  return modules;
}

/** Thrown by `process.exit()`: the program has said that it is done. */
export class Exit extends Error {}

/** A process as far as programs of the course know one. It has no version, so that nobody takes this for Node. */
export function createProcess(modules: ReturnType<typeof createFiles>, print: (text: string) => void) {
  return {
    argv: ['node', 'program.ts', 'picture.svg'],
    env: {} as Record<string, string | undefined>,
    pid: 1,
    platform: 'browser',
    uptime: () => performance.now() / 1000,
    kill: () => true,
    stdout: { write: (text: string) => print(text) },
    stderr: { write: (text: string) => print(text) },
    exit: () => {
      throw new Exit('the program has ended itself');
    },
    getBuiltinModule: (name: string) => modules[name],
  };
}
