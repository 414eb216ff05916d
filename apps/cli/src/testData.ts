/** Small data files in place of those that recipes download, for tests. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

/** An IDX file of bytes: two zeros, the type 8, the number of axes, their sizes, the elements. */
export function idx(sizes: readonly number[], data: Uint8Array): Uint8Array {
  const head = new DataView(new ArrayBuffer(4 + 4 * sizes.length));
  head.setUint32(0, 0x0800 + sizes.length);
  sizes.forEach((size, i) => head.setUint32(4 + 4 * i, size));
  return Buffer.concat([new Uint8Array(head.buffer), data]);
}

/** The four files of MNIST with `count` images each: bright in the row that belongs to the label. */
export function writeMnist(folder: string, count = 40): void {
  for (const stem of ['train', 't10k']) {
    const labels = Uint8Array.from({ length: count }, (_, i) => i % 10);
    const images = new Uint8Array(count * 784);
    labels.forEach((label, i) => images.fill(255, i * 784 + label * 56, i * 784 + (label + 1) * 56));
    writeFileSync(join(folder, `${stem}-images-idx3-ubyte.gz`), gzipSync(idx([count, 28, 28], images)));
    writeFileSync(join(folder, `${stem}-labels-idx1-ubyte.gz`), gzipSync(idx([count], labels)));
  }
}

export const bostonHeader = 'crim,zn,indus,chas,nox,rm,age,dis,rad,tax,ptratio,b,lstat,medv';

/** A table with the columns of Boston housing. */
export function bostonTable(rows = 40): string {
  const lines = Array.from({ length: rows }, (_, i) =>
    Array.from({ length: 14 }, (_, j) => (Math.sin(3 * i + j) * 10 + 20).toFixed(3)).join(','),
  );
  return `${[bostonHeader, ...lines].join('\n')}\n`;
}
