/** Optimizer race: every optimizer's path down the same surface, from a start that can be dragged. */
import { log } from '@ag/tensor/math';
import { surface as drawSurface } from '@ag/viz';
import { Checkbox, Choice, Entry, Field, NumberField } from '../../components/controls.tsx';
import { formatNumber } from '../../components/numbers.ts';
import { Caption, Code, Explanation, Picture, Problem } from '../../components/parts.tsx';
import { say } from '../../shell/language.ts';
import { numberParameter, setParameters } from '../../shell/route.ts';
import { isNarrow } from '../../shell/screen.ts';
import { theme } from '../../shell/theme.ts';
import { codeFor } from './code.ts';
import { RaceMap } from './map.tsx';
import { type Runner, runners } from './race.ts';
import { type Surface, surfaces } from './surfaces.ts';
import { texts } from './texts.ts';
import { type RaceState, runnerIds, type Shown, useRace } from './useRace.ts';

export default function Race() {
  const state = useRace();
  const { surface, request, shown, problem } = state;
  return (
    <>
      <Explanation text={texts.explanation} />
      <Settings state={state} />
      <Problem message={problem} />
      <div class="columns">
        <RaceMap surface={shown?.surface ?? surface} result={shown?.result ?? null} start={request.start} />
        <div class="card">{shown ? <Relief shown={shown} /> : <Picture svg="" label="relief" />}</div>
      </div>
      {/* With the picture that it stands below, so that nothing moves when that arrives. */}
      {(shown || problem !== null) && (
        <>
          <Results state={state} />
          <Code code={codeFor(request)} />
        </>
      )}
    </>
  );
}

function Settings({ state: { surface, request } }: { readonly state: RaceState }) {
  const known: readonly Surface[] = surfaces.includes(surface) ? surfaces : [...surfaces, surface];
  const [x, y] = request.start;
  return (
    <div class="card row">
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
    </div>
  );
}

/** The surface in space. Heights of surfaces that have cliffs are logarithmic; their minima are 0. */
function Relief({ shown: { surface, result } }: { readonly shown: Shown }) {
  const azimuth = numberParameter('azimuth', 40);
  const { logarithmic, domain } = surface;
  const values = logarithmic
    ? result.grid.values.map((height) => log(height + 1e-3) * Math.LOG10E)
    : result.grid.values;
  const svg = drawSurface(
    { ...result.grid, ...domain, values },
    {
      theme: theme.value,
      id: 'relief',
      ...(isNarrow() ? { width: 340, height: 300 } : { width: 640 }),
      azimuth,
      xLabel: 'x',
      yLabel: 'y',
      zLabel: logarithmic ? 'log₁₀(f + 0.001)' : 'f',
    },
  );
  return (
    <>
      <Picture svg={svg} label="relief" />
      <Caption text={texts.reliefCaption} />
      <Field label={texts.turn}>
        <input
          type="range"
          min={0}
          max={360}
          value={azimuth}
          onInput={(event) => setParameters({ azimuth: event.currentTarget.value })}
        />
      </Field>
    </>
  );
}

/** Who takes part, with which learning rate, and where each ended. */
function Results({ state: { racing, rateOf, shown } }: { readonly state: RaceState }) {
  const toggle = (id: Runner) => {
    const next = runnerIds.filter((each) => racing.includes(each) !== (each === id));
    setParameters({ runners: next.join(',') });
  };
  return (
    <div class="card">
      <div class="scroll">
        <table data-testid="results">
          <thead>
            <tr>
              <th scope="col">{say(texts.optimizer)}</th>
              <th scope="col">{say(texts.learningRate)}</th>
              <th scope="col">{say(texts.endsAt)}</th>
              <th scope="col">{say(texts.height)}</th>
            </tr>
          </thead>
          <tbody>
            {runnerIds.map((id) => {
              const { name } = runners[id];
              const on = racing.includes(id);
              const path = on ? shown?.result.paths.find((each) => each.id === id) : undefined;
              return (
                <tr key={id}>
                  <td>
                    <Checkbox label={name} testId={`runner-${id}`} checked={on} onChange={() => toggle(id)} />
                  </td>
                  <td>
                    <Entry
                      class="number-entry"
                      type="number"
                      step="any"
                      min={0}
                      aria-label={`${name}: ${say(texts.learningRate)}`}
                      value={rateOf(id)}
                      onCommit={(text) => setParameters({ [`rate.${id}`]: text })}
                    />
                  </td>
                  <td class="number">{path && (path.diverged ? say(texts.diverged) : endOf(path.points))}</td>
                  <td class="number">{path && !path.diverged ? formatNumber(path.end) : ''}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </div>
  );
}

function endOf(points: readonly (readonly [number, number])[]): string {
  return points.at(-1)!.map(formatNumber).join(', ');
}
