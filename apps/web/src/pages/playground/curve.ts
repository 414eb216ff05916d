/**
 * What is predicted along a line: the network's curve among the points, as an SVG document.
 *
 * It has the same size and the same frame as the picture of the plane, so that one can take the other's place.
 */
import { formatNumber } from '../../components/numbers.ts';
import { type PaintedPoint, resolution } from './config.ts';
import type { Snapshot } from './snapshot.ts';

const [width, height] = [340, 350];
const box = { x: 44, y: 26, width: 288, height: 274 };

export function curve({ domain, answers }: Snapshot, points: readonly PaintedPoint[], label: string): string {
  const share = (value: number, [low, high]: readonly [number, number]) => (value - low) / (high - low);
  const across = (x: number) => short(box.x + share(x, domain.x) * box.width);
  const up = (y: number) => short(box.y + box.height - share(y, domain.y) * box.height);
  // All rows of the plane are alike: what is predicted depends on x alone.
  const line = Array.from(answers.subarray(0, resolution), (y, i) => {
    const x = domain.x[0] + ((domain.x[1] - domain.x[0]) * i) / (resolution - 1);
    return Number.isFinite(y) ? `${across(x)} ${up(y)}` : null;
  }).filter((each) => each !== null);
  const marks = points.map(
    ({ x, y }) => `<circle class="ag-point" cx="${across(x)}" cy="${up(y)}" r="3.5"/>`,
  );
  const ticks = (range: readonly [number, number]) =>
    [0.1, 0.5, 0.9].map((part) => range[0] + part * (range[1] - range[0]));
  const labels = [
    ...ticks(domain.x).map(
      (x) =>
        `<text x="${across(x)}" y="${box.y + box.height + 17}" text-anchor="middle">${formatNumber(Number(x.toPrecision(2)))}</text>`,
    ),
    ...ticks(domain.y).map(
      (y) =>
        `<text x="${box.x - 6}" y="${up(y) + 4}" text-anchor="end">${formatNumber(Number(y.toPrecision(2)))}</text>`,
    ),
    `<text x="${box.x + box.width}" y="${height - 8}" text-anchor="end">x₁</text>`,
    `<text x="${box.x - 36}" y="16">y</text>`,
  ];
  const rect = `x="${box.x}" y="${box.y}" width="${box.width}" height="${box.height}"`;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" class="curve" role="img" aria-label="${label}" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">` +
    `<clipPath id="curve-clip"><rect ${rect}/></clipPath><rect class="ground" ${rect}/>` +
    `<g clip-path="url(#curve-clip)">${marks.join('')}` +
    (line.length > 1 ? `<path class="prediction" d="M${line.join('L')}"/>` : '') +
    `</g><g class="ag-x-axis">${labels.join('')}</g></svg>`
  );
}

function short(value: number): number {
  return Math.round(value * 10) / 10;
}
