/** Transforms that change the form of a column and leave its values alone. */
import { sizeOf } from '../dataset.ts';
import { DataError } from '../errors.ts';
import {
  type Composition,
  type SerializableTransform,
  serializable,
  type Transform,
  type TransformJSON,
} from './transform.ts';

/** Makes one row of numbers of each input: x `[n, 1, 28, 28]` → `[n, 784]`. */
export function flatten(): SerializableTransform {
  return serializable(
    (rows) => ({ ...rows, x: { ...rows.x, shape: [sizeOf(rows.x.shape)] } }),
    () => ({ transform: 'flatten' }),
  );
}

/**
 * Replaces class indices by rows with a single 1: y `[n]` → `[n, classes]` float32.
 *
 * @throws DataError when a target is not an integer from 0 to classes − 1
 */
export function oneHot(classes: number): SerializableTransform {
  if (!Number.isInteger(classes) || classes < 1) {
    throw new DataError('transforms.oneHot: classes', {
      code: 'option',
      expected: 'a positive integer',
      found: String(classes),
    });
  }
  const apply: Transform = (rows) => {
    const labels = rows.y.data;
    if (sizeOf(rows.y.shape) !== 1) {
      throw new DataError('transforms.oneHot: y', {
        code: 'option',
        expected: 'one class index per example',
        found: `shape [${rows.y.shape.join(', ')}]`,
      });
    }
    const data = new Float32Array(labels.length * classes);
    for (let i = 0; i < labels.length; i++) {
      const label = labels[i];
      if (!Number.isInteger(label) || label < 0 || label >= classes) {
        throw new DataError('transforms.oneHot: y', {
          code: 'value',
          expected: `a class from 0 to ${classes - 1}`,
          found: String(label),
        });
      }
      data[i * classes + label] = 1;
    }
    return { ...rows, y: { data, shape: [classes] } };
  };
  return serializable(apply, () => ({ transform: 'oneHot', classes }));
}

/** Applies transforms one after the other, the first first. Its `toJSON` throws where one is a function of your own. */
export function compose(...transforms: readonly Transform[]): Composition {
  const composed = serializable(
    (rows, context) => transforms.reduce((current, transform) => transform(current, context), rows),
    () => ({ transform: 'compose', transforms: transforms.map(describe) }),
  );
  return Object.assign(composed, { transforms });
}

function describe(transform: Transform, i: number): TransformJSON {
  const { toJSON } = transform as Partial<SerializableTransform>;
  if (typeof toJSON === 'function') return toJSON.call(transform);
  throw new DataError(`transforms.compose: transform ${i + 1} cannot be written as JSON`, {
    code: 'option',
    found: 'a function of your own',
    hint: 'Give it a method toJSON',
  });
}
