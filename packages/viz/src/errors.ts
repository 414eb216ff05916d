/**
 * Errors with the codes of the whole library: see docs/errors.md. This package knows no other, so it says them itself.
 */

/** A value that an argument cannot have, or values that do not belong together. */
export function valueError(message: string): RangeError & { readonly code: 'AG_ARGUMENT_VALUE' } {
  return Object.assign(new RangeError(message), { code: 'AG_ARGUMENT_VALUE' } as const);
}

/** An option that a function does not have. */
export function optionError(message: string): TypeError & { readonly code: 'AG_UNKNOWN_OPTION' } {
  return Object.assign(new TypeError(message), { code: 'AG_UNKNOWN_OPTION' } as const);
}
