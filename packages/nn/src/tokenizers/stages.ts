/** The stages of a `tokenizer.json`: what changes a text, cuts it into words, and joins tokens again. */
import { valueError } from '@ag/tensor/engine';
import { bytesOf, spellBytes, textOf } from './byteAlphabet.ts';
import { gpt2Pattern, literally, pattern } from './patterns.ts';

/** A part of the file; what it has besides its type depends on that. */
export interface Part {
  readonly type?: string;
  readonly [name: string]: unknown;
}

type Change = (text: string) => string;

const same: Change = (text) => text;

function refused(stage: string, part: Part): RangeError {
  return valueError(
    `loadTokenizer: the ${stage} ${JSON.stringify(part.type ?? part)} is not known here; files of byte-pair encoding and of WordPiece are read`,
  );
}

const list = (part: Part, name: string): readonly Part[] => (part[name] ?? []) as readonly Part[];
const text = (part: Part, name: string, otherwise = ''): string => (part[name] ?? otherwise) as string;

/** A pattern of the file: a text, or a regular expression. */
function expression(part: Part): RegExp {
  const given = part.pattern as { readonly String?: string; readonly Regex?: string };
  return given.Regex !== undefined ? pattern(given.Regex) : literally(given.String ?? '');
}

/** What a text goes through before it is cut. */
export function normalizer(part: Part | null | undefined): Change {
  if (!part) return same;
  switch (part.type) {
    case 'Sequence': {
      const steps = list(part, 'normalizers').map(normalizer);
      return (given) => steps.reduce((result, step) => step(result), given);
    }
    case 'NFC':
    case 'NFD':
    case 'NFKC':
    case 'NFKD': {
      const form = part.type;
      return (given) => given.normalize(form);
    }
    case 'Lowercase':
      return lower;
    case 'Strip': {
      const [left, right] = [part.strip_left, part.strip_right];
      return (given) => {
        const start = left ? given.trimStart() : given;
        return right ? start.trimEnd() : start;
      };
    }
    case 'StripAccents':
      return (given) => given.replace(/\p{M}/gu, '');
    case 'Prepend':
      return (given) => (given === '' ? '' : text(part, 'prepend') + given);
    case 'Replace': {
      const [what, by] = [expression(part), text(part, 'content')];
      return (given) => given.replace(what, () => by);
    }
    case 'BertNormalizer':
      return bertNormalizer(part);
    default:
      throw refused('normalizer', part);
  }
}

/** Letter by letter, without the rule for a sigma that ends a word. */
function lower(given: string): string {
  return Array.from(given, (character) => character.toLowerCase()).join('');
}

/** Chinese characters stand alone; no accents in lower case; controls go and blanks become spaces. */
function bertNormalizer(part: Part): Change {
  const lowercase = part.lowercase ?? true;
  const accents = part.strip_accents ?? lowercase;
  return (given) => {
    let result = given;
    if (part.clean_text ?? true)
      result = result
        .replace(/[\0\ufffd]|(?![\t\n\r])[\p{Cc}\p{Cf}\p{Co}\p{Cn}]/gu, '')
        .replace(/\p{White_Space}/gu, ' ');
    if (part.handle_chinese_chars ?? true) result = result.replace(chinese, ' $& ');
    if (accents) result = result.normalize('NFD').replace(/\p{Mn}/gu, '');
    return lowercase ? lower(result) : result;
  };
}

const chinese =
  /[\u4e00-\u9fff\u3400-\u4dbf\uf900-\ufaff\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b920}-\u{2ceaf}\u{2f800}-\u{2fa1f}]/gu;

/** Cuts pieces into smaller ones; `first` says that a piece begins the text. */
type Cut = (piece: string, first: boolean) => readonly string[];

