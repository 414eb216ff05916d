/** W10: what a process holds before and after 2000 steps. */
const warm = 300;
const steps = 2000;

/** @param deviceBytes what the library says it holds, where it says so */
export async function growth(
  step: () => void | Promise<void>,
  deviceBytes?: () => number,
): Promise<Record<string, number>> {
  const figures: Record<string, number> = {};
  const note = async (when: string): Promise<void> => {
    // Finalisers run between turns of the event loop.
    for (let i = 0; i < 3; i++) {
      (globalThis as { gc?: () => void }).gc?.();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const { rss, heapUsed } = process.memoryUsage();
    if (deviceBytes) figures[`device bytes ${when}`] = deviceBytes();
    figures[`heap bytes ${when}`] = heapUsed;
    figures[`resident bytes ${when}`] = rss;
  };
  await note(`after ${warm} steps`);
  for (let i = 0; i < steps; i++) await step();
  await note(`${steps} steps later`);
  return figures;
}
