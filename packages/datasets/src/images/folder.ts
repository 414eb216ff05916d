/**
 * A data set from images in folders, one folder per class, as most image collections come. Files are read and decoded
 * when a batch needs them, several at once, so that `dataLoader`'s prefetch overlaps reading with training.
 */
import { checkOptions } from '@ag/tensor/engine';
import {
  checkIndices,
  type Dataset,
  type DatasetInfo,
  type Indices,
  type Rows,
  toBatch,
} from '../dataset.ts';
import { DataError } from '../errors.ts';
import { type NodeModules, nodeModules } from '../platform.ts';
import { type DecodeOptions, decodeImage } from './decode.ts';
import { type ChannelOptions, type ImageDataLike, resizePlane, toChannels } from './pixels.ts';

/** Options of {@link imageFolder}. */
export interface ImageFolderOptions extends ChannelOptions, DecodeOptions {
  /** Height and width to bring all images to. Default: that of the first image, which all others must have. */
  size?: number | readonly [height: number, width: number];
  /** The classes in the order of their indices. Default: all folders, sorted by code point. */
  classes?: readonly string[];
  /** Whether decoded images are kept in memory. Default false. */
  keep?: boolean;
  /** Reads a file's pixels. Default: PNG and JPEG. */
  decode?: (bytes: Uint8Array, file: string) => ImageDataLike | Promise<ImageDataLike>;
}

/** A data set of image files. */
export interface ImageFolderDataset extends Dataset {
  rows(indices: Indices): Promise<Rows>;
  readonly info: DatasetInfo;
  /** The classes' names: `classes[y]`. */
  readonly classes: readonly string[];
  /** The files in the order of the examples. */
  readonly files: readonly string[];
}

interface ImageFile {
  path: string;
  label: string;
  read: () => Promise<Uint8Array>;
}

/**
 * Images sorted into folders by class: x `[n, channels, height, width]` in 0 … 1, y `[n]` int32.
 *
 * Links are followed, those to folders too; a folder that is reached in several ways is read once for each class.
 *
 * @param source in Node the path of the folder that holds the classes' folders; in browsers the files of
 * `<input type="file" webkitdirectory>` or of a drop. Files other than .png, .jpg and .jpeg are passed over.
 * @throws DataError when there are no images, a folder cannot be read, a link leads nowhere or an image is no file; a
 * batch rejects with one when a file cannot be read, is damaged, has another size or more than `maxPixels`
 *
 * @example
 * const data = await imageFolder('./flowers', { size: 64, channels: 3 });
 * const loader = dataLoader(data, { batchSize: 32, shuffle: true, prefetch: 2 });
 */
export async function imageFolder(
  source: string | Iterable<File>,
  options: ImageFolderOptions = {},
): Promise<ImageFolderDataset> {
  checkOptions('imageFolder', options, 'size classes keep decode channels background maxPixels');
  const name = typeof source === 'string' ? source : 'files';
  const files = typeof source === 'string' ? await listFolder(source, options.classes) : listFiles(source);
  const classes = options.classes ?? [...new Set(files.map((file) => file.label))].sort();
  const indices = new Map(classes.map((label, index) => [label, index]));
  const chosen = files.filter((file) => indices.has(file.label));
  const filled = new Set(chosen.map((file) => file.label));
  const empty = classes.find((label) => !filled.has(label));
  if (chosen.length === 0 || empty !== undefined) {
    throw new DataError('no images', {
      code: 'missing',
      file: name,
      expected: 'a folder for each class with .png, .jpg or .jpeg files in it',
      found: empty === undefined ? 'none' : `none for the class ${JSON.stringify(empty)}`,
    });
  }
  const labels = chosen.map((file) => indices.get(file.label) as number);
  const { channels = 1, maxPixels } = options;
  const decode =
    options.decode ??
    ((bytes: Uint8Array, file: string) =>
      decodeImage(bytes, file, maxPixels === undefined ? {} : { maxPixels }));
  const [height, width] = await imageSize(options, () => open(chosen[0]));
  const kept = new Map<number, Uint8Array>();

  async function open(file: ImageFile): Promise<ImageDataLike> {
    return decode(await file.read(), file.path);
  }

  async function pixels(index: number): Promise<Uint8Array> {
    const known = kept.get(index);
    if (known !== undefined) return known;
    const planes = fit(await open(chosen[index]), height, width, options, chosen[index].path);
    if (options.keep) kept.set(index, planes);
    return planes;
  }

  async function rows(indices: Indices): Promise<Rows> {
    checkIndices(indices, chosen.length, name);
    const size = channels * height * width;
    const data = new Uint8Array(indices.length * size);
    const images = await Promise.all(Array.from(indices, pixels));
    images.forEach((image, i) => {
      data.set(image, i * size);
    });
    return {
      x: { data, shape: [channels, height, width], scale: 1 / 255 },
      y: { data: Int32Array.from(indices, (index) => labels[index]), shape: [] },
    };
  }

  return {
    length: chosen.length,
    classes,
    files: chosen.map((file) => file.path),
    info: { name, classes },
    rows,
    batch: async (indices) => toBatch(await rows(indices)),
  };
}

