/**
 * MNIST and Fashion-MNIST, as IDX files. MNIST (Y. LeCun, C. Cortes, C. Burges, http://yann.lecun.com/exdb/mnist) and Fashion-MNIST
 * (H. Xiao, K. Rasul, R. Vollgraf 2017, https://github.com/zalandoresearch/fashion-mnist): 60,000 and 10,000 gray
 * images of 28×28 in the same four IDX files.
 *
 * Sizes and SHA-256 sums are those of TensorFlow Datasets, tensorflow_datasets/url_checksums/mnist.txt and
 * fashion_mnist.txt in https://github.com/tensorflow/datasets.
 */
import { checkOptions } from '@ag/tensor/engine';
import { type MemoryDataset, memoryDataset } from '../dataset.ts';
import { DataError } from '../errors.ts';
import { type FileSet, type NamedFile, obtainFiles, type SourceOptions } from '../files/obtain.ts';
import { readIdxFile } from '../formats/idx.ts';

/** Options of {@link mnist} and {@link fashionMnist}. */
export interface MnistOptions extends SourceOptions {
  /** Which part: 60,000 images to train with or 10,000 to test. Default `train`. */
  split?: 'train' | 'test';
}

/**
 * The MNIST digits: x `[n, 1, 28, 28]` in 0 … 1 (ink is 1), y `[n]` int32 in 0 … 9.
 *
 * @throws DataError when the files are missing, cannot be downloaded, or are not what they should be
 *
 * @example
 * const train = await mnist({ dataDir: './data' });
 * const test = await mnist({ dataDir: './data', split: 'test' });
 */
export function mnist(options: MnistOptions = {}): Promise<MemoryDataset> {
  checkOptions(
    'mnist',
    options,
    'split dataDir download mirrors onProgress signal attempts stallTimeout retryDelay',
  );
  return load(mnistSource, options);
}

/**
 * Fashion-MNIST, articles of clothing as a harder drop-in for MNIST: x `[n, 1, 28, 28]` in 0 … 1, y `[n]` int32.
 *
 * @throws DataError as {@link mnist}
 */
export function fashionMnist(options: MnistOptions = {}): Promise<MemoryDataset> {
  checkOptions(
    'fashionMnist',
    options,
    'split dataDir download mirrors onProgress signal attempts stallTimeout retryDelay',
  );
  return load(fashionMnistSource, options);
}

/**
 * An image data set from the bytes of two IDX files, gzipped or not: images `[n, height, width]` and labels `[n]`.
 * For files that a user drops on a page, or sets in MNIST's format such as KMNIST. Gzipped files are unpacked as far as
 * their headers say, each to `maxBytes` at most (default 2 GiB).
 *
 * @throws DataError when a file is damaged, or the files hold different numbers of images and labels
 */
export async function idxDataset(
  images: { bytes: Uint8Array; file?: string },
  labels: { bytes: Uint8Array; file?: string },
  options: {
    name?: string;
    split?: string;
    classes?: readonly string[];
    source?: string;
    maxBytes?: number;
  } = {},
): Promise<MemoryDataset> {
  checkOptions('idxDataset', options, 'name split classes source maxBytes');
  const { maxBytes, ...info } = options;
  const limit = maxBytes === undefined ? {} : { maxBytes };
  const [x, y] = await Promise.all([
    readIdxFile(images.bytes, { file: images.file ?? 'images', type: 'uint8', dimensions: 3, ...limit }),
    readIdxFile(labels.bytes, { file: labels.file ?? 'labels', type: 'uint8', dimensions: 1, ...limit }),
  ]);
  if (x.shape[0] !== y.shape[0]) {
    throw new DataError('the numbers of images and labels differ', {
      code: 'mismatch',
      file: labels.file ?? 'labels',
      expected: `${x.shape[0]} labels, as many as images in ${images.file ?? 'images'}`,
      found: `${y.shape[0]} labels`,
    });
  }
  const { classes } = info;
  const labelData = y.data as Uint8Array;
  if (classes !== undefined) checkLabels(labelData, classes.length, labels.file ?? 'labels');
  return memoryDataset(
    {
      x: { data: x.data as Uint8Array, shape: [1, x.shape[1], x.shape[2]], scale: 1 / 255 },
      y: { data: Int32Array.from(labelData), shape: [] },
    },
    { ...info, files: [images.file ?? 'images', labels.file ?? 'labels'] },
  );
}

