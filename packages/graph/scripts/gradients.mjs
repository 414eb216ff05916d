/**
 * Writes docs/gradients.md from the tables of gradient cases. Run it with node --conditions=@ag/source --import tsx
 * packages/graph/scripts/gradients.mjs
 */
import { writeFileSync } from 'node:fs';
import { gradientDocument } from '../src/testing/document.ts';

const target = new URL('../../../docs/gradients.md', import.meta.url);
writeFileSync(target, gradientDocument());
console.log(`wrote ${target.pathname}`);
