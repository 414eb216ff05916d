/**
 * Formulas as text become tensor calls: `(x + y) * z`, `sum((W @ x)^2)`, `sigmoid(w0*x0 + w1)`. People type them into the
 * graph microscope and give them to `agrad graph`.
 */
import { Tensor } from '@ag/tensor';
import { codedError, placeholderLeaf } from '@ag/tensor/engine';
import { log, pow } from '@ag/tensor/math';
import { formulaFunctions } from './formulaFunctions.ts';

/** Operators by how tightly they bind; `^` and `**` bind to the right, the others to the left. */
const precedence: ReadonlyMap<string, number> = new Map([
  ['+', 1],
  ['-', 1],
  ['*', 2],
  ['/', 2],
  ['@', 2],
  ['^', 4],
  ['**', 4],
]);
const unaryPrecedence = 3;

const constants: ReadonlyMap<string, number> = new Map([
  ['pi', Math.PI],
  ['π', Math.PI],
  ['e', Math.E],
]);

/** The signs of printed mathematics, each as the one that is typed. */
const printed: ReadonlyMap<string, string> = new Map([
  ['·', '*'],
  ['×', '*'],
  ['÷', '/'],
  ['−', '-'],
]);

/** Powers that are written as one raised digit. */
const raised: ReadonlyMap<string, number> = new Map([
  ['²', 2],
  ['³', 3],
]);

/** `max` and `min` of one operand are its largest and smallest element; of several, element by element. */
const ofSeveral: ReadonlyMap<string, string> = new Map([
  ['max', 'maximum'],
  ['min', 'minimum'],
]);

/** Functions whose two operands may change places, so that the tensor can come before the number. */
const commutative: ReadonlySet<string> = new Set(['maximum', 'minimum']);

type Operand = Tensor | number;
type Step = (values: Readonly<Record<string, Tensor>>) => Operand;

/** A formula that was read from a text. */
export interface Formula {
  /** Names that need a value, in the order in which they first appear. */
  readonly names: readonly string[];
  /** The formula with tensors for its names. @throws Error for a name without a value. */
  readonly evaluate: (values: Readonly<Record<string, Tensor>>) => Tensor;
}

/**
 * Reads a formula.
 *
 * ```ts
 * const f = formula('(x + y) * z');
 * f.evaluate({ x: tensor(-2), y: tensor(5), z: tensor(-4) }); // −12
 * ```
 *
 * @param text operators + − * / @ (matrix product) ^ and **, parentheses, numbers, names, the constants pi and e, and
 * the methods of tensors that take
 * tensors, and the elementwise functions that are no methods (asinh, cbrt, hypot(x, y)): sigmoid, exp, max(x) (its largest element) and max(x, y) (the larger of both). A number or a
 * parenthesis before a name or a parenthesis multiplies: `2x`, `3(x + 1)`, `1/2x` is (1/2)·x. Printed signs are
 * understood too: `·`, `×`, `÷`, `−`, `π`, `²`, `³`, and bars: `|x|` is abs(x)
 * @throws SyntaxError that points at the place
 */
export function formula(text: string): Formula {
  const reader = new Reader(text);
  const step = reader.expression(0);
  reader.end();
  return {
    names: [...reader.names],
    evaluate(values) {
      for (const name of reader.names) {
        if (!(own(values, name) instanceof Tensor))
          throw codedError(Error, 'AG_FORMULA', `formula: '${name}' has no value; give a tensor for it`);
      }
      const result = step(values);
      if (typeof result === 'number')
        throw codedError(
          Error,
          'AG_FORMULA',
          `formula: '${text}' has no names, so there is nothing to compute with`,
        );
      return result;
    },
  };
}

class Reader {
  readonly names = new Set<string>();
  readonly #written: string;
  readonly #text: string;
  #at = 0;
  /** Where a number or a parenthesis ended that may multiply what follows it. */
  #factorEnd = -1;
  /** Whether the innermost thing that is open is a bar, which the next bar closes. */
  #inBars = false;

  constructor(text: string) {
    this.#written = text;
    this.#text = text.replace(/[^\0-\x7f]/g, (sign) => printed.get(sign) ?? sign);
  }

