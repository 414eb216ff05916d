/**
 * Tokenizers of Hugging Face's files, `tokenizer.json`. They are byte-pair encoding (GPT-2's of bytes, and of characters) and WordPiece, with
 * their stages. Whatever a file asks for that is not known here is refused by name, so ids are those that the model was trained on.
 */
import { checkOptions, codedError, describeValue, valueError } from '@ag/tensor/engine';
import { type AddedToken, finder } from './addedTokens.ts';
import { BytePairs } from './bytePairs.ts';
import { decoder, normalizer, type Part, preTokenizer } from './stages.ts';
import { checkId, checkText, type Tokenizer } from './tokenizer.ts';
import { wordPieces } from './wordPieces.ts';

/** Ids beyond this are a mistake: the array of tokens would be as long. */
const largestId = 2 ** 24;

/** What is read of the file. */
interface TokenizerFile {
  readonly model: Part & { readonly vocab: Readonly<Record<string, number>> };
  readonly added_tokens?: readonly AddedToken[];
  readonly normalizer?: Part | null;
  readonly pre_tokenizer?: Part | null;
  readonly post_processor?: Part | null;
  readonly decoder?: Part | null;
}

/**
 * The tokenizer of a `tokenizer.json`.
 *
 * ```ts
 * const tokenizer = nn.loadTokenizer(bytes); // or its text, or what JSON.parse made of it
 * const ids = tokenizer.encode('The cat sat.');
 * ```
 *
 * @throws RangeError for what is no such file, and for models or stages that are not known here
 */
export function loadTokenizer(file: string | Uint8Array | object): Tokenizer {
  const { model, added_tokens: added = [], ...stages } = parsed(file);
  const vocabulary = new Map(Object.entries(model.vocab));
  for (const { content, id } of added) vocabulary.set(content, id);
  const encodeWord = wordEncoder(model, new Map(Object.entries(model.vocab)));
  const normalize = normalizer(stages.normalizer);
  const cut = preTokenizer(stages.pre_tokenizer);
  const join = decoder(stages.decoder);
  const around = processor(stages.post_processor);
  const tokens: string[] = [];
  for (const [token, id] of vocabulary) {
    if (!Number.isInteger(id) || id < 0 || id > largestId)
      throw valueError(`loadTokenizer: the token ${describeValue(token)} has the id ${describeValue(id)}`);
    tokens[id] = token;
  }
  const special = new Set(added.filter((token) => token.special).map(({ id }) => id));
  const findRaw = finder(
    added.filter((token) => !token.normalized),
    (content) => content,
  );
  const findChanged = finder(
    added.filter((token) => token.normalized),
    normalize,
  );
  const size = tokens.length;

  return {
    size,
    encode(text, options = {}) {
      checkOptions('encode', options, 'special');
      let first = true;
      const ids = findRaw(checkText(text, 'encode')).flatMap((raw) => {
        if (raw.id !== null) return [raw.id];
        return findChanged(normalize(raw.text)).flatMap((piece) => {
          if (piece.id !== null) return [piece.id];
          const words = cut(piece.text, first);
          first = false;
          return words.flatMap(encodeWord);
        });
      });
      return (options.special ?? true) ? around(ids) : ids;
    },
    decode(ids, options = {}) {
      checkOptions('decode', options, 'special');
      const kept = [...ids].filter((id) => options.special || !special.has(id));
      return join(kept.map((id) => tokens[checkId(id, size, 'decode')] ?? ''));
    },
    tokenToId: (token) => vocabulary.get(token),
    idToToken: (id) => tokens[id],
  };
}