/** Where a set of four IDX files is published and what its classes are. */
export interface MnistSource extends FileSet {
  classes: readonly string[];
}

const files = (sums: readonly (readonly [bytes: number, sha256: string])[]): NamedFile[] =>
  ['train-images', 'train-labels', 't10k-images', 't10k-labels'].map((stem, i) => {
    const kind = stem.endsWith('images') ? 'idx3' : 'idx1';
    return {
      name: `${stem}-${kind}-ubyte.gz`,
      aliases: [`${stem}-${kind}-ubyte`, `${stem}.${kind}-ubyte`, `${stem}.${kind}-ubyte.gz`],
      bytes: sums[i][0],
      sha256: sums[i][1],
    };
  });

/** Where MNIST is published: file names, sizes, SHA-256 sums and mirrors; training files first. */
export const mnistSource: MnistSource = {
  name: 'mnist',
  folders: ['MNIST', 'MNIST/raw'],
  files: /* @__PURE__ */ files([
    [9912422, '440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609'],
    [28881, '3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c'],
    [1648877, '8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6'],
    [4542, 'f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6'],
  ]),
  mirrors: [
    'https://storage.googleapis.com/cvdf-datasets/mnist',
    'https://ossci-datasets.s3.amazonaws.com/mnist',
  ],
  classes: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'],
  source: 'LeCun, Cortes, Burges: The MNIST database of handwritten digits',
};

/** Where Fashion-MNIST is published: file names, sizes, SHA-256 sums and mirrors; training files first. */
export const fashionMnistSource: MnistSource = {
  name: 'fashion-mnist',
  folders: ['fashion', 'FashionMNIST', 'FashionMNIST/raw'],
  // MNIST's files are called the same.
  borrowedNames: true,
  files: /* @__PURE__ */ files([
    [26421880, '3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84'],
    [29515, 'a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845'],
    [4422102, '346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073'],
    [5148, '67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5'],
  ]),
  mirrors: [
    'https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion',
    'http://fashion-mnist.s3-website.eu-central-1.amazonaws.com',
  ],
  classes: [
    'T-shirt/top',
    'Trouser',
    'Pullover',
    'Dress',
    'Coat',
    'Sandal',
    'Shirt',
    'Sneaker',
    'Bag',
    'Ankle boot',
  ],
  source: 'Xiao, Rasul, Vollgraf: Fashion-MNIST (2017)',
};

async function load(source: MnistSource, options: MnistOptions): Promise<MemoryDataset> {
  const { split = 'train' } = options;
  if (split !== 'train' && split !== 'test') {
    throw new DataError(`${source.name}: split`, {
      code: 'option',
      expected: `'train' or 'test'`,
      found: JSON.stringify(split),
    });
  }
  const chosen = split === 'train' ? source.files.slice(0, 2) : source.files.slice(2);
  const [images, labels] = await obtainFiles({ ...source, files: chosen }, options);
  const set = await idxDataset(
    { bytes: images.bytes, file: images.path },
    { bytes: labels.bytes, file: labels.path },
    { name: source.name, split, classes: source.classes, source: source.source },
  );
  const [, height, width] = set.columns.x.shape;
  if (height !== 28 || width !== 28) {
    throw new DataError('wrong image size', {
      code: 'format',
      file: images.path,
      expected: '28×28',
      found: `${height}×${width}`,
    });
  }
  return set;
}

function checkLabels(labels: Uint8Array, classes: number, file: string): void {
  const at = labels.findIndex((label) => label >= classes);
  if (at >= 0) {
    throw new DataError(`label ${at} is not a class`, {
      code: 'value',
      file,
      expected: `0 to ${classes - 1}`,
      found: String(labels[at]),
    });
  }
}
