/** Transforms from plain data: the way back from `JSON.stringify(transform)`. */
import { DataError } from '../errors.ts';
import type { ColumnPath } from '../structure.ts';
import { randomRotate, randomShift } from './augment.ts';
import { cutmix, mixup } from './mixing.ts';
import { colorJitter, randomCrop, randomErasing, randomFlip } from './pictures.ts';
import { scaling } from './scale.ts';
import { compose, flatten, oneHot } from './shape.ts';
import type { SerializableTransform, TransformJSON } from './transform.ts';

/** Transforms in transforms, at most. */
const deepest = 100;

/**
 * The transform that `JSON.stringify(transform)` described, given the text or the parsed object.
 *
 * @throws DataError `format` for what describes none
 *
 * @example
 * const scale = transforms.standardize({ mean: [2], deviation: [4] });
 * const again = transforms.fromJSON(JSON.stringify(scale)); // the same numbers
 */
export function fromJSON(json: unknown): SerializableTransform {
  let value = json;
  if (typeof json === 'string') {
    try {
      value = JSON.parse(json);
    } catch (cause) {
      throw new DataError(`transforms.fromJSON: not JSON: ${(cause as Error).message}`, {
        code: 'format',
        cause,
      });
    }
  }
  return make(value, 0);
}

function make(value: unknown, depth: number): SerializableTransform {
  if (typeof value !== 'object' || value === null || depth > deepest) throw wrong('a transform', value);
  const json: Partial<Record<string, unknown>> = Object.assign(Object.create(null), value);
  const fill = json.fill === undefined ? 0 : number(json.fill, 'fill');
  const part = json.column === undefined ? {} : { column: column(json.column) };
  switch (json.transform as TransformJSON['transform']) {
    case 'standardize':
    case 'minMax': {
      const divisor = numbers(json.divisor, 'divisor');
      if (divisor.some((one) => one <= 0)) throw wrong('divisors above 0', divisor);
      return scaling(
        json.transform as 'standardize',
        column(json.column),
        numbers(json.shift, 'shift'),
        divisor,
      );
    }
    case 'oneHot':
      return oneHot(number(json.classes, 'classes'), part);
    case 'flatten':
      return flatten(part);
    case 'randomShift':
      return randomShift(number(json.pixels, 'pixels'), { fill, ...part });
    case 'randomRotate':
      return randomRotate(number(json.degrees, 'degrees'), { fill, ...part });
    case 'randomFlip':
      return randomFlip({
        horizontal: number(json.horizontal, 'horizontal'),
        vertical: number(json.vertical, 'vertical'),
        ...part,
      });
    case 'randomCrop':
      return randomCrop(pair(json.size, 'size'), { padding: number(json.padding, 'padding'), fill, ...part });
    case 'colorJitter':
      return colorJitter({
        brightness: number(json.brightness, 'brightness'),
        contrast: number(json.contrast, 'contrast'),
        saturation: number(json.saturation, 'saturation'),
        hue: number(json.hue, 'hue'),
        ...part,
      });
    case 'randomErasing':
      return randomErasing({
        probability: number(json.probability, 'probability'),
        area: pair(json.area, 'area'),
        aspect: pair(json.aspect, 'aspect'),
        fill,
        ...part,
      });
    case 'mixup':
    case 'cutmix': {
      const make = json.transform === 'mixup' ? mixup : cutmix;
      return make(number(json.classes, 'classes'), {
        alpha: number(json.alpha, 'alpha'),
        ...(json.inputs !== undefined && { inputs: column(json.inputs) }),
        ...(json.targets !== undefined && { targets: column(json.targets) }),
      });
    }
    case 'compose': {
      if (!Array.isArray(json.transforms)) throw wrong('transforms: a list', json.transforms);
      return compose(
        ...json.transforms.map((one) => make(one, depth + 1)),
      ) as unknown as SerializableTransform;
    }
    default:
      throw wrong('transform: the name of one of this package', json.transform);
  }
}

function column(value: unknown): ColumnPath {
  if (typeof value !== 'string' || !/^[xy](\/.+)?$/.test(value))
    throw wrong("column 'x' or 'y', or a part of them", value);
  return value as ColumnPath;
}

function number(value: unknown, name: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw wrong(`${name}: a number`, value);
  return value;
}

function numbers(value: unknown, name: string): number[] {
  if (!Array.isArray(value)) throw wrong(`${name}: a list of numbers`, value);
  return value.map((one) => number(one, name));
}

function pair(value: unknown, name: string): [number, number] {
  const [first, second, ...rest] = numbers(value, name);
  if (second === undefined || rest.length > 0) throw wrong(`${name}: two numbers`, value);
  return [first, second];
}

function wrong(expected: string, value: unknown): DataError {
  const found = JSON.stringify(value) ?? String(value);
  return new DataError('transforms.fromJSON', {
    code: 'format',
    expected,
    found: found.length > 80 ? `${found.slice(0, 77)}…` : found,
  });
}