/** What cuts a text into words. */
export function preTokenizer(part: Part | null | undefined): Cut {
  if (!part) return (piece) => [piece];
  switch (part.type) {
    case 'Sequence': {
      const steps = list(part, 'pretokenizers').map(preTokenizer);
      return (piece, first) =>
        steps.reduce<readonly string[]>(
          (pieces, step) => pieces.flatMap((one, i) => step(one, first && i === 0)),
          [piece],
        );
    }
    case 'ByteLevel': {
      const words = pattern(gpt2Pattern);
      const before = part.add_prefix_space ?? true;
      const cuts = part.use_regex ?? true;
      return (piece) => {
        const given = before && !piece.startsWith(' ') ? ` ${piece}` : piece;
        return (cuts ? (given.match(words) ?? []) : [given]).map(spellBytes);
      };
    }
    case 'Whitespace':
      return (piece) =>
        piece.match(
          /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]+|[^\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}\p{White_Space}]+/gu,
        ) ?? [];
    case 'WhitespaceSplit':
      return (piece) => piece.match(/\P{White_Space}+/gu) ?? [];
    case 'BertPreTokenizer':
      return (piece) => piece.match(bertWords) ?? [];
    case 'Punctuation':
      return split(punctuation, text(part, 'behavior', 'Isolated'), false);
    case 'Digits':
      return split(part.individual_digits ? /\p{N}/gu : /\p{N}+/gu, 'Isolated', false);
    case 'Split':
      return split(expression(part), text(part, 'behavior', 'Isolated'), Boolean(part.invert));
    case 'Metaspace':
      return metaspace(part);
    default:
      throw refused('pre-tokenizer', part);
  }
}

