/**
 * CIFAR-10 (A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009): 50,000 and 10,000 color images of 32×32 in ten
 * classes, from the binary version, https://www.cs.toronto.edu/~kriz/cifar.html.
 *
 * Size and SHA-256 sum are those of TensorFlow Datasets, tensorflow_datasets/url_checksums/cifar10.txt in
 * https://github.com/tensorflow/datasets.
 */
import { checkOptions } from '@ag/tensor/engine';
import { type MemoryDataset, memoryDataset } from '../dataset.ts';
import { DataError } from '../errors.ts';
import { type FileSet, obtainFiles, type SourceOptions } from '../files/obtain.ts';
import { gunzip, isGzip } from '../formats/gzip.ts';
import { untar } from '../formats/tar.ts';

/** Options of {@link cifar10}. */
export interface CifarOptions extends SourceOptions {
  /** Which part: 50,000 images to train with or 10,000 to test. Default `train`. */
  split?: 'train' | 'test';
}

/** Where CIFAR-10 is published. */
export const cifar10Source: FileSet & { readonly classes: readonly string[] } = {
  name: 'cifar10',
  folders: ['cifar-10', 'CIFAR10', 'cifar-10-binary'],
  files: [
    {
      name: 'cifar-10-binary.tar.gz',
      aliases: ['cifar-10-binary.tar'],
      bytes: 170052171,
      sha256: 'c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd',
    },
  ],
  mirrors: ['https://www.cs.toronto.edu/~kriz'],
  classes: ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'],
  source: 'Krizhevsky: Learning multiple layers of features from tiny images (2009)',
};

const size = 3 * 32 * 32;
/** A label, then 1024 bytes each of red, green and blue, row by row. */
const record = 1 + size;

/**
 * CIFAR-10: x `[n, 3, 32, 32]` in 0 … 1, y `[n]` int32 in 0 … 9.
 *
 * @throws DataError when the archive is missing, cannot be downloaded, or is not what it should be
 *
 * @example
 * const train = await cifar10({ dataDir: './data' });
 * const transform = transforms.compose(transforms.randomCrop(32, { padding: 4 }), transforms.randomFlip());
 */
export async function cifar10(options: CifarOptions = {}): Promise<MemoryDataset> {
  checkOptions(
    'cifar10',
    options,
    'split dataDir download mirrors onProgress signal attempts stallTimeout retryDelay',
  );
  const { split = 'train', ...given } = options;
  if (split !== 'train' && split !== 'test') {
    throw new DataError('cifar10: split', {
      code: 'option',
      expected: `'train' or 'test'`,
      found: JSON.stringify(split),
    });
  }
  const [found] = await obtainFiles(cifar10Source, given);
  const archive = isGzip(found.bytes) ? await gunzip(found.bytes, found.path) : found.bytes;
  const files = new Map(
    [...untar(archive, found.path)].map(([name, bytes]) => [name.split('/').pop(), bytes]),
  );
  const names = split === 'test' ? ['test_batch.bin'] : [1, 2, 3, 4, 5].map((i) => `data_batch_${i}.bin`);
  const parts = names.map((name) => {
    const bytes = files.get(name);
    if (bytes === undefined || bytes.length === 0 || bytes.length % record !== 0) {
      throw new DataError('the archive lacks images', {
        code: 'format',
        file: found.path,
        expected: `${name} with images of ${record} bytes`,
        found: bytes === undefined ? [...files.keys()].join(', ') || 'no files' : `${bytes.length} bytes`,
      });
    }
    return bytes;
  });
  const count = parts.reduce((sum, { length }) => sum + length / record, 0);
  const images = new Uint8Array(count * size);
  const labels = new Int32Array(count);
  let n = 0;
  for (const bytes of parts) {
    for (let at = 0; at < bytes.length; at += record, n++) {
      const label = bytes[at];
      if (label > 9) {
        throw new DataError(`label ${n} is not a class`, {
          code: 'value',
          file: found.path,
          expected: '0 to 9',
          found: String(label),
        });
      }
      labels[n] = label;
      images.set(bytes.subarray(at + 1, at + record), n * size);
    }
  }
  const { name, classes, source } = cifar10Source;
  return memoryDataset(
    { x: { data: images, shape: [3, 32, 32], scale: 1 / 255 }, y: { data: labels, shape: [] } },
    { name, split, classes, source, files: [found.path] },
  );
}
