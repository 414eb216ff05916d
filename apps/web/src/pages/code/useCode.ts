/** The state of the code lab: the program in the editor, what is known of it, and its runs. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { handedFiles } from '../../components/handedFiles.ts';
import { pack, unpack } from '../../components/packedSource.ts';
import { messageOf } from '../../service/messageOf.ts';
import { pageWorker } from '../../service/page/pageWorker.ts';
import { useService } from '../../service/page/useService.ts';
import { useInspection } from '../../shell/inspection.ts';
import { language, say } from '../../shell/language.ts';
import { route, setParameters } from '../../shell/route.ts';
import { createEditor, type Editor } from './editor/editor.ts';
import { examples, locals } from './examples.ts';
import type { Item } from './items.ts';
import { firstSnippet, snippets } from './snippets/index.ts';
import { texts } from './texts.ts';
import { useProgram } from './useProgram.ts';
import type { LanguageService } from './worker.ts';

/** Milliseconds after the last key until the address has the program. */
const pause = 500;

/** Items that tests can read. */
const mostRemembered = 2000;

export function useCode() {
  const place = useRef<HTMLDivElement>(null);
  const editor = useRef<Editor | null>(null);
  const shown = useRef<Item[]>([]);
  const written = useRef('');
  const typed = useRef<ReturnType<typeof setTimeout>>(undefined);
  const [, redraw] = useState(0);
  const [ready, setReady] = useState(false);
  const [typesReady, setTypesReady] = useState(false);
  const [remarks, setRemarks] = useState<number | null>(null);
  const [preparing, setPreparing] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const [foreign, setForeign] = useState(false);
  const { remote, failure } = useService<LanguageService>(() => pageWorker('code'));
  const show = (items: readonly Item[], dropped: number): void => {
    const all = [...items];
    if (dropped > 0)
      all.unshift({ line: items[0].line, content: { kind: 'text', text: say(texts.dropped(dropped)) } });
    shown.current = [...shown.current, ...all].slice(-mostRemembered);
    if (items.some(({ content }) => content.kind === 'error' && /unsafe-eval/.test(content.text)))
      setProblem(say(texts.notAllowed));
    editor.current?.show(all);
    redraw((n) => n + 1);
  };
  const program = useProgram(show);

  const run = async (): Promise<void> => {
    if (!editor.current) return;
    program.stop();
    setForeign(false);
    setPreparing(true);
    editor.current.clear();
    shown.current = [];
    try {
      const prepared = await remote.prepare(editor.current.source());
      if (prepared.faults) {
        editor.current.mark(prepared.faults);
        const items = prepared.faults.map(
          ({ line, message }): Item => ({ line, content: { kind: 'error', text: message } }),
        );
        show(items, 0);
      } else {
        const given = await handedFiles(editor.current.source());
        program.start({ ...prepared.program, given });
      }
    } catch (error) {
      setProblem(messageOf(error));
    }
    setPreparing(false);
  };
  const latestRun = useRef(run);
  latestRun.current = run;

  // Where the editor is, for as long as it is.
  useEffect(() => {
    const opened = remote.open(new URL('lab/declarations.json', document.baseURI).href, locals);
    opened.then(
      () => setTypesReady(true),
      (error: unknown) => setProblem(messageOf(error)),
    );
    /** A question that waits for the declarations. */
    const later =
      <Parameters extends readonly unknown[], Answer>(ask: (...parameters: Parameters) => Promise<Answer>) =>
      async (...parameters: Parameters): Promise<Answer> => {
        await opened;
        return ask(...parameters);
      };
    const asking = {
      check: later(remote.check),
      complete: later(remote.complete),
      describe: later(remote.describe),
      hover: later(remote.hover),
    };
    editor.current = createEditor(place.current!, {
      source: '',
      label: say(texts.editor),
      asking,
      onRemarks: (found) => setRemarks(found.length),
      onRun: () => void latestRun.current(),
      onChange(source) {
        clearTimeout(typed.current);
        typed.current = setTimeout(async () => {
          const packed = await pack(source);
          if (editor.current?.source() !== source) return;
          written.current = packed;
          setParameters({ z: packed, example: null, snippet: null }, 'steps');
        }, pause);
      },
    });
    setReady(true);
    return () => {
      clearTimeout(typed.current);
      editor.current?.destroy();
      editor.current = null;
    };
  }, [remote]);

  // What the address names, unless the editor has written it there.
  const { parameters } = route.value;
  const asked = ['z', 'example', 'snippet'].map((name) => parameters.get(name) ?? '');
  useEffect(() => {
    const [packed, example, snippet] = asked;
    if (packed !== '' && packed === written.current) return;
    let current = true;
    const open = (source: string, ours: boolean): void => {
      if (!current || !editor.current) return;
      program.stop();
      shown.current = [];
      editor.current.setSource(source);
      clearTimeout(typed.current);
      setForeign(!ours);
      if (ours) void latestRun.current();
    };
    setProblem(null);
    const known =
      examples.get(example) ?? snippets.find(({ id }) => id === snippet)?.code ?? firstSnippet.code;
    if (packed === '') open(known, true);
    else
      unpack(packed).then(
        (source) => open(source, false),
        (error: unknown) => {
          if (!current) return;
          setProblem(messageOf(error));
          open(known, true);
        },
      );
    return () => {
      current = false;
    };
  }, [asked.join(' ')]);

  useInspection(() => ({
    page: 'code',
    ready,
    typesReady,
    source: editor.current?.source() ?? '',
    running: program.running || preparing,
    outcome: program.outcome,
    silent: program.silent,
    remarks,
    problem: problem ?? failure,
    items: shown.current.map(({ line, content }) => ({
      line,
      kind: content.kind,
      text: 'text' in content ? content.text : '',
    })),
  }));
  void language.value;
  return {
    place,
    run: () => void run(),
    program,
    preparing,
    foreign,
    typesReady,
    remarks,
    problem: problem ?? failure,
    source: () => editor.current?.source() ?? '',
    chosen: asked[0] === '' ? asked[1] || asked[2] || firstSnippet.id : '',
  };
}

export type CodeState = ReturnType<typeof useCode>;
