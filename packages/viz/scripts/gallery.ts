/**
 * Redraws the pictures of the README while a chart is edited: `npm run ts -- --watch packages/viz/scripts/gallery.ts`.
 * `npm run generate` writes them once.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { pictures } from './pictures.ts';

const folder = new URL('../docs/gallery/', import.meta.url);
mkdirSync(folder, { recursive: true });
for (const [name, svg] of Object.entries(pictures)) {
  writeFileSync(new URL(`${name}.svg`, folder), `${svg}\n`);
  console.log(`${name}.svg ${(svg.length / 1000).toFixed(1)} kB`);
}
