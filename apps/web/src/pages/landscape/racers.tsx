/** Who takes part, with which learning rate, and what became of each; or where many starts lead. */
import { Checkbox, Choice, Entry, Field, NumberField } from '../../components/controls.tsx';
import { formatNumber, percent } from '../../components/numbers.ts';
import { say } from '../../shell/language.ts';
import { setParameters } from '../../shell/route.ts';
import { basinColor, seriesColor } from './paint.ts';
import type { Basins } from './race.ts';
import { manyRunnerIds, type Runner, runnerIds, runners } from './runners.ts';
import { type Surface, surfaces } from './surfaces.ts';
import { fateText, texts } from './texts.ts';
import type { FormulaState } from './useFormula.ts';

export function FormulaSettings({ state: { surface, request, many } }: { readonly state: FormulaState }) {
  const known: readonly Surface[] = surfaces.includes(surface) ? surfaces : [...surfaces, surface];
  const [x, y] = request.start;
  return (
    <div class="row">
      <Choice
        label={texts.surface}
        testId="surface"
        value={surface.id}
        options={known.map(({ id, title }) => [id, title] as const)}
        onChange={(id) => setParameters({ surface: id, expression: null, x: null, y: null })}
      />
      <Field label={texts.expression}>
        <Entry
          class="code"
          data-testid="expression"
          size={30}
          value={request.expression}
          onCommit={(text) => setParameters({ expression: text })}
        />
      </Field>
      <NumberField name="x" label={texts.startX} value={x} />
      <NumberField name="y" label={texts.startY} value={y} />
      <NumberField name="steps" label={texts.steps} value={request.steps} min={1} max={500} step={1} />
      <Choice
        label={texts.many}
        testId="many"
        value={many ?? ''}
        options={[['', texts.none], ...manyRunnerIds.map((id) => [id, runners[id].name] as const)]}
        onChange={(id) => setParameters({ many: id || null })}
      />
    </div>
  );
}

/** The racers, each with its color; those that run say what became of them. */
export function Racers({ state: { racing, rateOf, shown } }: { readonly state: FormulaState }) {
  const toggle = (id: Runner) => {
    const next = runnerIds.filter((each) => racing.includes(each) !== (each === id));
    setParameters({ runners: next.join(',') });
  };
  const paths = shown?.result.paths ?? [];
  return (
    <div>
      <h2>{say(texts.racers)}</h2>
      <ul class="racers" data-testid="results">
        {runnerIds.map((id) => {
          const { name } = runners[id];
          const on = racing.includes(id);
          const at = paths.findIndex((path) => path.id === id);
          const path = on && at >= 0 ? paths[at] : null;
          return (
            <li key={id}>
              <span class="swatch" style={{ background: path ? seriesColor(at) : 'transparent' }} />
              <Checkbox label={name} testId={`runner-${id}`} checked={on} onChange={() => toggle(id)} />
              <Entry
                class="number-entry"
                type="number"
                step="any"
                min={0}
                aria-label={`${name}: ${say(texts.learningRate)}`}
                value={rateOf(id)}
                onCommit={(text) => setParameters({ [`rate.${id}`]: text })}
              />
              {on && (
                <p class={path?.diverged ? 'fate diverged' : 'fate soft'} data-testid={`fate-${id}`}>
                  {path && say(fateText(path))}
                </p>
              )}
            </li>
          );
        })}
      </ul>
    </div>
  );
}

/** Which places the starts lead to, and how many of them. */
export function Reached({ basins: { attractors, labels } }: { readonly basins: Basins }) {
  const share = (count: number) => percent(count / labels.length);
  const waiting = labels.filter((label) => label === -1).length;
  const lost = labels.filter((label) => label === -2).length;
  const rows: (readonly [number, string])[] = [
    ...attractors
      .slice(0, 8)
      .map(({ kind, x, y, count }, i) => [i, say(texts.attractor(kind, x, y, share(count)))] as const),
    ...(waiting > 0 ? [[-1, `${share(waiting)}: ${say(texts.onTheWay)}`] as const] : []),
    ...(lost > 0 ? [[-2, `${share(lost)}: ${say(texts.lost)}`] as const] : []),
  ];
  return (
    <div>
      <h2>{say(texts.reached)}</h2>
      <ul class="racers" data-testid="reached">
        {rows.map(([label, words]) => (
          <li key={label}>
            <span class="swatch" style={{ background: basinColor(label) }} />
            <span class="words">{words}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** The same in numbers. */
export function Results({ state: { shown } }: { readonly state: FormulaState }) {
  if (!shown) return null;
  return (
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th scope="col">{say(texts.optimizer)}</th>
            <th scope="col">{say(texts.endsAt)}</th>
            <th scope="col">{say(texts.height)}</th>
            <th scope="col">{say(texts.slope)}</th>
          </tr>
        </thead>
        <tbody>
          {shown.result.paths.map(({ id, name, points, end, slope }) => (
            <tr key={id}>
              <th scope="row">{name}</th>
              <td class="number">{points.at(-1)!.map(formatNumber).join(', ')}</td>
              <td class="number">{formatNumber(end)}</td>
              <td class="number">{formatNumber(slope)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
