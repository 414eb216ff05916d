/** Small data for recipes that are begun without any: made up, with a category, gaps and something to find out. */
import { uniformNumbers } from '../numbers.ts';

/** 240 rows; the target follows from the other columns by a rule with noise. */
export function exampleTable(kind: 'classification' | 'regression'): { text: string; target: string } {
  const next = uniformNumbers(7);
  const between = (low: number, high: number): number => low + (high - low) * next();
  const towns = { north: 0, south: 40, harbor: 90 };
  const lines = Array.from({ length: 240 }, (_, i) => {
    const area = between(40, 160);
    const rooms = Math.max(1, Math.round(area / 28 + between(-1, 1)));
    const town = (Object.keys(towns) as (keyof typeof towns)[])[Math.floor(next() * 3)];
    const built = Math.round(between(1930, 2020));
    const price = 60 + 2.2 * area + 12 * rooms + towns[town] + 0.5 * (built - 1930) + between(-25, 25);
    const cells = [
      i % 19 === 4 ? '' : area.toFixed(1),
      String(rooms),
      i % 23 === 6 ? '' : town,
      String(built),
    ];
    return [
      ...cells,
      kind === 'regression' ? price.toFixed(0) : price > 390 ? 'high' : price > 290 ? 'middle' : 'low',
    ];
  });
  const target = kind === 'regression' ? 'price' : 'class';
  return { text: `${[['area', 'rooms', 'town', 'built', target], ...lines].join('\n')}\n`, target };
}

/** 60 pictures of 32 × 32 pixels in two folders: discs and squares of many colors. */
export async function exampleImages(): Promise<{ name: string; bytes: Uint8Array }[]> {
  const { PNG } = await import('pngjs');
  const next = uniformNumbers(11);
  const side = 32;
  return Array.from({ length: 60 }, (_, i) => {
    const round = i % 2 === 0;
    const [x, y, radius] = [10 + 12 * next(), 10 + 12 * next(), 5 + 4 * next()];
    const [ink, ground] = [0, 1].map((bright) => [0, 1, 2].map(() => 110 * bright + 130 * next()));
    const picture = new PNG({ width: side, height: side });
    for (let at = 0; at < side * side; at++) {
      const [dx, dy] = [(at % side) - x, Math.floor(at / side) - y];
      const inside = round
        ? dx * dx + dy * dy <= radius * radius
        : Math.max(Math.abs(dx), Math.abs(dy)) <= radius;
      const color = inside ? ink : ground;
      for (let channel = 0; channel < 3; channel++) picture.data[4 * at + channel] = color[channel];
      picture.data[4 * at + 3] = 255;
    }
    return {
      name: `${round ? 'disc' : 'square'}/${String(Math.floor(i / 2)).padStart(2, '0')}.png`,
      bytes: new Uint8Array(PNG.sync.write(picture)),
    };
  });
}
