/**
 * The errors of this package: files that are damaged, and models that use what is not there.
 */
import { type Coded, codedError } from '@ag/tensor/engine';

/** A file that is damaged, or no ONNX model. */
export function fileError(message: string, options?: ErrorOptions): Coded<Error> {
  return codedError(Error, 'AG_FILE_FORMAT', message, options, fileError);
}

/** A model that is right but needs what this package does not have. */
export function unsupported(message: string): Coded<Error> {
  return codedError(Error, 'AG_UNSUPPORTED', message, undefined, unsupported);
}

/** A name as it stands in messages: a damaged file may hold anything, what steers terminals too. */
export function quoted(name: string): string {
  const short = name.length > 80 ? `${name.slice(0, 80)}…` : name;
  return JSON.stringify(short).replace(
    /[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** The same without quotes where the name is as names usually are. */
export function named(name: string): string {
  return /^[\w.:/-]{1,80}$/.test(name) ? name : quoted(name);
}

/** An int64 of the file as a number. @throws Error for one that a number does not hold exactly */
export function wholeNumber(value: bigint, what: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw fileError(`${what} is ${value}, which is not possible`);
  return number;
}
