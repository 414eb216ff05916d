/** The pictures of the gradient-flow lab: gradients by layer, losses, and distributions. */
import { gradientFlow, histogram, lineChart } from '@ag/viz';
import { Caption, Picture } from '../../components/parts.tsx';
import { say } from '../../shell/language.ts';
import { isNarrow } from '../../shell/screen.ts';
import { theme } from '../../shell/theme.ts';
import type { FlowUpdate } from './flow.ts';
import { limits } from './limits.ts';
import { distributions, texts } from './texts.ts';

/** Gradients by layer, now and over time. */
export function Charts({ update }: { readonly update: FlowUpdate }) {
  return (
    <div class="columns">
      <Picture svg={flowNow(update)} label="flow" />
      {update.step > 0 && <Picture svg={flowOverTime(update)} label="flow-time" />}
    </div>
  );
}

/** What one layer holds, and the loss. */
export function OneLayer({ update, layer }: { readonly update: FlowUpdate; readonly layer: number }) {
  return (
    <div class="one-layer">
      <Histogram
        update={update}
        kind="activations"
        layer={layer}
        title={say(distributions.activations.title)}
      />
      <Histogram update={update} kind="gradients" layer={layer} title={say(distributions.gradients.title)} />
      <div>
        {update.step === 0 ? (
          <p class="soft">{say(texts.untrained)}</p>
        ) : (
          <>
            <Picture svg={lossCurve(update)} label="loss" />
            {isSmoothed(update) && <Caption text={texts.lossCaption} />}
          </>
        )}
      </div>
    </div>
  );
}

function Histogram({
  update,
  kind,
  layer,
  title,
}: {
  readonly update: FlowUpdate;
  readonly kind: keyof typeof distributions;
  readonly layer: number;
  readonly title: string;
}) {
  const svg = histogram(update.layers[layer][kind], {
    theme: theme.value,
    id: `${kind}-${layer}`,
    width: 300,
    height: 190,
    title,
    yLabel: '',
  });
  return <Picture label={`${kind}-${layer}`} svg={svg} />;
}

/** A histogram for each layer: of activations, and of gradients. */
export function Distributions({ update }: { readonly update: FlowUpdate }) {
  return (
    <>
      {(['activations', 'gradients'] as const).map((kind) => (
        <section key={kind}>
          <h2>
            {say(distributions[kind].title)}
            <span class="soft"> — {say(distributions[kind].axes)}</span>
          </h2>
          <div class="histograms">
            {update.layers.map((_, i) => (
              <Histogram key={i} update={update} kind={kind} layer={i} title={layerName(i)} />
            ))}
          </div>
        </section>
      ))}
    </>
  );
}

const chartWidth = () => (isNarrow() ? 360 : 540);

function flowOptions({ vanishing }: FlowUpdate) {
  return {
    theme: theme.value,
    width: chartWidth(),
    valueLabel: say(texts.norm),
    stepLabel: say(texts.step),
    words: {
      vanishing: say(texts.vanishing),
      exploding: say(texts.exploding),
      zero: say(texts.zero),
      notFinite: say(texts.notFinite),
      dead: say(texts.dead),
    },
    vanishing: vanishing > 0 ? Math.min(1, vanishing) : limits.tiny,
    exploding: limits.exploding,
  };
}

function flowNow(update: FlowUpdate): string {
  return gradientFlow(
    update.layers.map(({ norm, dead }, i) => ({ name: layerName(i), norm, dead })),
    { ...flowOptions(update), id: 'flow', title: say(texts.byLayer) },
  );
}

function flowOverTime(update: FlowUpdate): string {
  const { steps, norms } = update.history;
  return gradientFlow(
    update.layers.map((_, i) => ({ name: layerName(i), norm: norms.map((row) => row[i]) })),
    {
      ...flowOptions(update),
      id: 'flow-time',
      height: isNarrow() ? 360 : 320,
      steps,
      title: say(texts.byLayerOverTime),
    },
  );
}

const isSmoothed = ({ losses }: FlowUpdate) => losses.length > 20;

function lossCurve(update: FlowUpdate): string {
  return lineChart([{ name: say(texts.loss), y: update.losses }], {
    theme: theme.value,
    id: 'flow-loss',
    width: 300,
    height: 190,
    yScale: 'log',
    points: false,
    smoothing: isSmoothed(update) ? 0.8 : 0,
    title: say(texts.lossByStep),
    xLabel: say(texts.step),
  });
}

function layerName(i: number): string {
  return say(texts.layer(i + 1));
}
