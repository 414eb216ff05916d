/** The program that does what the viewer shows: opens the file, computes a value, differentiates it. */
import { quoted } from '../../components/quoted.ts';
import type { Feed } from './feed.ts';

/** How the inputs are made in a program, by what they are fed with. */
function inputCode(shape: readonly number[], feed: Feed): string {
  const sizes = `[${shape.join(', ')}]`;
  const size = shape.reduce((all, axis) => all * axis, 1);
  switch (feed.kind) {
    case 'zeros':
      return `zeros(${sizes})`;
    case 'ones':
      return `ones(${sizes})`;
    case 'ramp':
      return `linspace(-1, 1, ${size}).reshape(${sizes})`;
    case 'numbers':
      return `tensor([${feed.numbers.join(', ')}]).reshape(${sizes})`;
    default:
      return `normal(${sizes}, { key: key(${feed.seed}) })`;
  }
}

/** @param value of an ONNX file what is computed; null for a file of weights */
export function codeFor(
  name: string,
  format: string,
  value: string | null,
  shapes: readonly (readonly number[])[],
  feed: Feed,
): string {
  if (value === null) {
    const load =
      format === 'PyTorch' ? 'loadTorch' : format === 'NumPy archive' ? 'loadNpz' : 'loadSafetensors';
    const read = load === 'loadSafetensors' ? load : `await ${load}`;
    const tensors = load === 'loadNpz' ? 'const tensors' : 'const { tensors }';
    return `import { readFileSync } from 'node:fs';
import { ${load} } from '@ag/nn';

${tensors} = ${read}(readFileSync(${quoted(name)}));
for (const [name, weight] of Object.entries(tensors)) console.log(name, weight.shape, weight.dtype);
`;
  }
  const inputs = shapes.map((shape, i) => inputCode(shape, { ...feed, seed: feed.seed + i }));
  const made = [
    ...new Set(
      inputs.flatMap((code) => code.match(/\b(?:zeros|ones|linspace|tensor|normal|key)(?=\()/g) ?? []),
    ),
  ];
  return `import { readFileSync } from 'node:fs';
import { gradients } from '@ag/graph';
import { loadOnnx } from '@ag/onnx';
import { ${[...made, 'Variable'].sort((a, b) => a.localeCompare(b)).join(', ')} } from '@ag/tensor';

const model = loadOnnx(readFileSync(${quoted(name)}), { outputs: [${quoted(value)}] });
const inputs = [
${inputs.map((code) => `  new Variable(${code}),`).join('\n')}
];
const [y] = model.forward(...inputs.map((input) => input.value));
console.log(y);

const weights = [...model.namedParameters()];
const found = gradients(y.sum(), [...inputs, ...weights.map(([, weight]) => weight)]);
for (const [i, gradient] of found.entries())
  console.log(i < inputs.length ? 'input' : weights[i - inputs.length][0], await gradient.norm().item());
`;
}
