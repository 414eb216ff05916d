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
import { arange, categorical, manualSeed, randint, type Tensor, tensor, uniform, use } from '@ag/tensor';

use(await wasm());
manualSeed(13);
const full = process.env.AG_EXAMPLE === 'full';
const [time, batch, width, steps] = full ? [48, 16, 48, 2000] : [32, 16, 32, 500];

/** Sentences like `the cats near a dog see some birds.`: nouns and verbs agree in number. */
function text(count: number): string {
  const draws = uniform([12 * count]).dataSync();
  let next = 0;
  const pick = (...words: string[]) => words[Math.floor(draws[next++]! * words.length)]!;
  const noun = (s: string) => `${pick('the', s ? 'some' : 'a')} ${pick('cat', 'dog', 'bird', 'girl')}${s}`;
  const sentence = (s: string) => {
    const aside = pick('', ` ${pick('near', 'behind')} ${noun(pick('', 's'))}`);
    return `${noun(s)}${aside} ${pick('see', 'hear', 'like')}${s ? '' : 's'} ${noun(pick('', 's'))}. `;
  };
  return Array.from({ length: count }, () => sentence(pick('', 's'))).join('');
}
const [known, unseen] = [text(full ? 6000 : 1200), text(120)];
const alphabet = [...new Set(known)].sort();

// causal: no letter sees those after it, or it would only have to read the answer
const options = { causal: true, normFirst: true, dropout: 0 };
class Writer extends nn.Module {
  readonly letters = nn.embedding(alphabet.length, width);
  readonly places = nn.embedding(time, width);
  readonly blocks = [1, 2].map(() => nn.transformerEncoderLayer(width, 4, options));
  readonly output = nn.linear(width, alphabet.length);
  /** Letters `[n, time]` → scores of the letter after each, `[n, time, alphabet]`. */
  override forward(x: Tensor): Tensor {
    const places = this.places.forward(arange(x.shape[1]!).cast('int32'));
    let state = this.letters.forward(x).add(places);
    for (const block of this.blocks) state = block.forward(state);
    return this.output.forward(state);
  }
}
const model = new Writer();
const optimizer = adam(model.parameters(), { learningRate: cosine(5e-3, { steps }) });

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
const window = arange(time + 1).cast('int32'); // added to starts [n, 1]: places [n, time + 1]
const knownCodes = codes(known);
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
const chances = triples(unseen).map(chance);
const trigram = chances.reduce((sum, p) => sum - Math.log(p), 0) / chances.length;
const starts = arange(0, unseen.length - time, time).cast('int32');
const loss = await surprise(codes(unseen).index(starts.unsqueeze(1).add(window))).item();
console.log(`unseen text: trigrams ${trigram.toFixed(3)}, transformer ${loss.toFixed(3)} nats a letter`);

let story = unseen.slice(0, time);
for (let i = 0; i < 100; i++) {
  const scores = model.forward(codes(story.slice(-time)).reshape([1, time]));
  story += alphabet[await categorical(scores.index(0, -1)).item()];
}
console.log(`written: ${story.slice(time)}`);