function parsed(file: string | Uint8Array | object): TokenizerFile {
  let content: unknown = file;
  try {
    if (file instanceof Uint8Array)
      content = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(file));
    else if (typeof file === 'string') content = JSON.parse(file);
  } catch (cause) {
    throw codedError(
      RangeError,
      'AG_FILE_FORMAT',
      `loadTokenizer: this is no JSON: ${(cause as Error).message}`,
      { cause },
    );
  }
  const { model } = (content ?? {}) as Partial<TokenizerFile>;
  if (typeof model !== 'object' || model === null)
    throw valueError(
      'loadTokenizer: this is no tokenizer.json, which has a "model"; vocab.json and merges.txt are its parts',
    );
  const type = model.type ?? ('merges' in model ? 'BPE' : 'WordPiece');
  if (type !== 'BPE' && type !== 'WordPiece') {
    throw valueError(
      `loadTokenizer: the model ${describeValue(type)} is not known here; files of byte-pair encoding and of WordPiece are read`,
    );
  }
  if (typeof model.vocab !== 'object' || model.vocab === null || Array.isArray(model.vocab))
    throw valueError('loadTokenizer: the model has no "vocab" of tokens and their ids');
  return { ...(content as TokenizerFile), model: { ...model, type } };
}

/** Of one word, what the file's model says. */
function wordEncoder(
  model: TokenizerFile['model'],
  vocabulary: ReadonlyMap<string, number>,
): (word: string) => readonly number[] {
  const unknownToken = model.unk_token as string | null | undefined;
  const unknown = unknownToken ? vocabulary.get(unknownToken) : undefined;
  const prefix = model.continuing_subword_prefix as string | null | undefined;
  if (model.type === 'WordPiece') {
    if (unknown === undefined)
      throw valueError(
        `loadTokenizer: the token for the unknown, ${describeValue(unknownToken)}, is not in the vocabulary`,
      );
    const maxCharacters = (model.max_input_chars_per_word as number | undefined) ?? 100;
    return (word) =>
      wordPieces(word, vocabulary, { unknown, continuingPrefix: prefix ?? '##', maxCharacters });
  }
  const merges = ((model.merges ?? []) as readonly (string | readonly [string, string])[]).map((merge, i) => {
    const pair = typeof merge === 'string' ? merge.split(' ') : merge;
    if (pair.length === 2) return pair as readonly [string, string];
    throw valueError(`loadTokenizer: merge ${i + 1} must be a pair of tokens, got ${JSON.stringify(merge)}`);
  });
  const pairs = new BytePairs(vocabulary, merges, {
    unknown,
    fuseUnknown: Boolean(model.fuse_unk),
    byteFallback: Boolean(model.byte_fallback),
    ignoreMerges: Boolean(model.ignore_merges),
    continuingPrefix: prefix ?? '',
    endSuffix: (model.end_of_word_suffix as string | null | undefined) ?? '',
  });
  return (word) => pairs.encode(word);
}

type Around = (ids: number[]) => number[];

/** What is put around a text. */
function processor(part: Part | null | undefined): Around {
  if (!part) return (ids) => ids;
  switch (part.type) {
    case 'ByteLevel':
      // Concerns offsets only.
      return (ids) => ids;
    case 'Sequence': {
      const steps = ((part.processors ?? []) as readonly Part[]).map(processor);
      return (ids) => steps.reduce((result, step) => step(result), ids);
    }
    case 'BertProcessing':
    case 'RobertaProcessing': {
      const [end, start] = [part.sep, part.cls] as [readonly [string, number], readonly [string, number]];
      return (ids) => [start[1], ...ids, end[1]];
    }
    case 'TemplateProcessing': {
      const single = part.single as readonly {
        readonly SpecialToken?: { readonly id: string };
        readonly Sequence?: object;
      }[];
      const known = part.special_tokens as Readonly<Record<string, { readonly ids: readonly number[] }>>;
      return (ids) => single.flatMap(({ SpecialToken }) => (SpecialToken ? known[SpecialToken.id].ids : ids));
    }
    default:
      throw valueError(`loadTokenizer: the post-processor ${describeValue(part.type)} is not known here`);
  }
}
