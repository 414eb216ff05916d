/**
 * Tests over many random cases: which seeds they run, and how a failing one is run again.
 *
 * `AG_TEST=full` runs the long list; `AG_TEST_SEED` starts at another seed and `AG_TEST_CASES` sets their number.
 */

/** Environment variables where there are any. */
function variable(name: string): string | undefined {
  const { process } = globalThis as { process?: { env?: Record<string, string | undefined> } };
  return process?.env?.[name] || undefined;
}

/**
 * The seeds to run: 0 … `sample` − 1, or 0 … `long` − 1 with `AG_TEST=full`, unless the variables say otherwise.
 *
 * ```ts
 * for (const seed of testSeeds(300, 10_000)) atSeed(seed, () => check(randomCase(seed)));
 * ```
 */
export function testSeeds(sample: number, long: number): number[] {
  const first = Number(variable('AG_TEST_SEED') ?? 0);
  const count = Number(variable('AG_TEST_CASES') ?? (variable('AG_TEST') === 'full' ? long : sample));
  return Array.from({ length: count }, (_, i) => first + i);
}

/** Runs `body`; what it throws names the seed and how to run it alone. */
export function atSeed<T>(seed: number, body: () => T): T {
  try {
    return body();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(`seed ${seed} (alone: AG_TEST_SEED=${seed} AG_TEST_CASES=1): ${message}`, {
      cause: error,
    });
  }
}