  /** Reads operands and operators that bind at least as tightly as `least`. */
  expression(least: number): Step {
    let left = this.#operand();
    for (;;) {
      const a = left;
      const power = raised.get(this.#next() ?? '');
      if (power !== undefined && precedence.get('^')! >= least) {
        this.#at++;
        this.#factorEnd = this.#at;
        left = (values) => combine('^', a(values), power);
        continue;
      }
      const implied = this.#multipliesNext();
      const operator = implied ? '*' : this.#peekOperator();
      const tight = operator === null ? -1 : precedence.get(operator)!;
      if (operator === null || tight < least) return left;
      if (!implied) this.#at += operator.length;
      const b = this.expression(tight === 4 ? tight : tight + 1);
      left = (values) => combine(operator, a(values), b(values));
    }
  }

  end(): void {
    this.#skip();
    if (this.#at < this.#text.length) this.#fail(`'${this.#here()}' was not expected`);
  }

  #operand(): Step {
    this.#skip();
    const rest = this.#text.slice(this.#at);
    if (rest.startsWith('-') || rest.startsWith('+')) {
      this.#at++;
      const inner = this.expression(unaryPrecedence);
      if (rest[0] === '+') return inner;
      return (values) => {
        const x = inner(values);
        return typeof x === 'number' ? -x : x.neg();
      };
    }
    if (rest.startsWith('(')) return this.#between(')', false);
    if (rest.startsWith('|')) {
      const inner = this.#between('|', true);
      return (values) => {
        const x = inner(values);
        return typeof x === 'number' ? Math.abs(x) : x.abs();
      };
    }
    const number = /^(\d+\.?\d*|\.\d+)(e[+-]?\d+)?/i.exec(rest)?.[0];
    if (number !== undefined) {
      this.#at += number.length;
      this.#factorEnd = this.#at;
      const value = Number(number);
      return () => value;
    }
    const name = /^(π|[\p{L}_](?:(?![²³])[\p{L}\p{N}_])*)/u.exec(rest)?.[0];
    if (name === undefined)
      return this.#fail(
        rest === '' ? 'something is missing at the end' : `'${this.#here()}' was not expected`,
      );
    this.#at += name.length;
    this.#skip();
    if (this.#text[this.#at] === '(') return this.#call(name);
    const constant = constants.get(name);
    if (constant !== undefined) {
      this.#factorEnd = this.#at;
      return () => constant;
    }
    this.names.add(name);
    return (values) => own(values, name)!;
  }

  /** What stands between this sign and the one that closes it. */
  #between(end: string, isBar: boolean): Step {
    const outer = this.#inBars;
    this.#at++;
    this.#inBars = isBar;
    const inner = this.expression(0);
    this.#expect(end);
    this.#inBars = outer;
    this.#factorEnd = this.#at;
    return inner;
  }

  #call(name: string): Step {
    const counts = operandCounts(name);
    if (counts.length === 0)
      return this.#fail(
        `there is no function '${name}'; there are the methods and elementwise functions of tensors, such as exp, sum, maximum or asinh`,
        name.length,
      );
    const outer = this.#inBars;
    this.#inBars = false;
    this.#at++;
    const operands = [this.expression(0)];
    while (this.#next() === ',') {
      this.#at++;
      operands.push(this.expression(0));
    }
    this.#expect(')');
    this.#inBars = outer;
    this.#factorEnd = this.#at;
    const several = operands.length > 1 ? ofSeveral.get(name) : undefined;
    if (several !== undefined) {
      return (values) => {
        const given = operands.map((operand) => operand(values));
        return given.reduce((a, b) => this.#apply(several, [a, b]));
      };
    }
    if (!counts.includes(operands.length))
      this.#fail(
        `${name} takes ${counts.join(' or ')} operand${counts.at(-1) === 1 ? '' : 's'}, got ${operands.length}`,
      );
    return (values) =>
      this.#apply(
        name,
        operands.map((operand) => operand(values)),
      );
  }

  #apply(name: string, [first, ...others]: readonly Operand[]): Tensor {
    if (typeof first !== 'number') return call(name, first, others);
    const other = others.find((x) => x instanceof Tensor) as Tensor | undefined;
    if (!other) return this.#fail(`${name} of a number: write the result instead`);
    if (commutative.has(name)) return call(name, other, [first]);
    return call(name, other.mul(0).add(first), others);
  }

  /** Whether a number or a parenthesis stands before a name or a parenthesis. */
  #multipliesNext(): boolean {
    const next = this.#next();
    if (next === undefined || this.#factorEnd < 0) return false;
    const begins = /[\p{L}_(]/u.test(next) || (next === '|' && !this.#inBars);
    return begins && this.#text.slice(this.#factorEnd, this.#at).trim() === '';
  }

  /** The sign at this place as it was written. */
  #here(): string {
    return String.fromCodePoint(this.#written.codePointAt(this.#at)!);
  }

  #next(): string | undefined {
    this.#skip();
    return this.#text[this.#at];
  }

  #peekOperator(): string | null {
    this.#skip();
    if (this.#text.startsWith('**', this.#at)) return '**';
    const one = this.#text[this.#at];
    return one !== undefined && precedence.has(one) ? one : null;
  }

  #expect(what: string): void {
    if (this.#next() !== what) this.#fail(`'${what}' is missing`);
    this.#at++;
  }

  #skip(): void {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at++;
  }

  #fail(problem: string, back = 0): never {
    throw codedError(
      SyntaxError,
      'AG_FORMULA',
      `formula: ${problem}, at position ${this.#at - back + 1} of '${this.#written}'`,
    );
  }
}

