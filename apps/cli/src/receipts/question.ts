/**
 * Questions about a step: `norm(update(fc1.weight)) / norm(weight(fc1.weight))`. What is in the parentheses of `grad`, `weight`, `update`
 * and `activation` is a name of the model, everything else is arithmetic.
 */
import type { Tensor } from '@ag/tensor';
import type { Moment } from '@ag/train';
import { Failure } from '../failure.ts';
import { didYouMean } from '../suggest.ts';

/** Something to be known of a step. */
export interface Question {
  readonly text: string;
  /** Modules whose outputs it needs. */
  readonly activations: readonly string[];
  /** @throws Failure `usage` where the answer is no number, or asks for a metric that there is not */
  answer(step: Moment): Promise<number>;
}

type Value = Tensor | number;
type Ask = (step: Moment) => Promise<Value>;

/** What a step has by name. */
const sources: Readonly<Record<string, (step: Moment, name: string) => Promise<Tensor>>> = {
  grad: (step, name) => step.gradient(name),
  weight: (step, name) => step.weight(name),
  update: (step, name) => step.update(name),
  activation: (step, name) => step.activation(name),
};

/** Arrays become numbers by these, in double precision. */
const reductions: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  norm: (x) => x.square().sum().sqrt(),
  mean: (x) => x.mean(),
  sum: (x) => x.sum(),
  max: (x) => x.max(),
  min: (x) => x.min(),
  std: (x) => x.std(),
};

const elementwise: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  abs: (x) => x.abs(),
  sqrt: (x) => x.sqrt(),
  log: (x) => x.log(),
};

const functions = [...Object.keys(sources), ...Object.keys(reductions), ...Object.keys(elementwise)];

/** @throws Failure `usage` for a text that is no question, with the place where it ends to be one */
export function parseQuestion(text: string): Question {
  const parser = new Parser(text);
  const ask = parser.whole();
  return {
    text,
    activations: parser.activations,
    async answer(step) {
      const value = await ask(step);
      if (typeof value === 'number') return value;
      if (value.size === 1) return value.item();
      throw new Failure(
        'usage',
        `'${text}' is an array [${value.shape.join(', ')}], not a number`,
        `For example: norm(${text}). There are ${Object.keys(reductions).join(', ')}.`,
      );
    },
  };
}

/** Reads from left to right: sums of products of parts. */
class Parser {
  readonly activations: string[] = [];
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  whole(): Ask {
    const ask = this.#sum();
    if (this.#peek() !== '') throw this.#wrong('an operator or the end');
    return ask;
  }

  #sum(): Ask {
    let ask = this.#product();
    for (let next = this.#peek(); next === '+' || next === '-'; next = this.#peek()) {
      this.#at++;
      ask = combined(ask, this.#product(), next === '+' ? 'add' : 'sub');
    }
    return ask;
  }

  #product(): Ask {
    let ask = this.#part();
    for (let next = this.#peek(); next === '*' || next === '/'; next = this.#peek()) {
      this.#at++;
      ask = combined(ask, this.#part(), next === '*' ? 'mul' : 'div');
    }
    return ask;
  }

  #part(): Ask {
    if (this.#take('-')) return combined(async () => 0, this.#part(), 'sub');
    if (this.#take('(')) {
      const inside = this.#sum();
      this.#expect(')');
      return inside;
    }
    const number = this.#match(/^\d+(\.\d+)?(e[+-]?\d+)?/i);
    if (number !== '') return async () => Number(number);
    const name = this.#match(/^[A-Za-z_][\w/]*/);
    if (name === '') throw this.#wrong('a number, a name or a parenthesis');
    return this.#take('(') ? this.#call(name) : named(name);
  }

  #call(name: string): Ask {
    if (Object.hasOwn(sources, name)) {
      const of = this.#match(/^[^()]+/).trim();
      if (of === '') throw this.#wrong(`a name such as ${name}(fc1.weight)`);
      this.#expect(')');
      if (name === 'activation') this.activations.push(of);
      return (step) => sources[name](step, of);
    }
    const change = reductions[name] ?? elementwise[name];
    if (!change) {
      throw new Failure('usage', `there is no function '${name}'`, didYouMean(name, functions, 'Functions'));
    }
    const inside = this.#sum();
    this.#expect(')');
    return async (step) => change(asTensor(await inside(step), await import('@ag/tensor')));
  }

  #peek(): string {
    while (this.#text[this.#at] === ' ') this.#at++;
    return this.#text[this.#at] ?? '';
  }

  #take(character: string): boolean {
    if (this.#peek() !== character) return false;
    this.#at++;
    return true;
  }

  #match(pattern: RegExp): string {
    this.#peek();
    const [found = ''] = pattern.exec(this.#text.slice(this.#at)) ?? [];
    this.#at += found.length;
    return found;
  }

  #expect(character: string): void {
    if (!this.#take(character)) throw this.#wrong(`'${character}'`);
  }

  #wrong(expected: string): Failure {
    const found = this.#peek() === '' ? 'nothing' : `'${this.#text.slice(this.#at)}'`;
    return new Failure(
      'usage',
      `'${this.#text}' is no question: expected ${expected} at character ${this.#at + 1}, found ${found}`,
      "For example: 'norm(grad(fc1.weight))', 'loss', 'max(abs(update(fc1.bias)))'.",
    );
  }
}

/** `loss`, `learningRate`, or a metric. */
function named(name: string): Ask {
  return async (step) => {
    if (name === 'loss') return step.loss();
    if (name === 'learningRate') return step.learningRate();
    const metrics = await step.metrics();
    if (Object.hasOwn(metrics, name)) return metrics[name];
    const names = ['loss', 'learningRate', ...Object.keys(metrics)];
    throw new Failure(
      'usage',
      `there is no '${name}' of a step`,
      `${didYouMean(name, names, 'Names')} Weights and gradients are weight(NAME) and grad(NAME).`,
    );
  };
}

function combined(left: Ask, right: Ask, how: 'add' | 'sub' | 'mul' | 'div'): Ask {
  return async (step) => {
    const library = await import('@ag/tensor');
    const [a, b] = [await left(step), await right(step)];
    const value = asTensor(a, library)[how](asTensor(b, library));
    return typeof a === 'number' && typeof b === 'number' ? value.item() : value;
  };
}

/** In double precision, so that what is asked does not depend on how it is added up. */
function asTensor(value: Value, { tensor }: typeof import('@ag/tensor')): Tensor {
  return typeof value === 'number' ? tensor(value, { dtype: 'float64' }) : value.cast('float64');
}
