/**
 * Points of one's own: painted on the plane, or pasted as a table.
 */
import { useState } from 'preact/hooks';
import { Alarm, Entry, Field } from '../../components/parts.tsx';
import { messageOf } from '../../service/page/useService.ts';
import { say } from '../../shell/language.ts';
import { setParameters } from '../../shell/route.ts';
import { type PaintedPoint, type PlaygroundConfig, writePoints } from './config.ts';

interface Properties {
  readonly config: PlaygroundConfig;
  /** What is painted next: a class or a value. */
  readonly brush: number;
  readonly setBrush: (target: number) => void;
  readonly read: (
    text: string,
    regression: boolean,
  ) => Promise<{ points: PaintedPoint[]; classes: string[] }>;
}

export function Painting({ config, brush, setBrush, read }: Properties) {
  const [text, setText] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const [classes, setClasses] = useState<readonly string[]>([]);
  const { regression, points } = config;
  const paste = async () => {
    try {
      const found = await read(text, regression);
      setParameters({ points: writePoints(found.points) });
      setClasses(found.classes);
      setProblem(null);
    } catch (error) {
      setProblem(messageOf(error));
    }
  };
  return (
    <div class="card">
      <p class="soft">
        {say({
          en: 'Click or drag on the plane to paint points, or paste a table.',
          zh: '在平面上点击或拖动来绘制数据点，或粘贴表格。',
        })}
      </p>
      <div class="row">
        <label>
          <input
            type="checkbox"
            data-testid="regression"
            checked={regression}
            onChange={(event) => setParameters({ regression: event.currentTarget.checked, points: '' })}
          />{' '}
          {say({ en: 'numbers instead of classes', zh: '数值而非类别' })}
        </label>
        {regression ? (
          <Field label={{ en: 'Value', zh: '数值' }}>
            <Entry
              class="small"
              type="number"
              step="any"
              data-testid="brush-value"
              value={brush}
              onCommit={(text) => setBrush(Number(text) || 0)}
            />
          </Field>
        ) : (
          [0, 1, 2, 3, 4].map((target) => (
            <button
              type="button"
              key={target}
              data-testid={`brush-${target}`}
              aria-pressed={brush === target}
              onClick={() => setBrush(target)}
            >
              {say({ en: `class ${target}`, zh: `类别 ${target}` })}
            </button>
          ))
        )}
        <button
          type="button"
          data-testid="undo"
          disabled={points.length === 0}
          onClick={() => setParameters({ points: writePoints(points.slice(0, -1)) })}
        >
          {say({ en: 'Take the last one back', zh: '撤销一个点' })}
        </button>
        <button
          type="button"
          data-testid="clear"
          disabled={points.length === 0}
          onClick={() => setParameters({ points: '' })}
        >
          {say({ en: 'Clear', zh: '清空' })}
        </button>
      </div>
      <details>
        <summary>{say({ en: 'Paste a table (CSV)', zh: '粘贴表格（CSV）' })}</summary>
        <textarea
          class="code"
          rows={5}
          data-testid="table"
          aria-label={say({ en: 'Table', zh: '表格' })}
          placeholder={'x1,x2,target\n0.5,1.2,yes\n-1,0.3,no'}
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <button type="button" data-testid="paste" onClick={paste}>
          {say({ en: 'Use this table', zh: '使用该表格' })}
        </button>
        {classes.length > 0 && (
          <p class="soft">
            {classes.map((name, i) => `${say({ en: 'class', zh: '类别' })} ${i}: ${name}`).join(', ')}
          </p>
        )}
      </details>
      {problem !== null && <Alarm testId="table-problem">{problem}</Alarm>}
    </div>
  );
}
