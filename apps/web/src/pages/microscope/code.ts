/** The program that evaluates and differentiates the formula, for Node. */
import { quoted } from '../../components/quoted.ts';

/** A value as code. What is no number and no array of numbers never gets into a program that somebody will run. */
function numbersIn(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), (_, item) => {
      if (typeof item === 'number' || Array.isArray(item)) return item;
      throw new TypeError('neither a number nor an array of numbers');
    });
  } catch {
    return '1';
  }
}

/** A name in an object literal, where `__proto__` would be none. */
function keyOf(name: string): string {
  return /^[a-z_]\w*$/i.test(name) && name !== '__proto__' ? name : `[${quoted(name)}]`;
}

export function codeFor(
  expression: string,
  values: ReadonlyMap<string, string>,
  names: readonly string[],
): string {
  const lines = names.map((name) => `  ${keyOf(name)}: tensor(${numbersIn(values.get(name) ?? '1')}),`);
  return `import { formula, gradients } from '@ag/graph';
import { tensor } from '@ag/tensor';

const values = {
${lines.join('\n')}
};
const result = formula(${quoted(expression)}).evaluate(values).sum();
const slopes = gradients(result, Object.values(values));
console.log(await result.item());
for (const [i, name] of Object.keys(values).entries()) console.log(name, await slopes[i].toArray());
`;
}
