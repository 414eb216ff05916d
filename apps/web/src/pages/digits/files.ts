/**
 * Reads the reader's own digits: the four files of MNIST or of a set in its format.
 *
 * Gzipped or not, whatever they are called.
 */
import { type IdxArray, idxDataset, type MemoryDataset, randomSplit, readIdxFile } from '@ag/datasets';

/** A file as it came from the reader. */
export interface NamedBytes {
  readonly name: string;
  readonly bytes: Uint8Array;
}

export interface DigitFiles {
  readonly train: MemoryDataset;
  readonly test: MemoryDataset;
}

const classes = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'];

/**
 * Finds images and labels, to train and to test with, among files. Without files for testing a sixth is split off.
 *
 * @throws Error when images or labels are missing, or the images are not 28×28
 */
export async function readDigitFiles(files: readonly NamedBytes[]): Promise<DigitFiles> {
  const found: { file: NamedBytes; array: IdxArray; testing: boolean }[] = [];
  for (const file of files) {
    const array = await arrayIn(file);
    if (array) found.push({ file, array, testing: /t10k|test/i.test(file.name) });
  }
  const pair = async (testing: boolean): Promise<MemoryDataset | null> => {
    const own = found.filter((each) => each.testing === testing);
    const images = own.find(({ array }) => array.shape.length === 3);
    const labels = own.find(({ array }) => array.shape.length === 1);
    if (!images || !labels) return null;
    const [, height, width] = images.array.shape;
    if (height !== 28 || width !== 28) {
      throw new Error(`${images.file.name}: the images have ${height}×${width} pixels; 28×28 are needed`);
    }
    return idxDataset(
      { bytes: images.file.bytes, file: images.file.name },
      { bytes: labels.file.bytes, file: labels.file.name },
      { name: 'files', split: testing ? 'test' : 'train', classes },
    );
  };
  const [train, test] = [await pair(false), await pair(true)];
  if (train && test) return { train, test };
  const only = train ?? test;
  if (!only) {
    throw new Error(
      `no images with labels among ${files.length} files (${files.map(({ name }) => name).join(', ')}); ` +
        'give train-images, train-labels, t10k-images and t10k-labels of MNIST, gzipped or not',
    );
  }
  const testing = Math.floor(only.length / 6);
  const [first, second] = randomSplit(only, [only.length - testing, testing], { seed: 0 });
  return { train: first, test: second };
}

/** The array in a file of MNIST's format; null for any other file. */
async function arrayIn({ name, bytes }: NamedBytes): Promise<IdxArray | null> {
  const zipped = bytes[0] === 0x1f && bytes[1] === 0x8b;
  if (!zipped && !(bytes[0] === 0 && bytes[1] === 0)) return null;
  try {
    return await readIdxFile(bytes, { file: name, type: 'uint8' });
  } catch (error) {
    // A damaged file of the right name is worth a word; others are none of ours.
    if (/idx|images|labels/i.test(name)) throw error;
    return null;
  }
}
