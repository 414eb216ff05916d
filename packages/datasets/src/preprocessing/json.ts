/**
 * Reads fitted preprocessing from JSON of any origin. Everything is checked before anything is made of it, since a file may be
 * damaged, of another version, or somebody's trap.
 */
import { DataError } from '../errors.ts';
import { listed } from './cells.ts';
import type { FittedColumn, FittedScale } from './column.ts';
import {
  type Preprocessing,
  preprocessingFormat,
  preprocessingOf,
  preprocessingVersion,
} from './preprocessing.ts';
import type { FittedTarget } from './target.ts';

/**
 * Preprocessing from what `JSON.stringify(preprocessing)` gave, or from the parsed object. The numbers are the same to the
 * bit.
 *
 * @throws DataError `format` naming the place that is wrong: not JSON, not preprocessing, of a newer version, or damaged
 *
 * @example
 * const preprocessing = fitPreprocessing([{ size: 1, price: 2 }, { size: 3, price: 5 }], { target: 'price' });
 * const text = JSON.stringify(preprocessing);
 * preprocessingFromJSON(text).inverseTarget([1]); // [5]
 */
export function preprocessingFromJSON(json: unknown): Preprocessing {
  const found = typeof json === 'string' ? parse(json) : json;
  const top = record(found, 'preprocessing');
  if (top.format !== preprocessingFormat)
    throw wrong('format', JSON.stringify(preprocessingFormat), top.format);
  if (top.version !== preprocessingVersion) {
    const newer = typeof top.version === 'number' && top.version > preprocessingVersion;
    throw wrong(
      'version',
      String(preprocessingVersion),
      top.version,
      newer ? 'It was made by a newer version of @ag/datasets' : undefined,
    );
  }
  const inputs = list(top.inputs, 'inputs').map((entry, i) => columnFrom(entry, `inputs[${i}]`));
  if (inputs.length === 0) throw wrong('inputs', 'at least one column', top.inputs);
  const ignored = list(top.ignored, 'ignored').map((entry, i) => {
    const { name, reason } = record(entry, `ignored[${i}]`);
    return { name: text(name, `ignored[${i}].name`), reason: text(reason, `ignored[${i}].reason`) };
  });
  const target = top.target === null ? null : targetFrom(top.target);
  const names = [
    ...inputs,
    ...(target === null ? [] : target.type === 'number' ? target.columns : [target]),
  ].map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw wrong('inputs', 'each column once', `${JSON.stringify(twice)} twice`);
  return preprocessingOf({
    inputs,
    ignored,
    target,
    handleUnknown: oneOf(top.handleUnknown, ['error', 'ignore'], 'handleUnknown'),
    missingValues: texts(top.missingValues, 'missingValues'),
  });
}

function columnFrom(entry: unknown, at: string): FittedColumn {
  const column = record(entry, at);
  const type = oneOf(column.type, ['number', 'date', 'boolean', 'category', 'text'], `${at}.type`);
  const base = {
    name: text(column.name, `${at}.name`),
    ...(column.indicator === undefined ? {} : { indicator: truth(column.indicator, `${at}.indicator`) }),
  };
  const { fill } = column;
  const strategy = column.strategy === undefined ? {} : { strategy: text(column.strategy, `${at}.strategy`) };
  const filled = <T>(check: (value: unknown, at: string) => T) =>
    fill === undefined ? strategy : { fill: check(fill, `${at}.fill`), ...strategy };
  switch (type) {
    case 'number':
    case 'date':
      return {
        type,
        ...base,
        ...filled(finite),
        ...(column.scale === undefined ? {} : { scale: scaleFrom(column.scale, `${at}.scale`) }),
      };
    case 'boolean':
      return { type, ...base, ...filled(truth) };
    case 'category': {
      const categories = distinct(column.categories, `${at}.categories`);
      if (fill !== undefined && !categories.includes(fill as string)) {
        throw wrong(`${at}.fill`, `one of ${listed(categories)}`, fill);
      }
      const encoder = oneOf(column.encoder, ['oneHot', 'ordinal'], `${at}.encoder`);
      return { type, ...base, ...filled(text), encoder, categories };
    }
    case 'text':
      return {
        type,
        ...base,
        ...filled(text),
        tokens: distinct(column.tokens, `${at}.tokens`),
      };
  }
}

function targetFrom(entry: unknown): FittedTarget {
  const target = record(entry, 'target');
  const type = oneOf(target.type, ['number', 'category'], 'target.type');
  if (type === 'category') {
    const classes = distinct(target.classes, 'target.classes');
    if (classes.length < 2) throw wrong('target.classes', 'two classes or more', target.classes);
    return { type, name: text(target.name, 'target.name'), classes };
  }
  const columns = list(target.columns, 'target.columns').map((one, i) => {
    const at = `target.columns[${i}]`;
    const { name, scale } = record(one, at);
    return {
      name: text(name, `${at}.name`),
      ...(scale === undefined ? {} : { scale: scaleFrom(scale, `${at}.scale`) }),
    };
  });
  if (columns.length === 0) throw wrong('target.columns', 'at least one column', target.columns);
  return { type, columns, ...(target.unit === undefined ? {} : { unit: text(target.unit, 'target.unit') }) };
}

function scaleFrom(entry: unknown, at: string): FittedScale {
  const { scaler, shift, divisor } = record(entry, at);
  const own = finite(divisor, `${at}.divisor`);
  if (own <= 0) throw wrong(`${at}.divisor`, 'a number above 0', divisor);
  return {
    scaler: oneOf(scaler, ['standard', 'minMax'], `${at}.scaler`),
    shift: finite(shift, `${at}.shift`),
    divisor: own,
  };
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw new DataError(`preprocessing: not JSON: ${(cause as Error).message}`, { code: 'format', cause });
  }
}

function wrong(place: string, expected: string, found: unknown, hint?: string): DataError {
  const value =
    typeof found === 'string' && found.endsWith(' twice') ? found : (JSON.stringify(found) ?? String(found));
  return new DataError(`preprocessing: ${place}`, {
    code: 'format',
    expected,
    found: value.length > 80 ? `${value.slice(0, 77)}…` : value,
    ...(hint === undefined ? {} : { hint }),
  });
}

function record(value: unknown, at: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw wrong(at, 'an object', value);
  // What an object inherits is not what the file says.
  return Object.assign(Object.create(null), value);
}

function list(value: unknown, at: string): readonly unknown[] {
  if (!Array.isArray(value)) throw wrong(at, 'a list', value);
  return value;
}

function text(value: unknown, at: string): string {
  if (typeof value !== 'string') throw wrong(at, 'a text', value);
  return value;
}

function truth(value: unknown, at: string): boolean {
  if (typeof value !== 'boolean') throw wrong(at, 'true or false', value);
  return value;
}

function finite(value: unknown, at: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw wrong(at, 'a finite number', value);
  return value;
}

function texts(value: unknown, at: string): readonly string[] {
  return list(value, at).map((one, i) => text(one, `${at}[${i}]`));
}

function distinct(value: unknown, at: string): readonly string[] {
  const all = texts(value, at);
  if (all.length === 0) throw wrong(at, 'at least one text', value);
  if (new Set(all).size !== all.length) throw wrong(at, 'different texts', value);
  return all;
}

function oneOf<const T extends string>(value: unknown, allowed: readonly T[], at: string): T {
  const found = allowed.find((one) => one === value);
  if (found === undefined) throw wrong(at, allowed.map((one) => JSON.stringify(one)).join(' or '), value);
  return found;
}
