/** The editor: CodeMirror with what TypeScript knows of the program, and outputs under its lines. */
import {
  autocompletion,
  type CompletionResult,
  closeBrackets,
  completionKeymap,
} from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import { javascript } from '@codemirror/lang-javascript';
import { bracketMatching, HighlightStyle, indentOnInput, syntaxHighlighting } from '@codemirror/language';
import { type Diagnostic, linter, lintKeymap, setDiagnostics } from '@codemirror/lint';
import { EditorState } from '@codemirror/state';
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  hoverTooltip,
  keymap,
  lineNumbers,
} from '@codemirror/view';
import { tags } from '@lezer/highlight';
import type { Item } from '../items.ts';
import type { Completions, Hint, Remark } from '../language/service.ts';
import type { Fault } from '../program/transform.ts';
import { outputs } from './outputs.ts';

/** What the editor asks of the language service; a promise that fails shows nothing. */
export interface Asking {
  check(source: string): Promise<readonly Remark[]>;
  complete(source: string, at: number): Promise<Completions | null>;
  describe(source: string, at: number, name: string): Promise<Hint | null>;
  hover(source: string, at: number): Promise<Hint | null>;
}

export interface EditorOptions {
  readonly source: string;
  readonly label: string;
  readonly asking: Asking;
  readonly onChange: (source: string) => void;
  readonly onRun: () => void;
  /** Told what TypeScript says of the program. */
  readonly onRemarks: (remarks: readonly Remark[]) => void;
}

export interface Editor {
  readonly source: () => string;
  setSource(source: string): void;
  clear(): void;
  show(items: readonly Item[]): void;
  /** Marks what keeps the program from running. */
  mark(faults: readonly Fault[]): void;
  destroy(): void;
}

const colors = HighlightStyle.define([
  { tag: [tags.keyword, tags.controlKeyword, tags.moduleKeyword], color: 'var(--lab-keyword)' },
  { tag: [tags.string, tags.special(tags.string), tags.regexp], color: 'var(--lab-string)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--lab-number)' },
  { tag: [tags.typeName, tags.className, tags.namespace], color: 'var(--lab-type)' },
  { tag: tags.comment, color: 'var(--soft)', fontStyle: 'italic' },
]);

/** Kinds of TypeScript that CodeMirror has a sign for. */
const signs: Readonly<Record<string, string>> = {
  function: 'function',
  method: 'method',
  property: 'property',
  getter: 'property',
  const: 'constant',
  let: 'variable',
  var: 'variable',
  class: 'class',
  interface: 'interface',
  type: 'type',
  keyword: 'keyword',
  module: 'namespace',
  alias: 'variable',
};

export function createEditor(parent: HTMLElement, options: EditorOptions): Editor {
  const { asking } = options;
  const shown = outputs();
  const hintElement = ({ signature, documentation }: Hint): HTMLElement => {
    const box = document.createElement('div');
    box.className = 'lab-hint';
    const code = document.createElement('code');
    code.textContent = signature;
    box.append(code);
    if (documentation !== '') {
      const words = document.createElement('p');
      words.textContent = documentation;
      box.append(words);
    }
    return box;
  };
  const complete = async (context: {
    readonly state: EditorState;
    readonly pos: number;
    readonly explicit: boolean;
    matchBefore(pattern: RegExp): { readonly from: number } | null;
  }): Promise<CompletionResult | null> => {
    if (!context.explicit && !context.matchBefore(/[\w$.@/'"-]$/)) return null;
    const source = context.state.doc.toString();
    const found = await asking.complete(source, context.pos).catch(() => null);
    if (!found || found.options.length === 0) return null;
    const { pos } = context;
    return {
      from: found.from,
      options: found.options.map(({ label, kind, sortText }) => ({
        label,
        type: signs[kind] ?? 'variable',
        // What is near comes first: TypeScript's order is by text.
        boost: sortText <= '11' ? 2 : sortText < '15' ? 1 : -1,
        info: async () => {
          const hint = await asking.describe(source, pos, label).catch(() => null);
          return hint && hintElement(hint);
        },
      })),
      validFor: /^[\w$@/-]*$/,
    };
  };
  const lint = async ({ state }: EditorView): Promise<readonly Diagnostic[]> => {
    const remarks = await asking.check(state.doc.toString()).catch(() => []);
    options.onRemarks(remarks);
    const end = state.doc.length;
    return remarks.map(({ from, to, ...rest }) => ({
      ...rest,
      from: Math.min(from, end),
      to: Math.min(to, end),
    }));
  };
  const view = new EditorView({
    parent,
    state: EditorState.create({
      doc: options.source,
      extensions: [
        lineNumbers(),
        highlightActiveLine(),
        highlightActiveLineGutter(),
        history(),
        drawSelection(),
        indentOnInput(),
        bracketMatching(),
        closeBrackets(),
        javascript({ typescript: true }),
        syntaxHighlighting(colors),
        autocompletion({ override: [complete] }),
        linter(lint, { delay: 600 }),
        hoverTooltip(async ({ state }, at) => {
          const hint = await asking.hover(state.doc.toString(), at).catch(() => null);
          if (!hint) return null;
          return { pos: hint.from, end: hint.to, above: true, create: () => ({ dom: hintElement(hint) }) };
        }),
        keymap.of([
          {
            key: 'Mod-Enter',
            run: () => {
              options.onRun();
              return true;
            },
          },
          ...completionKeymap,
          ...lintKeymap,
          ...historyKeymap,
          ...defaultKeymap,
          // Escape, then Tab leaves the editor, as CodeMirror's manual proposes.
          indentWithTab,
        ]),
        EditorView.contentAttributes.of({ 'aria-label': options.label, 'data-testid': 'editor' }),
        EditorView.updateListener.of(({ docChanged, state }) => {
          if (docChanged) options.onChange(state.doc.toString());
        }),
        shown.extension,
      ],
    }),
  });
  return {
    source: () => view.state.doc.toString(),
    setSource(source) {
      if (source === view.state.doc.toString()) return;
      shown.clear(view);
      view.dispatch({
        changes: { from: 0, to: view.state.doc.length, insert: source },
        selection: { anchor: 0 },
      });
      view.scrollDOM.scrollTop = 0;
    },
    clear: () => shown.clear(view),
    show: (items) => shown.add(view, items),
    mark(faults) {
      const { doc } = view.state;
      const marks = faults.map(({ line, message }): Diagnostic => {
        const { from, to } = doc.line(Math.min(Math.max(1, line), doc.lines));
        return { from, to, message, severity: 'error' };
      });
      view.dispatch(setDiagnostics(view.state, marks));
    },
    destroy: () => view.destroy(),
  };
}
