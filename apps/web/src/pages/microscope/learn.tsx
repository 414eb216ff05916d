/** Gradient descent on chosen variables: one update or ten, the loss after each, and the way back. */
import { lineChart } from '@ag/viz';
import { Button, Checkbox, NumberField } from '../../components/controls.tsx';
import { formatNumber } from '../../components/numbers.ts';
import { Picture } from '../../components/parts.tsx';
import { texts as common } from '../../components/texts.ts';
import { say } from '../../shell/language.ts';
import { theme } from '../../shell/theme.ts';
import { texts } from './texts.ts';
import type { LearningState } from './useLearning.ts';

export function Learn({
  state,
  names,
}: {
  readonly state: LearningState;
  readonly names: readonly string[];
}) {
  const { learned, rate, trace, at, update, toggle, replay, goTo } = state;
  return (
    <section class="learn" aria-label={say(texts.learn)}>
      <h2>{say(texts.learn)}</h2>
      <div class="row">
        {names.map((name) => (
          <Checkbox
            key={name}
            label={name}
            testId={`learn-${name}`}
            checked={learned.includes(name)}
            onChange={() => toggle(name)}
          />
        ))}
      </div>
      <div class="row">
        <NumberField name="rate" label={common.learningRate} value={rate} min={0} />
        <Button data-testid="update" disabled={learned.length === 0} onClick={() => update(1)}>
          {say(texts.update)}
        </Button>
        <Button
          class="primary"
          data-testid="update-ten"
          disabled={learned.length === 0}
          onClick={() => update(10)}
        >
          × 10
        </Button>
      </div>
      {trace.length > 1 && (
        <>
          <p class="number" data-testid="loss">
            f: {formatNumber(trace[0].loss)} → <strong>{formatNumber(trace[at].loss)}</strong>
          </p>
          <Picture svg={chart(state)} label="trace" />
          <div class="row">
            <Button data-testid="replay" onClick={replay}>
              ⟲ {say(texts.replay)}
            </Button>
            <input
              type="range"
              data-testid="moment"
              aria-label={say(texts.moment)}
              min={0}
              max={trace.length - 1}
              value={at}
              onInput={(event) => goTo(Number(event.currentTarget.value))}
            />
            <span class="number soft">{at}</span>
          </div>
        </>
      )}
    </section>
  );
}

function chart({ trace, at }: LearningState): string {
  const losses = trace.map(({ loss }) => loss);
  return lineChart(
    [
      { name: 'f', y: losses },
      { name: say(texts.now), x: [at], y: [losses[at]] },
    ],
    {
      theme: theme.value,
      id: 'trace',
      width: 290,
      height: 150,
      legend: false,
      xLabel: say(texts.updates),
      background: false,
    },
  );
}
