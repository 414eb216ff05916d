/**
 * Writes the pictures of the README. Run it with `npm run ts -- packages/viz/scripts/gallery.ts`, with `--watch`
 * before the file to redraw them while a chart is edited.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { pictures } from './pictures.ts';

const folder = new URL('../docs/gallery/', import.meta.url);
mkdirSync(folder, { recursive: true });
for (const [name, svg] of Object.entries(pictures)) {
  writeFileSync(new URL(`${name}.svg`, folder), `${svg}\n`);
  console.log(`${name}.svg ${(svg.length / 1000).toFixed(1)} kB`);
}
