/** What a case is: a reader, what is wrong, the files, and what the reader says. */

/** A file's bytes, or where a link leads. */
export type Content = Uint8Array | { link: string } | { pipe: true };

export interface Case {
  reader: string;
  name: string;
  /** Files by path; the reader is given `file`, or the folder where there is none. */
  files: Record<string, Content>;
  /** What the message says, or null where the reader is to succeed. */
  refused: RegExp | null;
}

/** Cases of one reader: what is wrong, the file, what is said. */
export const table = (
  reader: string,
  rows: readonly (readonly [
    name: string,
    content: Content | Record<string, Content>,
    refused: RegExp | null,
  ])[],
): Case[] =>
  rows.map(([name, content, refused]) => {
    const single = content instanceof Uint8Array || typeof (content as { link?: unknown }).link === 'string';
    return {
      reader,
      name,
      files: single ? { file: content as Content } : (content as Record<string, Content>),
      refused,
    };
  });
