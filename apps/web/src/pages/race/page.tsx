/**
 * Optimizer race: every optimizer's path down the same surface, from a start that can be dragged.
 */
import { log } from '@ag/tensor/math';
import { contourPath, surface as surfacePicture } from '@ag/viz';
import { useEffect, useRef, useState } from 'preact/hooks';
import { short } from '../../components/numbers.ts';
import { Alarm, Choice, Code, Entry, Explanation, Field, Picture, quoted } from '../../components/parts.tsx';
import { messageOf, useService } from '../../service/page/useService.ts';
import { useInspection } from '../../shell/inspection.ts';
import { say } from '../../shell/language.ts';
import { numberParameter, parameter, route, setParameters } from '../../shell/route.ts';
import { theme } from '../../shell/theme.ts';
import { type RaceRequest, type RaceResult, type Runner, runners } from './race.ts';
import { type Surface, surfaceOf, surfaces } from './surfaces.ts';
import type { RaceService } from './worker.ts';

const ids = Object.keys(runners) as Runner[];
const size = 640;

export default function Race() {
  const chosen = surfaceOf(parameter('surface', 'valley'), route.value.parameters.get('expression'));
  const { expression } = chosen;
  const start: [number, number] = [
    numberParameter('x', chosen.start[0]),
    numberParameter('y', chosen.start[1]),
  ];
  const steps = Math.max(1, Math.min(500, Math.round(numberParameter('steps', 30))));
  const named = parameter('runners', 'sgd,momentum,adagrad,adam').split(',');
  const racing = ids.filter((id) => named.includes(id));
  const rateOf = (id: Runner) =>
    numberParameter(`rate.${id}`, chosen.rates?.[id] ?? runners[id].learningRate);
  const rates = racing.map(rateOf);
  const [shown, setShown] = useState<{ surface: Surface; result: RaceResult } | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const { remote, failure } = useService<RaceService>(
    () => new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' }),
  );
  const picture = useRef<HTMLDivElement>(null);
  const handle = useRef<HTMLSpanElement>(null);

  const request = JSON.stringify({
    surface: chosen,
    race: {
      expression,
      start,
      steps,
      runners: racing.map((id, i) => ({ id, learningRate: rates[i] })),
      domain: chosen.domain,
    } satisfies RaceRequest,
  });
  // Of starts that are dragged along faster than races are run, the last.
  const wanted = useRef(request);
  const busy = useRef(false);
  const run = async () => {
    if (busy.current) return;
    busy.current = true;
    for (let last = ''; last !== wanted.current; ) {
      last = wanted.current;
      try {
        const { surface, race } = JSON.parse(last) as { surface: Surface; race: RaceRequest };
        setShown({ surface, result: await remote.race(race) });
        setProblem(null);
      } catch (error) {
        setProblem(messageOf(error));
      }
    }
    busy.current = false;
  };
  useEffect(() => {
    wanted.current = request;
    void run();
  }, [request]);

  useInspection(() => ({
    page: 'race',
    expression,
    start,
    steps,
    problem: problem ?? failure,
    paths: result?.paths ?? [],
  }));

  // Of what was raced on, which may be older than what is asked for.
  const { surface: raced, result } = shown ?? { surface: chosen, result: null };
  const grid = result && {
    x: raced.domain.x as [number, number],
    y: raced.domain.y as [number, number],
    columns: result.grid.columns,
    rows: result.grid.rows,
    values: result.grid.values,
  };
  const map =
    result && grid
      ? contourPath(
          grid,
          result.paths.map(({ name, points }) => ({ name, points })),
          {
            theme: theme.value,
            id: 'race',
            width: size,
            height: Math.round(size * 0.75),
            minima: raced.minima.map(([x, y]) => [x, y]),
            xLabel: 'x',
            yLabel: 'y',
          },
        )
      : '';
  const relief = grid
    ? surfacePicture(raced.logarithmic ? { ...grid, values: grid.values.map(logarithm) } : grid, {
        theme: theme.value,
        id: 'relief',
        width: size,
        azimuth: numberParameter('azimuth', 40),
        xLabel: 'x',
        yLabel: 'y',
        zLabel: raced.logarithmic ? 'log₁₀(f + 0.001)' : 'f',
      })
    : '';

  // The handle lies over the start, in parts of the picture's size.
  useEffect(() => {
    const area = areaIn(picture.current)?.getBoundingClientRect();
    const whole = handle.current?.parentElement?.getBoundingClientRect();
    if (!area || !whole || !handle.current) return;
    const share = (value: number, [low, high]: readonly [number, number]) =>
      Math.min(1, Math.max(0, (value - low) / (high - low)));
    const x = area.left + share(start[0], raced.domain.x) * area.width - whole.left;
    const y = area.bottom - share(start[1], raced.domain.y) * area.height - whole.top;
    handle.current.style.left = `${(100 * x) / whole.width}%`;
    handle.current.style.top = `${(100 * y) / whole.height}%`;
  }, [map, start[0], start[1]]);

  /** Dragging on the map moves the start: positions on the picture are read from its plotting area. */
  const moveStart = (event: PointerEvent) => {
    const area = areaIn(picture.current);
    if (!area) return;
    const box = area.getBoundingClientRect();
    const { x, y } = raced.domain;
    const across = (event.clientX - box.left) / box.width;
    const up = 1 - (event.clientY - box.top) / box.height;
    if (across < 0 || across > 1 || up < 0 || up > 1) return;
    setParameters({ x: round(x[0] + across * (x[1] - x[0])), y: round(y[0] + up * (y[1] - y[0])) });
  };

  return (
    <>
      <Explanation
        text={{
          en: 'The same hill, the same start, different rules for taking a step. Drag the start on the map: from another place an optimizer may end in another valley.',
          zh: '同一座山、同一个起点，不同的下山规则。在地图上拖动起点：换个地方出发，可能落入另一个山谷。',
        }}
      />
      <div class="card row">
        <Choice
          label={{ en: 'Surface', zh: '曲面' }}
          testId="surface"
          value={chosen.id}
          options={[...surfaces, ...(surfaces.includes(chosen) ? [] : [chosen])].map(
            ({ id, title }) => [id, title] as const,
          )}
          onChange={(id) => setParameters({ surface: id, expression: null, x: null, y: null })}
        />
        <Field label={{ en: 'or your own f(x, y)', zh: '或自定义 f(x, y)' }}>
          <Entry
            class="code"
            data-testid="expression"
            size={30}
            value={expression}
            onCommit={(text) => setParameters({ expression: text, surface: null })}
          />
        </Field>
        <Field label={{ en: 'Start x', zh: '起点 x' }}>
          <Entry
            type="number"
            step="any"
            data-testid="x"
            value={start[0]}
            onCommit={(text) => setParameters({ x: text })}
          />
        </Field>
        <Field label={{ en: 'Start y', zh: '起点 y' }}>
          <Entry
            type="number"
            step="any"
            data-testid="y"
            value={start[1]}
            onCommit={(text) => setParameters({ y: text })}
          />
        </Field>
        <Field label={{ en: 'Steps', zh: '步数' }}>
          <Entry
            type="number"
            min={1}
            max={500}
            data-testid="steps"
            value={steps}
            onCommit={(text) => setParameters({ steps: text })}
          />
        </Field>
      </div>
      {(problem ?? failure) !== null && <Alarm testId="problem">{problem ?? failure}</Alarm>}
      <div class="columns">
        {/* A finger that moves over the map moves the page, as everywhere; a tap sets the start, and its handle is dragged. */}
        <div
          class="card"
          ref={picture}
          style={{ cursor: 'crosshair' }}
          onPointerDown={(event) => event.pointerType === 'mouse' && moveStart(event)}
          onPointerMove={(event) => event.pointerType === 'mouse' && event.buttons === 1 && moveStart(event)}
          onPointerUp={(event) => event.pointerType !== 'mouse' && moveStart(event)}
        >
          <div style={{ position: 'relative' }}>
            <Picture svg={map} label="map" />
            <span
              ref={handle}
              data-testid="start-handle"
              class="start-handle"
              aria-hidden="true"
              onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
              onPointerMove={(event) => event.buttons === 1 && moveStart(event)}
            />
          </div>
        </div>
        <div class="card">
          <Picture svg={relief} label="relief" />
          {relief !== '' && (
            <Field label={{ en: 'Turn', zh: '旋转' }}>
              <input
                type="range"
                min={0}
                max={360}
                value={numberParameter('azimuth', 40)}
                onInput={(event) => setParameters({ azimuth: event.currentTarget.value })}
              />
            </Field>
          )}
        </div>
      </div>
      {/* With the picture that it stands below, so that nothing moves when that arrives. */}
      {(result || problem !== null || failure !== null) && (
        <>
          <div class="card">
            <div class="scroll">
              <table data-testid="results">
                <thead>
                  <tr>
                    <th scope="col">{say({ en: 'optimizer', zh: '优化器' })}</th>
                    <th scope="col">{say({ en: 'learning rate', zh: '学习率' })}</th>
                    <th scope="col">{say({ en: 'ends at', zh: '终点' })}</th>
                    <th scope="col">f</th>
                  </tr>
                </thead>
                <tbody>
                  {ids.map((id) => {
                    const path = result?.paths.find((each) => each.id === id);
                    const on = racing.includes(id);
                    return (
                      <tr key={id}>
                        <td>
                          <label>
                            <input
                              type="checkbox"
                              checked={on}
                              data-testid={`runner-${id}`}
                              onChange={() =>
                                setParameters({
                                  runners: ids
                                    .filter((each) => (each === id ? !on : racing.includes(each)))
                                    .join(','),
                                })
                              }
                            />{' '}
                            {runners[id].name}
                          </label>
                        </td>
                        <td>
                          <Entry
                            type="number"
                            step="any"
                            min={0}
                            style={{ width: '7rem' }}
                            aria-label={`${runners[id].name}: ${say({ en: 'learning rate', zh: '学习率' })}`}
                            value={rateOf(id)}
                            onCommit={(text) => setParameters({ [`rate.${id}`]: text })}
                          />
                        </td>
                        <td class="number">
                          {path && on
                            ? path.diverged
                              ? say({ en: 'left the numbers', zh: '发散' })
                              : path.points
                                  .at(-1)!
                                  .map((v) => short(v))
                                  .join(', ')
                            : ''}
                        </td>
                        <td class="number">{path && on && !path.diverged ? short(path.end) : ''}</td>
                      </tr>
                    );
                  })}
                </tbody>
              </table>
            </div>
          </div>
          <Code code={codeFor(expression, start, steps, racing, rates)} />
        </>
      )}
    </>
  );
}