/** What stands in a record under a name that somebody typed, and not what records inherit. */
function own<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

/** Something that takes tensors, at most so many. */
interface Callable {
  readonly most: number;
  readonly call: (...operands: readonly Operand[]) => unknown;
}

/** A method by its name, or an elementwise function that is none. */
function find(name: string): Callable | undefined {
  const method: unknown = Object.getOwnPropertyDescriptor(Tensor.prototype, name)?.value;
  if (typeof method === 'function' && name !== 'constructor')
    return { most: 1 + method.length, call: (x, ...others) => method.apply(x, others) as unknown };
  const free = own(formulaFunctions as unknown as Record<string, Callable['call']>, name);
  return free && { most: free.length, call: free };
}

/**
 * How many tensors the function of this name takes; empty where there is none. It is asked: operations
 * on placeholders compute nothing, and what would read one fails.
 */
function operandCounts(name: string): number[] {
  const found = find(name);
  if (!found) return [];
  const x = placeholderLeaf([1, 1], 'float32', 'an operand');
  return [1, 2, 3].filter((count) => {
    if (count > found.most) return false;
    try {
      const result = found.call(...new Array<Tensor>(count).fill(x));
      // A reading that fails later.
      if (result instanceof Promise) result.catch(() => {});
      return result instanceof Tensor;
    } catch {
      return false;
    }
  });
}

function call(name: string, x: Tensor, others: readonly Operand[]): Tensor {
  return find(name)!.call(x, ...others) as Tensor;
}

function combine(operator: string, a: Operand, b: Operand): Operand {
  if (typeof a === 'number' && typeof b === 'number') return fold(operator, a, b);
  if (typeof a === 'number') {
    const tensor = b as Tensor;
    // Commuting where it can keeps the graph as a person would draw it.
    if (operator === '+') return tensor.add(a);
    if (operator === '*') return tensor.mul(a);
    if (operator === '-') return tensor.neg().add(a);
    if (operator === '/') return a === 1 ? tensor.reciprocal() : tensor.reciprocal().mul(a);
    if (operator === '@')
      throw codedError(Error, 'AG_FORMULA', "formula: '@' multiplies matrices; use * for a number");
    return tensor.mul(log(a)).exp();
  }
  switch (operator) {
    case '+':
      return a.add(b);
    case '-':
      return a.sub(b);
    case '*':
      return a.mul(b);
    case '/':
      return a.div(b);
    case '@':
      if (typeof b === 'number')
        throw codedError(Error, 'AG_FORMULA', "formula: '@' multiplies matrices; use * for a number");
      return a.matmul(b);
    default:
      return a.pow(b);
  }
}

function fold(operator: string, a: number, b: number): number {
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
    case '@':
      return a * b;
    case '/':
      return a / b;
    default:
      return pow(a, b);
  }
}
