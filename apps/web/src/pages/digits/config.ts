/** Everything that decides how a network learns digits, and how it is written into the address. */
/** `trained` begins with weights that have learned; the others with random ones. */
export const modelIds = ['trained', 'mlp', 'cnn'] as const;

export type ModelId = (typeof modelIds)[number];

export interface DigitsConfig {
  /** Digits drawn by a generator, or the reader's own files. */
  readonly data: 'generated' | 'files';
  /** Images to learn from and to test on; of files the first ones. 0 takes all of the files. */
  readonly count: number;
  readonly testCount: number;
  readonly model: ModelId;
  readonly learningRate: number;
  readonly batchSize: number;
  readonly dropout: number;
  readonly seed: number;
}

const fallback: DigitsConfig = {
  data: 'generated',
  count: 4000,
  testCount: 1000,
  model: 'trained',
  learningRate: 0.001,
  batchSize: 50,
  dropout: 0,
  seed: 1,
};

/** What an address says; what it does not say, or says wrongly, is as usual. */
export function configFrom(parameters: URLSearchParams): DigitsConfig {
  const number = (name: keyof DigitsConfig, low: number, high: number, whole = true): number => {
    const text = parameters.get(name);
    const value = text === null || text.trim() === '' ? Number.NaN : Number(text);
    if (!Number.isFinite(value)) return fallback[name] as number;
    return Math.max(low, Math.min(high, whole ? Math.round(value) : value));
  };
  const data = parameters.get('data') === 'files' ? 'files' : 'generated';
  const least = data === 'files' ? 0 : 10;
  return {
    data,
    count: number('count', least, 60_000),
    testCount: number('testCount', least, 10_000),
    model: modelIds.find((id) => id === parameters.get('model')) ?? fallback.model,
    learningRate: number('learningRate', 0, 1e6, false),
    batchSize: number('batchSize', 1, 1000),
    dropout: number('dropout', 0, 0.9, false),
    seed: number('seed', 0, 2 ** 31),
  };
}

/** The parameters of an address that says the same. */
export function writeConfig(config: DigitsConfig): Record<string, string> {
  return Object.fromEntries(Object.entries(config).map(([name, value]) => [name, String(value)]));
}