const isImage = (path: string) => /\.(png|jpe?g)$/i.test(path);

async function listFolder(folder: string, classes: readonly string[] | undefined): Promise<ImageFile[]> {
  const node = nodeModules();
  if (node === undefined) {
    throw new DataError('a browser cannot read a path', {
      code: 'unsupported',
      file: folder,
      hint: 'Pass the files of an <input type="file" webkitdirectory>',
    });
  }
  const { fs, path } = node;
  const top = await realPath(folder, node);
  const wanted = classes === undefined ? undefined : new Set(classes);
  const files: ImageFile[] = [];
  for (const { name: label, kind } of await listEntries(folder, node)) {
    if (kind !== 'folder' || label.startsWith('.') || wanted?.has(label) === false) continue;
    const images: string[] = [];
    await collectImages(path.join(folder, label), '', { top, seen: new Set() }, images, node);
    for (const image of images.sort()) {
      const full = path.join(folder, label, image);
      files.push({ path: full, label, read: () => readImage(full, fs) });
    }
  }
  return files;
}

/** The real folder of all classes, and the real folders of this class that were gone into. */
interface Walk {
  top: string;
  seen: Set<string>;
}

/**
 * Adds the images in a folder and all below, as paths from `folder`. A real folder is gone into once, which ends loops of
 * links and keeps a few links to each other from becoming millions of paths. Links back to the folder of all classes, or
 * to one that holds it, lead to no class.
 */
async function collectImages(
  folder: string,
  below: string,
  walk: Walk,
  images: string[],
  node: NodeModules,
): Promise<void> {
  const { path } = node;
  const { top, seen } = walk;
  const full = path.join(folder, below);
  const real = await realPath(full, node);
  const toTop = path.relative(real, top);
  const holdsTop = toTop !== '..' && !toTop.startsWith(`..${path.sep}`) && !path.isAbsolute(toTop);
  if (seen.has(real) || holdsTop) return;
  seen.add(real);
  for (const { name, kind } of await listEntries(full, node)) {
    const entry = path.join(below, name);
    if (kind === 'folder') await collectImages(folder, entry, walk, images, node);
    else if (isImage(name) && kind !== 'nothing') {
      if (kind === 'other') {
        throw new DataError('not a file', {
          code: 'missing',
          file: path.join(folder, entry),
          expected: 'an image',
          found: 'a device, a pipe or a socket',
          hint: 'Take it out of the folder',
        });
      }
      images.push(entry);
    }
  }
}