function codeFor(
  expression: string,
  start: readonly [number, number],
  steps: number,
  racing: readonly Runner[],
  rates: readonly number[],
): string {
  const functions = [...new Set(racing.map((id) => runners[id].function))].sort();
  const calls = racing.map((id, i) => {
    const {
      name,
      function: call,
      more = '',
    } = runners[id] as (typeof runners)['momentum'] & { more?: string };
    return `  [${quoted(name)}, (p) => ${call}(p, { learningRate: ${rates[i]}${more} })],`;
  });
  return `import { backward, formula } from '@ag/graph';
import { ${functions.join(', ')} } from '@ag/optim';
import { tensor, Variable } from '@ag/tensor';

const surface = formula(${quoted(expression)});
const racers = [
${calls.join('\n')}
];
for (const [name, make] of racers) {
  const x = new Variable(tensor(${start[0]}, { dtype: 'float64' }));
  const y = new Variable(tensor(${start[1]}, { dtype: 'float64' }));
  const optimizer = make([x, y]);
  for (let step = 0; step < ${steps}; step++) {
    backward(surface.evaluate({ x: x.value, y: y.value }));
    optimizer.step();
    console.log(name, await x.value.item(), await y.value.item());
  }
}
`;
}

/** Where on the screen the plane is drawn. */
function areaIn(box: HTMLElement | null): Element | null {
  return box?.querySelector('svg clipPath + rect') ?? null;
}

/** Heights of surfaces that have cliffs; their minima are 0. */
const logarithm = (height: number): number => log(height + 1e-3) * Math.LOG10E;

function round(value: number): number {
  return Number(value.toPrecision(3));
}
