/**
 * GPT-2 as it was published, with the names of its weights: what it writes, with a cache of keys and values and without, and how few
 * numbers tune it. Without files it is a small one that learns a few sentences here; with `AG_GPT2_DIR` naming a folder with
 * `model.safetensors` and `tokenizer.json` of a published one (gpt2, gpt2-medium, …) it is that.
 *
 *     npm run ts -- examples/26-gpt2.ts
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { backward, compile } from '@ag/graph';
import { wasm } from '@ag/native-wasm';
import * as nn from '@ag/nn';
import { adam } from '@ag/optim';
import { manualSeed, type Tensor, tensor, use } from '@ag/tensor';
import { configOf, GPT2 } from './models/gpt2.ts';

use(await wasm());
manualSeed(24);

const folder = process.env.AG_GPT2_DIR;
const weights = folder && join(folder, 'model.safetensors');
if (weights && !existsSync(weights)) throw new Error(`there is no ${weights}`);

const lines = [
  'the cat sat on the mat.',
  'the dog lay on the rug.',
  'a bird sang in the tree.',
  'the fish swam in the sea.',
];

/** A published model and its tokenizer. */
function published(path: string) {
  const { tensors } = nn.loadSafetensors(readFileSync(path));
  const tokenizer = nn.loadTokenizer(readFileSync(join(folder!, 'tokenizer.json')));
  return { model: new GPT2(configOf(tensors)).load(tensors), tokenizer, prompt: 'The meaning of life is' };
}

/** A small one, which learns four sentences. */
async function taught() {
  const tokenizer = nn.bytePairTokenizer(lines, { size: 280, special: ['<end>'] });
  const config = {
    vocabulary: tokenizer.size,
    positions: 128,
    features: 48,
    heads: 4,
    layers: 2,
    dropout: 0,
  };
  const model = new GPT2(config);
  const text = lines.flatMap((line) => [...tokenizer.encode(line), tokenizer.tokenToId('<end>')!]);
  const tokens = tensor([text], { dtype: 'int32' });
  const optimizer = adam(model.parameters(), { learningRate: 3e-3 });
  const step = compile((x: Tensor) => {
    const scores = model.forward(x.slice(0, -1, { axis: 1 })).flatten(0, 1);
    const loss = nn.crossEntropy(scores, x.slice(1, undefined, { axis: 1 }).flatten());
    backward(loss);
    optimizer.step();
    return loss;
  });
  for (let i = 0; i < 60; i++) await step(tokens).item();
  console.log(`taught: ${(await step(tokens).item()).toFixed(3)} nats a token`);
  return { model, tokenizer, prompt: 'the cat' };
}

const { model, tokenizer, prompt } = weights ? published(weights) : await taught();
const count = (list: readonly { readonly size: number }[]) => list.reduce((sum, { size }) => sum + size, 0);
console.log(
  `${model.transformer.h.length} layers, ${count(model.parameters())} numbers, ${tokenizer.size} tokens`,
);

// Token after token, as it is written.
const stop = tokenizer.tokenToId('<end>') ?? tokenizer.tokenToId('<|endoftext|>') ?? [];
const begin = tokenizer.encode(prompt);
process.stdout.write(`greedy: ${prompt}`);
for await (const token of model.generate(begin, { maxTokens: 20, stop }))
  process.stdout.write(tokenizer.decode([token]));
console.log();

const draw = { maxTokens: 20, temperature: 0.8, topP: 0.95, seed: 7, stop };
console.log(`drawn: ${prompt}${tokenizer.decode(await model.generate(begin, draw).all())}`);
console.log(
  `beams: ${prompt}${tokenizer.decode(await model.generate(begin, { maxTokens: 20, beams: 4, stop }).all())}`,
);

// The cache saves work and changes nothing.
const timed = async (useCache: boolean) => {
  const started = performance.now();
  const tokens = await model.generate(begin, { maxTokens: 20, useCache }).all();
  return { tokens, time: performance.now() - started };
};
const [cached, anew] = [await timed(true), await timed(false)];
const same = cached.tokens.join() === anew.tokens.join();
console.log(
  `with a cache ${cached.time.toFixed(0)} ms, without ${anew.time.toFixed(0)} ms: ${same ? 'the same tokens' : 'other tokens'}`,
);

// Changes of low rank beside attention and networks; merged they are a part of the weights.
const tuned = nn.lora(model, { rank: weights ? 8 : 1, targets: [/cAttn|cProj|cFc/], seed: 1 });
console.log(`${count(tuned.parameters())} of ${count(model.parameters())} numbers train`);
