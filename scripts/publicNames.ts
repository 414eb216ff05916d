/** Writes tests/publicNames.json: every name that a package exports. Run it with `npm run ts -- scripts/publicNames.ts`. */
import { writeFileSync } from 'node:fs';
import { publicNames } from '../tests/exports.ts';

const target = new URL('../tests/publicNames.json', import.meta.url);
writeFileSync(target, `${JSON.stringify(publicNames(), null, 2)}\n`);
console.log(`wrote ${target.pathname}`);