/** Those of ASCII that are no letters, digits or blanks, and those of Unicode. */
const punctuation = /[!-/:-@[-`{-~\p{P}]/gu;
const bertWords = /[!-/:-@[-`{-~\p{P}]|[^!-/:-@[-`{-~\p{P}\p{White_Space}]+/gu;

/** Cuts at what an expression matches, and does with that what the file says. */
function split(what: RegExp, behavior: string, invert: boolean): Cut {
  return (piece) => {
    const parts: { text: string; matched: boolean }[] = [];
    let end = 0;
    for (const match of piece.matchAll(what)) {
      if (match[0] === '') continue;
      if (match.index > end) parts.push({ text: piece.slice(end, match.index), matched: invert });
      parts.push({ text: match[0], matched: !invert });
      end = match.index + match[0].length;
    }
    if (end < piece.length) parts.push({ text: piece.slice(end), matched: invert });
    return arranged(parts, behavior);
  };
}

function arranged(parts: readonly { text: string; matched: boolean }[], behavior: string): string[] {
  if (behavior === 'Isolated') return parts.map((one) => one.text);
  if (behavior === 'Removed') return parts.filter((one) => !one.matched).map((one) => one.text);
  const result: { text: string; matched: boolean }[] = [];
  for (const one of behavior === 'MergedWithNext' ? [...parts].reverse() : parts) {
    const last = result.at(-1);
    const joins =
      behavior === 'Contiguous'
        ? last?.matched === one.matched
        : one.matched && last !== undefined && !last.matched;
    if (!joins || last === undefined) result.push({ ...one });
    else {
      last.text = behavior === 'MergedWithNext' ? one.text + last.text : last.text + one.text;
      if (behavior !== 'Contiguous') last.matched = true;
    }
  }
  return (behavior === 'MergedWithNext' ? result.reverse() : result).map((one) => one.text);
}

/** Words begin with a mark in place of the blank before them. */
function metaspace(part: Part): Cut {
  const mark = text(part, 'replacement', '\u2581');
  const scheme = prependScheme(part);
  const words = new RegExp(`${literally(mark).source}?[^${literally(mark).source}]*`, 'gu');
  return (piece, first) => {
    const marked = piece.replaceAll(' ', mark);
    const begins = scheme === 'always' || (scheme === 'first' && first);
    const whole = begins && !marked.startsWith(mark) ? mark + marked : marked;
    return (part.split ?? true) ? (whole.match(words) ?? []).filter((word) => word !== '') : [whole];
  };
}

function prependScheme(part: Part): string {
  return text(part, 'prepend_scheme', (part.add_prefix_space ?? true) ? 'always' : 'never');
}

/** Tokens, one after the other, on their way to being a text. */
type Join = (tokens: readonly string[]) => readonly string[];

/** What makes a text of tokens; without one they are joined by blanks. */
export function decoder(part: Part | null | undefined): (tokens: readonly string[]) => string {
  if (!part) return (tokens) => tokens.join(' ');
  const join = joining(part);
  return (tokens) => join(tokens).join('');
}

function joining(part: Part): Join {
  switch (part.type) {
    case 'Sequence': {
      const steps = list(part, 'decoders').map(joining);
      return (tokens) => steps.reduce((result, step) => step(result), tokens);
    }
    case 'ByteLevel':
      // A token with other characters, such as an added one, stands for the bytes that it is written with.
      return (tokens) => [
        textOf(tokens.flatMap((token) => bytesOf(token) ?? [...new TextEncoder().encode(token)])),
      ];
    case 'ByteFallback':
      return fromBytes;
    case 'Fuse':
      return (tokens) => [tokens.join('')];
    case 'Replace': {
      const [what, by] = [expression(part), text(part, 'content')];
      return (tokens) => tokens.map((token) => token.replace(what, () => by));
    }
    case 'Strip': {
      const [mark, start, stop] = [text(part, 'content', ' '), part.start as number, part.stop as number];
      return (tokens) => tokens.map((token) => stripped(token, mark, start, stop));
    }
    case 'Metaspace': {
      const mark = text(part, 'replacement', '\u2581');
      const begins = prependScheme(part) !== 'never';
      return (tokens) =>
        tokens.map((token, i) => {
          const own = i === 0 && begins && token.startsWith(mark) ? token.slice(mark.length) : token;
          return own.replaceAll(mark, ' ');
        });
    }
    case 'BPEDecoder': {
      const suffix = text(part, 'suffix', '</w>');
      return (tokens) =>
        tokens.map((token, i) => token.replaceAll(suffix, i === tokens.length - 1 ? '' : ' '));
    }
    case 'WordPiece': {
      const prefix = text(part, 'prefix', '##');
      const clean = part.cleanup ?? true;
      return (tokens) =>
        tokens.map((token, i) => {
          const joined =
            i === 0 ? token : token.startsWith(prefix) ? token.slice(prefix.length) : ` ${token}`;
          return clean ? cleaned(joined) : joined;
        });
    }
    default:
      throw refused('decoder', part);
  }
}

/** Runs of tokens that stand for bytes, as text; what is no UTF-8 is one U+FFFD for each byte. */
const fromBytes: Join = (tokens) => {
  const result: string[] = [];
  let bytes: number[] = [];
  const flush = (): void => {
    if (bytes.length === 0) return;
    const read = textOf(bytes);
    const whole = new TextEncoder().encode(read).join() === bytes.join();
    result.push(...(whole ? [read] : bytes.map(() => '\ufffd')));
    bytes = [];
  };
  for (const token of tokens) {
    const byte = /^<0x([0-9A-Fa-f]{2})>$/.exec(token);
    if (byte) bytes.push(Number.parseInt(byte[1], 16));
    else {
      flush();
      result.push(token);
    }
  }
  flush();
  return result;
};

function stripped(token: string, mark: string, start: number, stop: number): string {
  let [from, to] = [0, token.length];
  while (from < Math.min(start, token.length) && token[from] === mark) from++;
  while (to > from && token.length - to < stop && token[to - 1] === mark) to--;
  return token.slice(from, to);
}

/** Blanks before punctuation and within English contractions go, as Hugging Face's library has it. */
function cleaned(joined: string): string {
  return joined
    .replaceAll(' .', '.')
    .replaceAll(' ?', '?')
    .replaceAll(' !', '!')
    .replaceAll(' ,', ',')
    .replaceAll(" ' ", "'")
    .replaceAll(" n't", "n't")
    .replaceAll(" 'm", "'m")
    .replaceAll(' do not', " don't")
    .replaceAll(" 's", "'s")
    .replaceAll(" 've", "'ve")
    .replaceAll(" 're", "'re");
}
