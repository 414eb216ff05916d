/** Transforms that change the form of a column and leave its values alone. */
import { checkOptions } from '@ag/tensor/engine';
import { type Rows, sizeOf } from '../dataset.ts';
import { DataError } from '../errors.ts';
import { changing, type PartOptions } from './column.ts';
import {
  type Composition,
  type SerializableTransform,
  serializable,
  type Transform,
  type TransformContext,
  type TransformJSON,
} from './transform.ts';

/** Makes one row of numbers of each input: x `[n, 1, 28, 28]` → `[n, 784]`. */
export function flatten(options: PartOptions = {}): SerializableTransform {
  checkOptions('transforms.flatten', options, 'column');
  const { column = 'x' } = options;
  const apply = changing('flatten', column, (given) => ({ ...given, shape: [sizeOf(given.shape)] }));
  return serializable(apply, () => ({ transform: 'flatten', ...(column !== 'x' && { column }) }));
}

/**
 * Replaces class indices by rows with a single 1: y `[n]` → `[n, classes]` float32.
 *
 * @throws DataError when a target is not an integer from 0 to classes − 1
 */
export function oneHot(classes: number, options: PartOptions = {}): SerializableTransform {
  checkOptions('transforms.oneHot', options, 'column');
  const { column = 'y' } = options;
  if (!Number.isInteger(classes) || classes < 1) {
    throw new DataError('transforms.oneHot: classes', {
      code: 'option',
      expected: 'a positive integer',
      found: String(classes),
    });
  }
  const apply = changing('oneHot', column, ({ data: labels, shape }, _, called) => {
    if (sizeOf(shape) !== 1) {
      throw new DataError(called, {
        code: 'option',
        expected: 'one class index per example',
        found: `shape [${shape.join(', ')}]`,
      });
    }
    const data = new Float32Array(labels.length * classes);
    for (let i = 0; i < labels.length; i++) {
      const label = labels[i];
      if (!Number.isInteger(label) || label < 0 || label >= classes) {
        throw new DataError(called, {
          code: 'value',
          expected: `a class from 0 to ${classes - 1}`,
          found: String(label),
        });
      }
      data[i * classes + label] = 1;
    }
    return { data, shape: [classes] };
  });
  return serializable(apply, () => ({ transform: 'oneHot', classes, ...(column !== 'y' && { column }) }));
}

/** Applies transforms one after the other, the first first. Its `toJSON` throws where one is a function of your own. */
export function compose<R = Rows>(...transforms: readonly Transform<R>[]): Composition<R> {
  const composed = serializable(
    (rows: R, context: TransformContext) =>
      transforms.reduce((current, transform) => transform(current, context), rows),
    () => ({ transform: 'compose', transforms: transforms.map(describe) }),
  );
  return Object.assign(composed, { transforms });
}

function describe(transform: object, i: number): TransformJSON {
  const { toJSON } = transform as Partial<SerializableTransform>;
  if (typeof toJSON === 'function') return toJSON.call(transform);
  throw new DataError(`transforms.compose: transform ${i + 1} cannot be written as JSON`, {
    code: 'option',
    found: 'a function of your own',
    hint: 'Give it a method toJSON',
  });
}
