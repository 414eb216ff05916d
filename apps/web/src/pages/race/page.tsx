/**
 * Optimiser race: every optimiser's path down the same surface, from a start that can be dragged.
 */
import { log } from '@ag/tensor/math';
import { contourPath, surface as surfacePicture } from '@ag/viz';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Alarm, Choice, Code, Entry, Explanation, Field, Picture } from '../../components/parts.tsx';
import { useInspection } from '../../shell/inspection.ts';
import { say } from '../../shell/language.ts';
import { numberParameter, parameter, setParameters } from '../../shell/route.ts';
import { theme } from '../../shell/theme.ts';
import { messageOf, useService } from '../../training/useService.ts';
import { type RaceResult, type Runner, runners } from './race.ts';
import { surfaces } from './surfaces.ts';
import type { RaceService } from './worker.ts';

const ids = Object.keys(runners) as Runner[];
const size = 640;

export default function Race() {
  const chosen = surfaces.find((each) => each.id === parameter('surface', 'valley')) ?? surfaces[0]!;
  const expression = parameter('expression', chosen.expression);
  const start: [number, number] = [
    numberParameter('x', chosen.start[0]),
    numberParameter('y', chosen.start[1]),
  ];
  const steps = Math.max(1, Math.min(500, Math.round(numberParameter('steps', 30))));
  const racing = parameter('runners', 'sgd,momentum,adagrad,adam')
    .split(',')
    .filter((id): id is Runner => id in runners);
  const rateOf = (id: Runner) =>
    numberParameter(`rate.${id}`, chosen.rates?.[id] ?? runners[id].learningRate);
  const rates = racing.map(rateOf);
  const [result, setResult] = useState<RaceResult | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const { remote, failure } = useService<RaceService>(
    () => new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' }),
  );
  const picture = useRef<HTMLDivElement>(null);

  const request = JSON.stringify({
    expression,
    start,
    steps,
    runners: racing.map((id, i) => ({ id, learningRate: rates[i]! })),
    domain: chosen.domain,
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
        setResult(await remote.race(JSON.parse(last)));
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

  const grid = result && {
    x: chosen.domain.x as [number, number],
    y: chosen.domain.y as [number, number],
    columns: result.grid.columns,
    rows: result.grid.rows,
    values: chosen.logarithmic
      ? result.grid.values.map((z) => log(z + 1e-3) * Math.LOG10E)
      : result.grid.values,
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
            minima: chosen.minima.map(([x, y]) => [x, y]),
            xLabel: 'x',
            yLabel: 'y',
          },
        )
      : '';
  const relief = grid
    ? surfacePicture(grid, {
        theme: theme.value,
        id: 'relief',
        width: size,
        azimuth: numberParameter('azimuth', 40),
        xLabel: 'x',
        yLabel: 'y',
        zLabel: 'f',
      })
    : '';

  /** Dragging on the map moves the start: positions on the picture are read from its plotting area. */
  const moveStart = (event: PointerEvent) => {
    const area = picture.current?.querySelector('.ag-contours');
    if (!area) return;
    const box = area.getBoundingClientRect();
    const { x, y } = chosen.domain;
    const across = (event.clientX - box.left) / box.width;
    const up = 1 - (event.clientY - box.top) / box.height;
    if (across < 0 || across > 1 || up < 0 || up > 1) return;
    setParameters({ x: round(x[0] + across * (x[1] - x[0])), y: round(y[0] + up * (y[1] - y[0])) });
  };

  return (
    <>
      <Explanation
        text={{
          en: 'The same hill, the same start, different rules for taking a step. Drag the start on the map: from another place an optimiser may end in another valley.',
          zh: '同一座山、同一个起点，不同的下山规则。在地图上拖动起点：换个地方出发，可能落入另一个山谷。',
        }}
      />
      <div class="card row">
        <Choice
          label={{ en: 'Surface', zh: '曲面' }}
          testId="surface"
          value={chosen.id}
          options={surfaces.map((each) => [each.id, each.title] as const)}
          onChange={(id) => setParameters({ surface: id, expression: null, x: null, y: null })}
        />
        <Field label={{ en: 'or your own f(x, y)', zh: '或自定义 f(x, y)' }}>
          <Entry
            class="code"
            data-testid="expression"
            size={30}
            value={expression}
            choose={(text) => setParameters({ expression: text })}
          />
        </Field>
        <Field label={{ en: 'Start x', zh: '起点 x' }}>
          <Entry
            type="number"
            step="any"
            data-testid="x"
            value={start[0]}
            choose={(text) => setParameters({ x: text })}
          />
        </Field>
        <Field label={{ en: 'Start y', zh: '起点 y' }}>
          <Entry
            type="number"
            step="any"
            data-testid="y"
            value={start[1]}
            choose={(text) => setParameters({ y: text })}
          />
        </Field>
        <Field label={{ en: 'Steps', zh: '步数' }}>
          <Entry
            type="number"
            min={1}
            max={500}
            data-testid="steps"
            value={steps}
            choose={(text) => setParameters({ steps: text })}
          />
        </Field>
      </div>
      {(problem ?? failure) !== null && <Alarm testId="problem">{problem ?? failure}</Alarm>}
      <div class="columns">
        <div
          class="card"
          ref={picture}
          style={{ touchAction: 'none', cursor: 'crosshair' }}
          onPointerDown={moveStart}
          onPointerMove={(event) => event.buttons === 1 && moveStart(event)}
        >
          <Picture svg={map} label="map" />
        </div>
        <div class="card">
          <Picture svg={relief} label="relief" />
          <Field label={{ en: 'Turn', zh: '旋转' }}>
            <input
              type="range"
              min={0}
              max={360}
              value={numberParameter('azimuth', 40)}
              onInput={(event) => setParameters({ azimuth: event.currentTarget.value })}
            />
          </Field>
        </div>
      </div>
      <div class="card">
        <div class="scroll">
          <table data-testid="results">
            <thead>
              <tr>
                <th scope="col">{say({ en: 'optimiser', zh: '优化器' })}</th>
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
                        choose={(text) => setParameters({ [`rate.${id}`]: text })}
                      />
                    </td>
                    <td class="number">
                      {path && on
                        ? path.diverged
                          ? say({ en: 'left the numbers', zh: '发散' })
                          : path.points
                              .at(-1)!
                              .map((v) => v.toFixed(4).replace('-', '−'))
                              .join(', ')
                        : ''}
                    </td>
                    <td class="number">{path && on && !path.diverged ? path.end.toPrecision(4) : ''}</td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </div>
      </div>
      <Code
        code={`import { backward, formula } from '@ag/graph';
import { adam } from '@ag/optim';
import { tensor, Variable } from '@ag/tensor';

const x = new Variable(tensor(${start[0]}, { dtype: 'float64' }));
const y = new Variable(tensor(${start[1]}, { dtype: 'float64' }));
const surface = formula('${expression}');
const optimizer = adam([x, y], { learningRate: ${rateOf('adam')} });
for (let step = 0; step < ${steps}; step++) {
  backward(surface.evaluate({ x: x.value, y: y.value }));
  optimizer.step();
  console.log(await x.value.item(), await y.value.item());
}
`}
      />
    </>
  );
}

function round(value: number): number {
  return Number(value.toPrecision(3));
}
