/**
 * Writes generated digits as raw bytes for measurements/digits.py.
 *
 * Usage, with a runner of TypeScript such as tsx: `tsx measurements/exportDigits.ts FOLDER [TRAIN TEST]`.
 */
import { writeFileSync } from 'node:fs';
import { drawDigits } from '../src/digits/draw.ts';

const [folder, train = '10000', test = '2000'] = process.argv.slice(2);
for (const seed of [0, 1, 2]) {
  const splits = {
    train: drawDigits(Number(train), seed, 0, 28),
    test: drawDigits(Number(test), seed, 1, 28),
  };
  for (const [split, { images, labels }] of Object.entries(splits)) {
    writeFileSync(`${folder}/${split}-x-${seed}.bin`, images);
    writeFileSync(`${folder}/${split}-y-${seed}.bin`, labels);
  }
}
