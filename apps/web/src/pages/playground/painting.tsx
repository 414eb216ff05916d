/** Points of one's own: painted on the plane, or pasted as a table. */
import { useState } from 'preact/hooks';
import { Checkbox, Entry, Field } from '../../components/controls.tsx';
import { Alarm } from '../../components/parts.tsx';
import { messageOf } from '../../service/messageOf.ts';
import { say } from '../../shell/language.ts';
import { setParameters } from '../../shell/route.ts';
import { maxClasses, type PlaygroundConfig, writePoints } from './config.ts';
import { texts } from './texts.ts';
import type { Brush, PlaygroundState } from './usePlayground.ts';

type Parse = PlaygroundState['parsePoints'];

export function Painting({
  config: { regression, points },
  brush,
  parse,
}: {
  readonly config: PlaygroundConfig;
  readonly brush: Brush;
  readonly parse: Parse;
}) {
  return (
    <div class="card">
      <p class="soft">{say(texts.paint)}</p>
      <div class="row">
        <Checkbox
          label={texts.regression}
          testId="regression"
          checked={regression}
          onChange={(on) => setParameters({ regression: on, points: '' })}
        />
        {regression ? (
          <Field label={texts.value}>
            <Entry
              class="number-entry"
              type="number"
              step="any"
              data-testid="brush-value"
              value={brush.target}
              onCommit={(text) => brush.setTarget(Number(text) || 0)}
            />
          </Field>
        ) : (
          Array.from({ length: maxClasses }, (_, target) => (
            <button
              type="button"
              key={target}
              data-testid={`brush-${target}`}
              aria-pressed={brush.target === target}
              onClick={() => brush.setTarget(target)}
            >
              {say(texts.classNumber(target))}
            </button>
          ))
        )}
        <button
          type="button"
          data-testid="undo"
          disabled={points.length === 0}
          onClick={() => setParameters({ points: writePoints(points.slice(0, -1)) })}
        >
          {say(texts.undo)}
        </button>
        <button
          type="button"
          data-testid="clear"
          disabled={points.length === 0}
          onClick={() => setParameters({ points: '' })}
        >
          {say(texts.clear)}
        </button>
      </div>
      <Table parse={(text) => parse(text, regression)} />
    </div>
  );
}

/** A table that is pasted as text. */
function Table({ parse }: { readonly parse: (text: string) => ReturnType<Parse> }) {
  const [text, setText] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const [classes, setClasses] = useState<readonly string[]>([]);
  const paste = async () => {
    try {
      const found = await parse(text);
      setParameters({ points: writePoints(found.points) });
      setClasses(found.classes);
      setProblem(null);
    } catch (error) {
      setProblem(messageOf(error));
    }
  };
  return (
    <>
      <details>
        <summary>{say(texts.pasteTable)}</summary>
        <textarea
          class="code"
          rows={5}
          data-testid="table"
          aria-label={say(texts.table)}
          placeholder={'x1,x2,target\n0.5,1.2,yes\n-1,0.3,no'}
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <button type="button" data-testid="paste" onClick={paste}>
          {say(texts.useTable)}
        </button>
        {classes.length > 0 && (
          <p class="soft">{classes.map((name, i) => `${say(texts.classNumber(i))}: ${name}`).join(', ')}</p>
        )}
      </details>
      {problem !== null && <Alarm testId="table-problem">{problem}</Alarm>}
    </>
  );
}
