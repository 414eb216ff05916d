/** The code lab: a program of the reader's own, run beside what it says. */
import { useState } from 'preact/hooks';
import { Button } from '../../components/controls.tsx';
import { download } from '../../components/download.ts';
import { Alarm, Explanation, Problem, Status } from '../../components/parts.tsx';
import { Workspace } from '../../components/workspace.tsx';
import { say, type Text } from '../../shell/language.ts';
import { Library } from './library.tsx';
import { texts } from './texts.ts';
import { type CodeState, useCode } from './useCode.ts';
import './page.css';

export default function CodeLab() {
  const state = useCode();
  const { program } = state;
  return (
    <Workspace
      picture={
        <>
          <Tools state={state} />
          {program.silent && (
            <Alarm testId="silent">
              <p>{say(texts.silent)}</p>
              <div class="row">
                <Button onClick={program.stop}>{say(texts.stop)}</Button>
                <Button onClick={program.allow}>{say(texts.letItGo)}</Button>
              </div>
            </Alarm>
          )}
          <Problem message={state.problem} />
          <div class="lab-editor" ref={state.place} />
        </>
      }
      controls={<Library chosen={state.chosen} />}
      below={<Explanation text={texts.explanation} />}
    />
  );
}

/** What a run is doing, or how the last one ended. */
function standing({ program, preparing, foreign }: CodeState): Text | null {
  if (preparing) return texts.preparing;
  if (program.running) return texts.running;
  if (foreign) return texts.fromLink;
  if (program.outcome === 'done') return texts.finished((program.milliseconds / 1000).toFixed(1));
  if (program.outcome === 'failed') return texts.failed;
  if (program.outcome === 'lost') return texts.lost;
  return program.outcome === 'stopped' ? texts.stopped : null;
}

function Tools({ state }: { readonly state: CodeState }) {
  const { program, preparing, typesReady, remarks } = state;
  const [copied, setCopied] = useState(false);
  const busy = program.running || preparing;
  const words = standing(state);
  const copy = async () => {
    await navigator.clipboard?.writeText(location.href).then(
      () => setCopied(true),
      () => undefined,
    );
    setTimeout(() => setCopied(false), 2000);
  };
  const types = typesReady && remarks !== null ? texts.errors(remarks) : texts.checking;
  return (
    <div class="row lab-tools">
      <Button class="primary lab-run" data-testid="run" onClick={busy ? program.stop : state.run}>
        {busy ? `■ ${say(texts.stop)}` : `▶ ${say(texts.run)}`}
      </Button>
      <span class="soft" title={say(texts.runHint)} data-testid="standing">
        {words && say(words)}
      </span>
      <span class="lab-space" />
      <span class={remarks ? 'lab-wrong' : 'soft'} data-testid="types">
        {say(types)}
      </span>
      <Button data-testid="copy-link" onClick={() => void copy()}>
        {say(copied ? texts.copied : texts.copyLink)}
      </Button>
      <Button data-testid="save" onClick={() => download('program.ts', 'text/plain', state.source())}>
        {say(texts.download)}
      </Button>
      <Status text={words} />
    </div>
  );
}
