/** The program that trains the same network, for Node. */
import type { Settings } from './session.ts';

const dice = `let state = SEED;
const dice = (sides) => {
  state = (1664525 * state + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * sides);
};`;

const sentences = `${dice.replace('SEED', '13')}
const pick = (...words) => words[dice(words.length)];
const noun = (s) => \`\${pick('the', s ? 'some' : 'a')} \${pick('cat', 'dog', 'bird', 'girl')}\${s}\`;
const sentence = (s) => {
  const aside = pick('', ' ' + pick('near', 'behind') + ' ' + noun(pick('', 's')));
  return \`\${noun(s)}\${aside} \${pick('see', 'hear', 'like')}\${s ? '' : 's'} \${noun(pick('', 's'))}. \`;
};
const text = Array.from({ length: 1200 }, () => sentence(pick('', 's'))).join('');`;

const brackets = `${dice.replace('SEED', '7')}
const group = (depth) => {
  const [open, close] = ['()', '[]', '{}'][dice(3)];
  const part = () => (depth < 3 && dice(3) === 0 ? group(depth + 1) : 'abcd'[dice(4)]);
  return open + Array.from({ length: 1 + dice(3) }, part).join('') + close;
};
const text = Array.from({ length: 4000 }, () => group(0)).join('');`;

export function codeFor(settings: Settings, rate: number, steps = 500): string {
  const { context, width, layers, heads, seed } = settings;
  const text =
    settings.text === 'own'
      ? `const text = ${JSON.stringify(settings.own)};`
      : settings.text === 'brackets'
        ? brackets
        : sentences;
  return `import { dataLoader, tensorDataset } from '@ag/datasets';
import { wasm } from '@ag/native-wasm';
import { crossEntropy, embedding, linear, Module, transformerEncoderLayer } from '@ag/nn';
import { adam } from '@ag/optim';
import { arange, manualSeed, tensor, use } from '@ag/tensor';
import { fit } from '@ag/train';

${text}

const characters = [...text];
const alphabet = [...new Set(characters)].sort((a, b) => a.codePointAt(0) - b.codePointAt(0));
const codes = Int32Array.from(characters, (character) => alphabet.indexOf(character));
const known = codes.subarray(0, codes.length - Math.min(2000, Math.floor(codes.length / 10)));

use(await wasm());
manualSeed(${seed});
class Gpt extends Module {
  constructor() {
    super();
    this.letters = embedding(alphabet.length, ${width});
    this.places = embedding(${context}, ${width});
    const options = { causal: true, normFirst: true, dropout: 0, activation: 'gelu' };
    this.blocks = Array.from({ length: ${layers} }, () => transformerEncoderLayer(${width}, ${heads}, options));
    this.scores = linear(${width}, alphabet.length);
  }
  forward(x) {
    const places = this.places.forward(arange(x.shape[1]).cast('int32'));
    const begin = this.letters.forward(x).add(places);
    return this.scores.forward(this.blocks.reduce((y, block) => block.forward(y), begin));
  }
}
const model = new Gpt();

const starts = [];
for (let start = 0; start + ${context} < known.length; start += ${Math.max(1, context >> 2)}) starts.push(start);
const cut = (behind) =>
  tensor(Int32Array.from(starts.flatMap((start) => [...known.subarray(start + behind, start + behind + ${context})])))
    .reshape([starts.length, ${context}]);
const run = fit({
  model,
  optimizer: adam(model.parameters(), { learningRate: ${rate} }),
  loss: (scores, next) => crossEntropy(scores.flatten(0, 1), next.flatten()),
  train: dataLoader(tensorDataset(cut(0), cut(1)), {
    batchSize: Math.min(16, starts.length), shuffle: true, seed: ${seed}, dropLast: true,
  }),
  epochs: 1_000_000,
  compile: true,
});
for await (const event of run) {
  if (event.type !== 'step') continue;
  if (event.step <= 3 || event.step % 50 === 0) console.log(event.step, event.loss);
  if (event.step === ${steps}) break;
}
`;
}
