/**
 * What the worker trains, and what it answers between two steps.
 */
import { dataLoader, tensorDataset } from '@ag/datasets';
import { crossEntropy } from '@ag/nn';
import { adam } from '@ag/optim';
import { manualSeed, type Tensor, tensor } from '@ag/tensor';
import type { ServedTraining } from '@ag/train';
import { type BackendName, type Computing, startComputing } from '../../service/worker/computing.ts';
import { Gpt } from './gpt.ts';
import { type Corpus, corpusOf, type TextName, textOf, trigramLoss } from './text.ts';

/** Which text, and how large the network is. Plain data: a kept checkpoint is gone on with where it is the same. */
export interface Settings {
  readonly text: TextName;
  /** Of the reader; empty but for 'own'. */
  readonly own: string;
  readonly context: number;
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  readonly seed: number;
  readonly backend: BackendName;
}

/** What the page asks. */
export type Question =
  | { readonly about: 'corpus' }
  /** Who looks at whom in this text, and what may come next. */
  | { readonly about: 'look'; readonly text: string }
  | { readonly about: 'unseen' }
  /** What it writes behind this text; the same seed and weights write the same. */
  | { readonly about: 'writing'; readonly text: string; readonly temperature: number; readonly seed: number };

/** What is known before it trains. */
export interface CorpusAnswer {
  readonly alphabet: readonly string[];
  readonly known: number;
  readonly unseen: number;
  /** Nats per character of the unseen text, by counts of three. */
  readonly trigram: number;
  /** The beginning of the unseen text. */
  readonly beginning: string;
  readonly computing: Computing;
}

export interface LookAnswer {
  /** The characters it saw: the last of the text that it knows, as many as it can look back on. */
  readonly characters: readonly string[];
  /** By layer, then head: row i says how much character i looks at each, `[characters · characters]`. */
  readonly attention: readonly (readonly Float32Array[])[];
  /** By character, how likely each of the alphabet comes next. */
  readonly next: readonly Float32Array[];
}

/** Nats per character of the unseen text. */
export type UnseenAnswer = { readonly loss: number };
export type WritingAnswer = { readonly text: string };
export type Answer = CorpusAnswer | LookAnswer | UnseenAnswer | WritingAnswer;

/** Characters that are written at once. */
const written = 80;

/** Windows of a text and the characters that follow, `[count, context]` each. */
function windows(codes: Int32Array, context: number, stride: number): readonly [Tensor, Tensor] {
  const starts: number[] = [];
  for (let start = 0; start + context < codes.length; start += stride) starts.push(start);
  const cut = (behind: number) => {
    const all = new Int32Array(starts.length * context);
    starts.forEach((start, i) => {
      all.set(codes.subarray(start + behind, start + behind + context), i * context);
    });
    return tensor(all).reshape([starts.length, context]);
  };
  return [cut(0), cut(1)];
}

const loss = (scores: Tensor, next: Tensor): Tensor => crossEntropy(scores.flatten(0, 1), next.flatten());

/** The training of these settings, for `serveTraining`. */
export async function open(settings: Settings): Promise<ServedTraining> {
  const computing = await startComputing(settings.backend);
  manualSeed(settings.seed);
  const corpus = corpusOf(textOf(settings));
  const { context, width, layers, heads } = settings;
  const model = new Gpt({ characters: corpus.alphabet.length, context, width, layers, heads });
  const [x, y] = windows(corpus.known, context, Math.max(1, context >> 2));
  const unseen = windows(corpus.unseen, context, context);
  return {
    model,
    optimizer: adam(model.parameters(), { learningRate: 3e-3 }),
    loss,
    train: dataLoader(tensorDataset(x, y), {
      batchSize: Math.min(16, x.shape[0]),
      shuffle: true,
      seed: settings.seed,
      dropLast: true,
    }),
    // Until it is paused.
    epochs: 1_000_000,
    compile: true,
    predict: answering(model, corpus, context, unseen, computing),
  };
}

/** Answers the page's questions. */
export function answering(
  model: Gpt,
  corpus: Corpus,
  context: number,
  [unseenX, unseenY]: readonly [Tensor, Tensor],
  computing: Computing,
): (question: Question) => Promise<Answer> {
  const { alphabet, known, unseen } = corpus;
  const places = new Map(alphabet.map((character, place) => [character, place]));
  const codesOf = (text: string) =>
    [...text].flatMap((character) => places.get(character) ?? []).slice(-context);
  /** One window, filled up behind its end: causal attention does not see that, and every length has the same plan. */
  const windowOf = (codes: readonly number[]) =>
    tensor(Int32Array.from({ length: context }, (_, i) => codes[i] ?? 0)).reshape([1, context]);

  const look = async (text: string): Promise<LookAnswer> => {
    const codes = codesOf(text);
    const count = codes.length;
    const { scores, attention } = model.look(windowOf(codes));
    const chances = (await scores.softmax(2).data()) as Float32Array;
    const maps = await Promise.all(attention.map((weights) => weights.data() as Promise<Float32Array>));
    const square = (all: Float32Array, head: number) => {
      const map = new Float32Array(count * count);
      for (let i = 0; i < count; i++) {
        const row = (head * context + i) * context;
        map.set(all.subarray(row, row + count), i * count);
      }
      return map;
    };
    const heads = attention[0]?.shape[1] ?? 0;
    return {
      characters: codes.map((code) => alphabet[code]),
      attention: maps.map((all) => Array.from({ length: heads }, (_, head) => square(all, head))),
      next: codes.map((_, i) => chances.slice(i * alphabet.length, (i + 1) * alphabet.length)),
    };
  };

  const write = async (text: string, temperature: number, seed: number): Promise<WritingAnswer> => {
    let state = seed >>> 0;
    const codes = codesOf(text);
    if (codes.length === 0) codes.push(known[0]);
    let result = '';
    for (let i = 0; i < written; i++) {
      const scores = model.forward(windowOf(codes)).index(0, codes.length - 1);
      const chances = await scores.div(temperature).softmax(0).data();
      state = (1664525 * state + 1013904223) >>> 0;
      let left = state / 2 ** 32;
      let code = 0;
      while (code < chances.length - 1 && left >= chances[code]) left -= chances[code++];
      result += alphabet[code];
      codes.push(code);
      if (codes.length > context) codes.shift();
    }
    return { text: result };
  };

  return async (question) => {
    if (question.about === 'look') return look(question.text);
    if (question.about === 'writing') return write(question.text, question.temperature, question.seed);
    if (question.about === 'unseen') return { loss: await loss(model.forward(unseenX), unseenY).item() };
    return {
      alphabet,
      known: known.length,
      unseen: unseen.length,
      trigram: trigramLoss(corpus),
      beginning: Array.from(unseen.subarray(0, context), (code) => alphabet[code]).join(''),
      computing,
    };
  };
}
