/** What a running program shows, as plain data that crosses from its worker to the page. */

/** One thing shown. */
export type Content =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'svg'; readonly svg: string }
  | {
      readonly kind: 'tensor';
      readonly shape: readonly number[];
      readonly dtype: string;
      readonly text: string;
      /** A picture of the numbers, where one says more than they do. */
      readonly svg: string | null;
    }
  | {
      readonly kind: 'network';
      readonly name: string;
      readonly parameters: number;
      readonly rows: readonly { readonly name: string; readonly shape: string; readonly count: number }[];
    }
  | { readonly kind: 'file'; readonly name: string; readonly bytes: Uint8Array }
  | { readonly kind: 'error'; readonly text: string };

/** A thing shown under a line of the program, counted from 1; line 0 stands for no line that is known. */
export interface Item {
  readonly line: number;
  readonly content: Content;
}

/** What a program's worker says. */
export type Message =
  | { readonly type: 'items'; readonly items: readonly Item[]; readonly dropped: number }
  | { readonly type: 'alive' }
  | { readonly type: 'end'; readonly failed: boolean };

/** A program as the worker takes it: functions as text, made by `transform`. */
export interface RunnableProgram {
  readonly code: string;
  /** Modules that it imports, and those of its local files. */
  readonly imports: readonly string[];
  /** Files of its own that it imports, by the names that it gives them. */
  readonly files: Readonly<Record<string, string>>;
  /** Files that it finds beside it, by name. */
  readonly given?: Readonly<Record<string, Uint8Array>>;
}