/** What is in a folder, links followed, by name. @throws DataError for a link that leads nowhere and may be a class */
async function listEntries(
  folder: string,
  { fs, path }: NodeModules,
): Promise<{ name: string; kind: 'file' | 'folder' | 'other' | 'nothing' }[]> {
  const entries = await fs.readdir(folder, { withFileTypes: true }).catch((cause) => {
    throw cannotRead(folder, cause);
  });
  const kinds = await Promise.all(
    entries.map(async (entry) => {
      const full = path.join(folder, entry.name);
      const hidden = entry.name.startsWith('.');
      const target = entry.isSymbolicLink()
        ? await fs.stat(full).catch((cause) => {
            if (hidden) return undefined;
            throw cannotRead(full, cause, 'The link leads nowhere: mend it, or take it out of the folder');
          })
        : entry;
      if (target === undefined) return 'nothing';
      return target.isDirectory() ? 'folder' : target.isFile() ? 'file' : 'other';
    }),
  );
  return entries
    .map((entry, i) => ({ name: entry.name, kind: kinds[i] }))
    .sort((a, b) => before(a.name, b.name));
}

async function realPath(folder: string, { fs }: NodeModules): Promise<string> {
  return fs.realpath(folder).catch((cause) => {
    throw cannotRead(folder, cause);
  });
}

async function readImage(file: string, fs: NodeModules['fs']): Promise<Uint8Array> {
  const bytes = await fs.readFile(file).catch((cause) => {
    throw cannotRead(file, cause);
  });
  return new Uint8Array(bytes);
}

function cannotRead(file: string, cause: unknown, hint?: string): DataError {
  return new DataError(`cannot be read (${(cause as Error).message})`, {
    code: 'missing',
    file,
    ...(hint !== undefined && { hint }),
    cause,
  });
}

const before = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/**
 * As in Node the folders directly inside the chosen one are the classes: in `flowers/rose/more/1.png`, as browsers give
 * it, `rose`. Of a path with one folder alone that is the class.
 */
function listFiles(source: Iterable<File>): ImageFile[] {
  const files: ImageFile[] = [];
  for (const file of source) {
    const path = file.webkitRelativePath || file.name;
    const folders = path.split('/').slice(0, -1);
    const label = folders[1] ?? folders[0];
    if (!isImage(path) || label === undefined || label.startsWith('.')) continue;
    files.push({ path, label, read: async () => new Uint8Array(await file.arrayBuffer()) });
  }
  return files.sort((a, b) => before(a.label, b.label) || before(a.path, b.path));
}

async function imageSize(
  { size }: ImageFolderOptions,
  first: () => Promise<ImageDataLike>,
): Promise<readonly [height: number, width: number]> {
  if (size === undefined) {
    const { height, width } = await first();
    return [height, width];
  }
  const [height, width] = typeof size === 'number' ? [size, size] : size;
  if (!Number.isInteger(height) || !Number.isInteger(width) || height < 1 || width < 1) {
    throw new DataError('imageFolder: size', {
      code: 'option',
      expected: 'a positive integer, or two: height and width',
      found: JSON.stringify(size),
    });
  }
  return [height, width];
}

function fit(
  image: ImageDataLike,
  height: number,
  width: number,
  options: ImageFolderOptions,
  file: string,
): Uint8Array {
  const planes = toChannels(image, options);
  if (image.height === height && image.width === width) return planes;
  if (options.size === undefined) {
    throw new DataError('another size than the first image', {
      code: 'mismatch',
      file,
      expected: `${height}×${width}`,
      found: `${image.height}×${image.width}`,
      hint: 'Set the option size to bring all images to one',
    });
  }
  const channels = options.channels ?? 1;
  const result = new Uint8Array(channels * height * width);
  for (let c = 0; c < channels; c++) {
    const plane = planes.subarray(c * image.width * image.height, (c + 1) * image.width * image.height);
    const resized = resizePlane(plane, image.width, image.height, width, height);
    for (let i = 0; i < resized.length; i++) result[c * height * width + i] = resized[i] + 0.5;
  }
  return result;
}
