/** The transformer page's parts without a browser: counts by hand, answers, the code shown. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { manualSeed, reference, tensor, use } from '@ag/tensor';
import { fit } from '@ag/train';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { codeFor } from './code.ts';
import { Gpt } from './gpt.ts';
import { favorite, placeOf, sharesOf } from './heads.ts';
import {
  type CorpusAnswer,
  type LookAnswer,
  open,
  type Settings,
  type UnseenAnswer,
  type WritingAnswer,
} from './session.ts';
import { brackets, corpusOf, madeUpText, trigramLoss } from './text.ts';

const settings: Settings = {
  text: 'sentences',
  own: '',
  context: 16,
  width: 8,
  layers: 1,
  heads: 2,
  seed: 3,
  backend: 'wasm',
};

describe('texts', () => {
  it('are surprising to trigrams as counted by hand', () => {
    // Known: "ababababa" + "c"; unseen: the last tenth is "ab" only where it is 20 characters.
    const corpus = {
      alphabet: ['a', 'b', 'c'],
      known: Int32Array.of(0, 1, 0, 1, 2),
      unseen: Int32Array.of(0, 1, 0),
    };
    // n(aba) = 1, n(ab) = 2, three characters: −ln((1 + k) / (2 + 3k)) for k = 1, 0.3, 0.1, 0.03, 0.01.
    const byHand = [1, 0.3, 0.1, 0.03, 0.01].map((k) => -Math.log((1 + k) / (2 + 3 * k)));
    expect(trigramLoss(corpus)).toBeCloseTo(Math.min(...byHand), 12);
    expect(Math.min(...byHand)).toBeCloseTo(-Math.log(1.01 / 2.03), 12);
  });

  it('keep their end aside', () => {
    const { alphabet, known, unseen } = corpusOf(`${'ab'.repeat(10)}😀`);
    expect(alphabet).toEqual(['a', 'b', '😀']);
    expect([known.length, [...unseen]]).toEqual([19, [1, 2]]);
  });

  it('agree, and close what they open', () => {
    const sentences = madeUpText(300).split('. ').slice(0, -1);
    expect(sentences.length).toBe(300);
    for (const sentence of sentences) {
      const [, , subject] = /^(the|a|some) (\w+)/.exec(sentence)!;
      const verb = sentence.split(' ').find((word) => /^(see|hear|like)s?$/.test(word))!;
      expect(verb.endsWith('s'), sentence).toBe(!subject.endsWith('s'));
    }
    const open: string[] = [];
    const closing: Record<string, string> = { ')': '(', ']': '[', '}': '{' };
    for (const character of brackets(300)) {
      if ('([{'.includes(character)) open.push(character);
      else if (character in closing) expect(open.pop()).toBe(closing[character]);
    }
    expect(open).toEqual([]);
  });
});

describe('heads', () => {
  it('look at places of one kind each', () => {
    const text = [...'a cat saw a dog'];
    const at = (i: number, j: number) => placeOf(text, i, j);
    expect([at(4, 4), at(4, 3), at(7, 3), at(4, 1), at(8, 2), at(14, 2)]).toEqual([
      'itself',
      'previous',
      'same',
      'mark',
      'near',
      'far',
    ]);
    // Three characters: the second looks at itself and the first alike, the third at the first alone, which is the same.
    const shares = sharesOf(['x', 'y', 'x'], [1, 0, 0, 0.5, 0.5, 0, 1, 0, 0]);
    expect(shares).toEqual({ itself: 0.25, previous: 0.25, same: 0.5, mark: 0, near: 0, far: 0 });
    expect(favorite(shares)).toBe('same');
  });
});

describe('the network', () => {
  afterAll(() => use(reference()));

  it('gives the same scores when its heads are looked at, and looks at nothing later', async () => {
    manualSeed(1);
    const model = new Gpt({ characters: 7, context: 6, width: 8, layers: 2, heads: 2 });
    const x = tensor(Int32Array.of(1, 4, 2, 0, 6, 5)).reshape([1, 6]);
    const { scores, attention } = model.look(x);
    const expected = await model.forward(x).data();
    for (const [i, score] of (await scores.data()).entries()) expect(score).toBeCloseTo(expected[i], 5);
    const first = await attention[0].data();
    for (let i = 0; i < 6; i++) {
      const row = Array.from(first.slice(6 * i, 6 * i + 6));
      expect(row.reduce((a, b) => a + b)).toBeCloseTo(1, 5);
      expect(row.slice(i + 1).every((weight) => weight === 0)).toBe(true);
    }
  });

  it('answers what it is asked', async () => {
    const { predict } = await open(settings);
    const corpus = (await predict!({ about: 'corpus' })) as CorpusAnswer;
    expect([...corpus.beginning].length).toBe(16);
    // Characters that it does not know are left out.
    const look = (await predict!({ about: 'look', text: 'the Xcats' })) as LookAnswer;
    expect(look.characters.join('')).toBe('the cats');
    expect(look.attention.map((heads) => heads.map((map) => map.length))).toEqual([[64, 64]]);
    expect(look.next[7].reduce((a, b) => a + b)).toBeCloseTo(1, 5);
    const { loss } = (await predict!({ about: 'unseen' })) as UnseenAnswer;
    // Untrained: about ln(18), what all characters alike would give.
    expect(Math.abs(loss - Math.log(corpus.alphabet.length))).toBeLessThan(0.7);
    const write = (seed: number) => predict!({ about: 'writing', text: 'the', temperature: 1, seed });
    const written = (await write(5)) as WritingAnswer;
    expect([...written.text].every((character) => corpus.alphabet.includes(character))).toBe(true);
    expect(written.text.length).toBe(80);
    expect(await write(5)).toEqual(written);
    expect(await write(6)).not.toEqual(written);
  });
});

describe('the code on the page', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(import.meta.dirname, 'code-'));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
    use(reference());
  });

  it.each(['sentences', 'brackets', 'own'] as const)('trains as the page does: %s', async (text) => {
    const own = text === 'own' ? 'To be, or not to be: that is the question. '.repeat(20) : '';
    const asked = { ...settings, text, own };
    const { predict: _, ...options } = await open(asked);
    (options.optimizer as { learningRate: number }).learningRate = 0.01;
    const losses: number[] = [];
    for await (const event of fit(options)) {
      if (event.type === 'step' && losses.push(event.loss) === 3) break;
    }
    const file = join(folder, `${text}.ts`);
    await writeFile(file, codeFor(asked, 0.01, 3));
    const log = vi.spyOn(console, 'log').mockImplementation(() => undefined);
    await import(/* @vite-ignore */ file);
    const printed = log.mock.calls.map((call) => call.map(Number));
    log.mockRestore();
    expect(printed).toEqual(losses.map((loss, i) => [i + 1, expect.closeTo(loss, 4)]));
  });
});
