/** The course's programs as they are, and the files that they import. */

/** Programs that need what no page has: a server, processes. */
const notHere = ['20-server', '25-several-processes'];

const sources = import.meta.glob<string>('../../../../../examples/[0-9]*.ts', {
  query: '?raw',
  import: 'default',
  eager: true,
});
const models = import.meta.glob<string>('../../../../../examples/models/{gpt2,bert}.ts', {
  query: '?raw',
  import: 'default',
  eager: true,
});

const nameOf = (path: string): string => path.replace(/^.*\//, '').replace(/\.ts$/, '');

/** Programs by their names, in the order in which they are read. */
export const examples: ReadonlyMap<string, string> = new Map(
  Object.entries(sources)
    .map(([path, source]) => [nameOf(path), source] as const)
    .filter(([name]) => !notHere.includes(name))
    .sort(([a], [b]) => (a < b ? -1 : 1)),
);

/** Files beside the programs, by the name that they import them by. */
export const locals: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(models).map(([path, source]) => [`./models/${nameOf(path)}.ts`, source]),
);
