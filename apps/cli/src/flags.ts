/**
 * Flags and what their values may be. A flag is defined once, in a record: the key is its name in code (`failUnder`), the
 * flag (`--fail-under`), its help, its check and the type of its value follow from there.
 */
import { nearest } from './suggest.ts';

/** Why a value cannot be read: what was expected instead, and what was probably meant. */
export class Invalid {
  readonly expected: string;
  readonly hint: string | undefined;
  constructor(expected: string, hint?: string) {
    this.expected = expected;
    this.hint = hint;
  }
}

/** A kind of value, which reads text from the command line or the environment, and anything from files. */
export interface Kind<T> {
  readonly read: (value: unknown) => T | Invalid;
  /** All values there are, where they are few. */
  readonly choices?: readonly string[];
  /** Whether the flag stands alone, without a value. */
  readonly isSwitch?: true;
}

export const text: Kind<string> = {
  read: (value) => (typeof value === 'string' && value !== '' ? value : new Invalid('a text')),
};

/** @param most the largest value allowed; none by default */
export const integer = (least: number, most = Number.POSITIVE_INFINITY): Kind<number> => ({
  read: (value) => {
    const number = toNumber(value);
    if (Number.isSafeInteger(number) && number >= least && number <= most) return number;
    return new Invalid(
      `a whole number from ${least}${most === Number.POSITIVE_INFINITY ? '' : ` to ${most}`}`,
    );
  },
});

export const number = (least: number): Kind<number> => ({
  read: (value) => {
    const number = toNumber(value);
    return Number.isFinite(number) && number >= least ? number : new Invalid(`a finite number from ${least}`);
  },
});

export const positive: Kind<number> = {
  read: (value) => {
    const number = toNumber(value);
    return Number.isFinite(number) && number > 0 ? number : new Invalid('a number above 0');
  },
};

/** A flag without a value. One that is on by default is written `--no-name`. */
export const boolean: Kind<boolean> & { readonly isSwitch: true } = {
  isSwitch: true,
  read: (value) => {
    if (value === true || value === 'true' || value === '1' || value === '') return true;
    if (value === false || value === 'false' || value === '0') return false;
    return new Invalid('true or false');
  },
};

export const oneOf = <const Name extends string>(...choices: readonly Name[]): Kind<Name> => ({
  choices,
  read: (value) => {
    const found = choices.find((name) => name === String(value));
    if (found !== undefined) return found;
    const near = nearest(String(value), choices);
    return new Invalid(`one of ${choices.join(', ')}`, near && `Did you mean '${near}'?`);
  },
});

/** One flag. */
export interface Flag {
  readonly type: Kind<unknown>;
  /** The placeholder of its value in the help, such as `<n>`; none for a switch. */
  readonly value?: string;
  readonly help: string;
  /** What counts where the flag is not given; shown in the help. */
  readonly default?: unknown;
  /** Whether 0 switches off what the flag is about. */
  readonly zeroIsOff?: true;
  /** May be given several times: its value is a list. */
  readonly repeatable?: true;
}

/** Flags by their names in code. */
export type Flags = Readonly<Record<string, Flag>>;

/** What a kind of value is read as. */
export type ValueOf<F extends Flag> = Exclude<ReturnType<F['type']['read']>, Invalid>;

/** What the flags of a record are read as. */
export type OptionsOf<F extends Flags> = {
  readonly [Name in keyof F]: F[Name] extends { readonly repeatable: true }
    ? readonly ValueOf<F[Name]>[]
    : F[Name] extends { readonly default: unknown } | { readonly type: { readonly isSwitch: true } }
      ? ValueOf<F[Name]>
      : ValueOf<F[Name]> | undefined;
};

/** A record of flags, with the types that options get from it. */
export function defineFlags<const F extends Flags>(flags: F): F {
  return flags;
}

/** `learningRate` as a flag. */
export function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

function toNumber(value: unknown): number {
  if (typeof value === 'number') return value;
  return typeof value === 'string' && value.trim() !== '' ? Number(value) : Number.NaN;
}
