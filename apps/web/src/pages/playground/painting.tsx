/** Points of one's own: painted on the plane, or pasted as a table. */
import { useState } from 'preact/hooks';
import { Button, Choice, Entry, Field } from '../../components/controls.tsx';
import { Alarm } from '../../components/parts.tsx';
import { messageOf } from '../../service/messageOf.ts';
import { say, type Text } from '../../shell/language.ts';
import { setParameters } from '../../shell/route.ts';
import { maxClasses, type PlaygroundConfig, writePoints } from './config.ts';
import { pointKinds, texts } from './texts.ts';
import type { Brush, PlaygroundState } from './usePlayground.ts';

type Parse = PlaygroundState['parsePoints'];

/** What is painted: a class, or a number; below the plane. */
export function Brushes({
  config: { regression, line, points },
  brush,
}: {
  readonly config: PlaygroundConfig;
  readonly brush: Brush;
}) {
  return (
    <div class="row brushes">
      {line ? null : regression ? (
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
      <Button
        data-testid="undo"
        disabled={points.length === 0}
        onClick={() => setParameters({ points: writePoints(points.slice(0, -1)) })}
      >
        {say(texts.undo)}
      </Button>
      <Button
        data-testid="clear"
        disabled={points.length === 0}
        onClick={() => setParameters({ points: '' })}
      >
        {say(texts.clear)}
      </Button>
    </div>
  );
}

/** What painted points stand for, and points from a table. */
export function Painting({
  config: { regression, line },
  parse,
}: {
  readonly config: PlaygroundConfig;
  readonly parse: Parse;
}) {
  const task = line ? 'line' : regression ? 'values' : 'classes';
  return (
    <>
      <Choice
        label={texts.pointsAre}
        testId="points-are"
        value={task}
        options={Object.entries(pointKinds) as [keyof typeof pointKinds, Text][]}
        onChange={(kind) =>
          // A number that was painted is no class.
          setParameters({
            regression: kind !== 'classes',
            line: kind === 'line',
            ...(kind === 'classes' && { points: '' }),
          })
        }
      />
      <Table parse={parse} line={line} />
    </>
  );
}

/** A table that is pasted as text. */
function Table({ parse, line }: { readonly parse: Parse; readonly line: boolean }) {
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
          placeholder={line ? 'x,target\n0.5,1.2\n-1,0.3' : 'x1,x2,target\n0.5,1.2,yes\n-1,0.3,no'}
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
