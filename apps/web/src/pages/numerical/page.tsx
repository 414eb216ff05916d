/** From numerical to automatic: one network trained twice, at very different cost. */
import { lineChart } from '@ag/viz';
import { ComputingNote } from '../../components/computingNote.tsx';
import { Choice, NumberField, RunButtons } from '../../components/controls.tsx';
import { formatNumber } from '../../components/numbers.ts';
import { Caption, Code, Explanation, Picture, Problem, Status } from '../../components/parts.tsx';
import { texts as common } from '../../components/texts.ts';
import { Workspace } from '../../components/workspace.tsx';
import { language, say, type Text } from '../../shell/language.ts';
import { setParameters } from '../../shell/route.ts';
import { isNarrow } from '../../shell/screen.ts';
import { theme } from '../../shell/theme.ts';
import { codeFor } from './code.ts';
import type { CompareRequest, CompareUpdate, Side } from './compare.ts';
import { sides, texts } from './texts.ts';
import { useComparison } from './useComparison.ts';
import { atTheStart, looksAlike, lossesAgree, whyParted } from './words.ts';
import './page.css';

const differences = ['0.1', '0.01', '0.001', '0.0001', '0.000001', '0.00000001', '0.0000000001'] as const;

export default function Numerical() {
  const { request, update, problem, computing, run } = useComparison();
  const status =
    update && !run.running && update.steps > 0
      ? texts.status(update.steps, formatNumber(update.factor))
      : null;
  return (
    <Workspace
      picture={
        <div class="twice">
          <div class="row">
            <RunButtons run={run} stepLabel={common.aFewSteps} />
          </div>
          <Status text={status} />
          <Problem message={problem} />
          {update && (
            <>
              <Costs update={update} />
              <div class="columns curves">
                <div>
                  <Picture svg={chart(update, 'steps')} label="by-step" />
                  {looksAlike(update) && <Caption text={texts.sameCurveCaption} />}
                </div>
                <Picture svg={chart(update, 'passes')} label="by-cost" />
              </div>
            </>
          )}
        </div>
      }
      controls={<Settings request={request} />}
      below={
        (update || problem !== null) && (
          <>
            <Explanation text={texts.explanation} />
            <Explanation text={texts.closing} />
            <ComputingNote computing={computing} />
            <Code code={codeFor(request)} />
          </>
        )
      }
    />
  );
}

function Settings({ request }: { readonly request: CompareRequest }) {
  return (
    <>
      <NumberField
        name="hidden"
        label={common.hiddenUnits}
        value={request.hidden}
        min={1}
        max={128}
        step={1}
      />
      <NumberField name="rate" label={common.learningRate} value={request.learningRate} min={0} />
      <Choice
        label={texts.difference}
        testId="h"
        value={differences.find((each) => Number(each) === request.difference) ?? '0.000001'}
        options={differences.map((each) => [each, Number(each).toExponential()] as const)}
        onChange={(h) => setParameters({ h })}
      />
      <NumberField name="seed" label={common.seed} value={request.seed} min={0} step={1} />
    </>
  );
}

const rows: readonly (readonly [Text, (side: Side) => string])[] = [
  [texts.loss, ({ losses }) => (losses.length > 0 ? formatNumber(losses.at(-1)!) : '—')],
  [texts.forward, (side) => String(side.forward)],
  [texts.backward, (side) => String(side.backward)],
  [texts.time, (side) => `${Math.round(side.time)} ms`],
  [texts.answers, (side) => side.answers.map((answer) => answer.toFixed(2)).join(', ')],
];

/** What both runs have cost, and how far their losses are apart. */
function Costs({ update }: { readonly update: CompareUpdate }) {
  return (
    <div class="costs" aria-live="off">
      <div>
        <p class="number" style={{ margin: 0 }}>
          <strong data-testid="factor" style={{ fontSize: '1.8rem' }}>
            {formatNumber(update.factor)}×
          </strong>{' '}
          {say(texts.factor(update.parameters))}
        </p>
        <div class="scroll">
          <table data-testid="costs">
            <thead>
              <tr>
                <th scope="col">
                  {say(texts.afterStep)} {update.steps}
                </th>
                <th scope="col">{say(sides.numerical)}</th>
                <th scope="col">{say(sides.automatic)}</th>
              </tr>
            </thead>
            <tbody class="number">
              {rows.map(([label, show]) => (
                <tr key={label.en}>
                  <th scope="row">{say(label)}</th>
                  <td>{show(update.numerical)}</td>
                  <td>{show(update.automatic)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </div>
      <div>
        <p class="number" data-testid="apart">
          <strong data-testid="agreement">{say(lossesAgree(update) ? texts.agree : texts.disagree)}</strong>{' '}
          {say(texts.apart(update.apart.toExponential(1)))}
        </p>
        <p class="number why" data-testid="why">
          {[...whyParted(update), atTheStart(update)].map(say).join(language.value === 'zh' ? '' : ' ')}
        </p>
      </div>
    </div>
  );
}

/** Both losses, over steps or over forward passes. */
function chart(update: CompareUpdate, by: 'steps' | 'passes'): string {
  const agree = lossesAgree(update);
  const byStep = looksAlike(update) ? texts.sameCurve : agree ? texts.nearlyTheSame : texts.curvesPart;
  return lineChart(
    (['numerical', 'automatic'] as const).map((side) => ({
      name: say(sides[side]),
      y: update[side].losses,
      ...(by === 'passes' && { x: update[side].passes }),
    })),
    {
      theme: theme.value,
      id: `loss-${by}`,
      width: isNarrow() ? 360 : 520,
      height: 320,
      points: false,
      yScale: 'log',
      xScale: by === 'passes' ? 'log' : 'linear',
      title: say(by === 'passes' ? texts.byCost : byStep),
      xLabel: say(by === 'passes' ? texts.forward : texts.step),
      yLabel: say(texts.loss),
    },
  );
}
