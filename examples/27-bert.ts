/**
 * BERT as it was published, with the names of its weights: which word stands behind a mask. Without files it is a small one that
 * learns a few sentences here; with `AG_BERT_DIR` naming a folder with `model.safetensors` and `tokenizer.json` of a published one
 * (bert-base-uncased) it is that.
 *
 *     npm run ts -- examples/27-bert.ts
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { backward, compile } from '@ag/graph';
import { wasm } from '@ag/native-wasm';
import * as nn from '@ag/nn';
import { adam } from '@ag/optim';
import { bernoulli, manualSeed, type Tensor, tensor, topK, use } from '@ag/tensor';
import { BertForMaskedLM, sizes } from './models/bert.ts';

use(await wasm());
manualSeed(25);

const folder = process.env.AG_BERT_DIR;
const weights = folder && join(folder, 'model.safetensors');
if (weights && !existsSync(weights)) throw new Error(`there is no ${weights}`);

/** A published model and its tokenizer. */
function published(path: string) {
  const model = new BertForMaskedLM(sizes['bert-base-uncased']).load(
    nn.loadSafetensors(readFileSync(path)).tensors,
  );
  const tokenizer = nn.loadTokenizer(readFileSync(join(folder!, 'tokenizer.json')));
  return { model, tokenizer, asked: 'The capital of France is [MASK].' };
}

const words = [
  '[PAD]',
  '[UNK]',
  '[CLS]',
  '[SEP]',
  '[MASK]',
  'the',
  'cat',
  'dog',
  'fish',
  'bird',
  'purrs',
  'barks',
  'swims',
  'sings',
  '.',
];

/** Small, of whole words: which animal makes which sound. */
async function taught() {
  const around = {
    single: [{ SpecialToken: { id: '[CLS]' } }, { Sequence: {} }, { SpecialToken: { id: '[SEP]' } }],
  };
  const marks = { '[CLS]': { ids: [2] }, '[SEP]': { ids: [3] } };
  const tokenizer = nn.loadTokenizer({
    added_tokens: words.slice(0, 5).map((content, id) => ({ id, content, special: true })),
    normalizer: { type: 'BertNormalizer' },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: { type: 'TemplateProcessing', ...around, special_tokens: marks },
    decoder: { type: 'WordPiece' },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      vocab: Object.fromEntries(words.map((word, i) => [word, i])),
    },
  });
  const model = new BertForMaskedLM({
    vocabulary: words.length,
    positions: 16,
    features: 32,
    heads: 4,
    layers: 2,
    dropout: 0,
  });
  const pairs = [6, 7, 8, 9].map((animal) => `the ${words[animal]} ${words[animal + 4]}.`);
  const sentences = tensor(
    pairs.flatMap((line) => Array(4).fill(tokenizer.encode(line))),
    { dtype: 'int32' },
  );
  const optimizer = adam(model.parameters(), { learningRate: 3e-3 });
  // Some words are masked, and the scores of these count.
  const step = compile((x: Tensor) => {
    const hidden = bernoulli(x.shape, 0.3, { dtype: 'bool' }).logicalAnd(x.greater(4));
    const scores = model.forward(hidden.where(4, x));
    const losses = nn.crossEntropy(scores.flatten(0, 1), x.flatten(), { reduction: 'none' });
    const counted = hidden.flatten().cast('float32');
    const loss = losses.mul(counted).sum().div(counted.sum().add(1e-6));
    backward(loss);
    optimizer.step();
    return loss;
  });
  for (let i = 0; i < 150; i++) await step(sentences).item();
  return { model, tokenizer, asked: 'The [MASK] barks.' };
}

const { model, tokenizer, asked } = weights ? published(weights) : await taught();
model.eval();
const ids = tokenizer.encode(asked);
const mask = ids.indexOf(tokenizer.tokenToId('[MASK]')!);
const scores = model
  .forward(tensor([ids], { dtype: 'int32' }))
  .index(0, mask)
  .softmax(-1);
const { values, indices } = topK(scores, 3);
const [chances, found] = [await values.data(), await indices.data()];
console.log(asked);
found.forEach((id, i) => {
  console.log(`${(100 * chances[i]).toFixed(1)} %  ${tokenizer.idToToken(id)}`);
});
