/**
 * A small language model: a transformer that predicts the next letter of sentences made by a grammar. A verb has to agree
 * with a subject that stands several words before it, which tables of the last two letters (trigrams) cannot know and
 * attention can. The loss on unseen text is compared with theirs, in nats per letter.
 *
 *     npm run ts -- examples/13-transformer.ts
 */
import { backward, compile } from '@ag/graph';
import { wasm } from '@ag/native-wasm';
import * as nn from '@ag/nn';
import { adam, cosine } from '@ag/optim';
import {
  arange,
  categorical,
  concat,
  manualSeed,
  randint,
  scan,
  type Tensor,
  tensor,
  uniform,
  use,
} from '@ag/tensor';

use(await wasm());
manualSeed(13);
const full = process.env.AG_EXAMPLE === 'full';
const [time, batch, width, steps] = full ? [48, 16, 48, 2000] : [32, 16, 32, 500];

/** Sentences like `the cats near a dog see some birds.`: nouns and verbs agree in number. */
function text(count: number): string {
  const draws = uniform([12 * count]).dataSync();
  let next = 0;
  const pick = (...words: string[]) => words[Math.floor(draws[next++] * words.length)];
  const noun = (s: string) => `${pick('the', s ? 'some' : 'a')} ${pick('cat', 'dog', 'bird', 'girl')}${s}`;
  const sentence = (s: string) => {
    const aside = pick('', ` ${pick('near', 'behind')} ${noun(pick('', 's'))}`);
    return `${noun(s)}${aside} ${pick('see', 'hear', 'like')}${s ? '' : 's'} ${noun(pick('', 's'))}. `;
  };
  return Array.from({ length: count }, () => sentence(pick('', 's'))).join('');
}
const [known, unseen] = [text(full ? 7000 : 1200), text(full ? 1200 : 120)];
const alphabet = [...new Set(known)].sort();

// causal: no letter sees those after it, or it would only have to read the answer
const block = () => nn.transformerEncoderLayer(width, 4, { causal: true, normFirst: true, dropout: 0 });
const letters = nn.embedding(alphabet.length, width);
const places = nn.embedding(time, width); // attention itself knows no order
const placed = (x: Tensor) => x.add(places.forward(arange(x.shape[1]).cast('int32')));
// Letters [n, time] → scores of the letter after each, [n, time, alphabet]
const model = nn.sequential(letters, placed, block(), block(), nn.linear(width, alphabet.length));
const learningRate = cosine(5e-3, { steps });
const optimizer = adam([...model.parameters(), ...places.parameters()], { learningRate });

/** How surprising the letters of these pieces are, `[n, time + 1]`, after those before them. */
function surprise(pieces: Tensor): Tensor {
  const scores = model.forward(pieces.slice(0, time, { axis: 1 }));
  return nn.crossEntropy(scores.flatten(0, 1), pieces.slice(1, time + 1, { axis: 1 }).flatten());
}
const train = compile((pieces: Tensor) => {
  const loss = surprise(pieces);
  backward(loss);
  optimizer.step();
  return loss;
});

const codes = (of: string) => tensor(Int32Array.from(of, (letter) => alphabet.indexOf(letter)));
const knownCodes = codes(known);
const window = arange(time + 1).cast('int32'); // added to starts [n, 1]: places [n, time + 1]
for (let step = 0; step < steps; step++) {
  const starts = randint([batch, 1], 0, known.length - time);
  const loss = await train(knownCodes.index(starts.add(window))).item();
  if (step % (steps / 5) === 0) console.log(`step ${step}: ${loss.toFixed(3)} nats a letter`);
}

// Trigrams: how often each letter followed the last two, one added to each count.
const counts = new Map<string, number>();
const count = (letters: string) => counts.get(letters) ?? 0;
const triples = (of: string) => Array.from({ length: of.length - 2 }, (_, i) => of.slice(i, i + 3));
for (const part of triples(known).flatMap((abc) => [abc, abc.slice(0, 2)])) counts.set(part, count(part) + 1);
const chance = (abc: string) => (count(abc) + 1) / (count(abc.slice(0, 2)) + alphabet.length);
const trigram = triples(unseen).reduce((sum, abc) => sum - Math.log(chance(abc)), 0) / (unseen.length - 2);
const starts = arange(0, unseen.length - time, time).cast('int32');
const loss = await surprise(codes(unseen).index(starts.unsqueeze(1).add(window))).item();
const figures = `trigrams ${trigram.toFixed(3)}, transformer ${loss.toFixed(3)} nats a letter`;
console.log(`${known.length} letters learned, ${unseen.length} unseen ones: ${figures}`);

// A hundred letters are one loop, planned once: each step draws a letter and moves the window on by it.
const { ys: written } = scan(
  (seen: Tensor) => {
    const letter = categorical(model.forward(seen.unsqueeze(0)).index(0, -1));
    return [concat([seen.slice(1), letter.reshape([1])]), letter];
  },
  codes(unseen.slice(0, time)),
  null,
  { length: 100 },
);
console.log(`written: ${Array.from(await written.data(), (code) => alphabet[code]).join('')}`);
