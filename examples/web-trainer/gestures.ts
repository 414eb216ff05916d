/** Gestures as three axes of an accelerometer, in g, 32 samples at 50 a second: made up here, where there is no sensor. */
export const gestures = ['rest', 'shake', 'circle'];
export const samples = 32;

/** The acceleration at a time in seconds; every performance has its own speed, strength and noise. */
export function sampleOf(gesture: number, time: number, speed = 1, noise = Math.random): number[] {
  const turn = 2 * Math.PI * 3 * speed * time;
  const [x, y] = [
    [0, 0],
    [1.5 * Math.sin(2 * turn), 0.2],
    [Math.cos(turn), Math.sin(turn)],
  ][gesture];
  return [x, y, 1].map((value) => value + 0.2 * (noise() - 0.5));
}

/** Windows of every gesture, `[count, 3 · samples]`, with their numbers; the same for the same seed. */
export function madeUp(count: number, seed: number) {
  let state = seed;
  // Numerical Recipes' generator.
  const random = () => {
    state = (1664525 * state + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const labels = Array.from({ length: count }, (_, i) => i % gestures.length);
  const windows = labels.map((gesture) => {
    const [speed, from] = [0.7 + 0.6 * random(), random()];
    return Array.from({ length: samples }, (_, i) => sampleOf(gesture, from + i / 50, speed, random)).flat();
  });
  return { windows, labels };
}
