/** The living graph of the start page: it moves before anybody touches it, and then is theirs. */
import { graphView } from '@ag/viz';
import { useRef } from 'preact/hooks';
import { Button, Entry, Scrubbed } from '../../components/controls.tsx';
import { formatNumber } from '../../components/numbers.ts';
import { Problem } from '../../components/parts.tsx';
import { GraphPicture } from '../../living/graphPicture.tsx';
import { neuron } from '../../living/neuron.ts';
import { useInspection } from '../../shell/inspection.ts';
import { say } from '../../shell/language.ts';
import { addressOf } from '../../shell/route.ts';
import { isNarrow } from '../../shell/screen.ts';
import { theme } from '../../shell/theme.ts';
import { texts } from './texts.ts';
import { type HeroState, useHero } from './useHero.ts';

export function Hero({ pages }: { readonly pages: readonly string[] }) {
  const frame = useRef<HTMLElement>(null);
  const state = useHero(frame);
  const { values, losses, loss, running, step, problem, set, study } = state;
  useInspection(() => ({ page: 'home', pages, values, losses, loss, running, step }));
  const nameOf = (id: string) => study?.graph.nodes.find((node) => node.id === id && !node.op)?.label ?? null;
  return (
    <section class="hero" ref={frame} aria-label={say(texts.hero)} data-testid="hero">
      <GraphPicture
        svg={draw(state)}
        node={state.current === null ? null : study!.graph.nodes[state.current].id}
        flow={state.flow}
        numberOf={(id) => {
          const name = nameOf(id);
          return name === null ? null : Number(values[name]);
        }}
        onChange={(id, value) => {
          const name = nameOf(id);
          if (name !== null) set(name, String(value));
        }}
      />
      <Problem message={problem} />
      <div class="row hero-controls">
        <Button class="primary" data-testid="hero-run" onClick={state.toggle}>
          {running ? `❚❚ ${say(texts.pause)}` : `▶ ${say(texts.learn)}`}
        </Button>
        <Button data-testid="hero-restart" onClick={state.restart}>
          ⟲ {say(texts.restart)}
        </Button>
        {Object.entries(values).map(([name, value]) => (
          <Scrubbed
            key={name}
            label={`${name} =`}
            range={{ value: Number(value) }}
            onChange={(next) => set(name, String(next))}
          >
            <Entry
              class="code"
              data-testid={`hero-${name}`}
              size={6}
              value={short(value)}
              onCommit={(text) => Number.isFinite(Number(text)) && text.trim() !== '' && set(name, text)}
            />
          </Scrubbed>
        ))}
        <span class="hero-loss number">
          <span class="soft">{say(texts.loss)}</span>
          <strong data-testid="hero-loss">{loss === null ? '—' : formatNumber(loss)}</strong>
          <Spark losses={losses} />
        </span>
        <a href={addressOf('microscope', addressFor(values))}>{say(texts.open)}</a>
      </div>
    </section>
  );
}

function draw({ shown, current }: HeroState): string {
  if (!shown) return '';
  return graphView(shown, {
    theme: theme.value,
    id: 'hero',
    orientation: isNarrow() ? 'vertical' : 'horizontal',
    background: false,
    ...(current !== null && { highlight: [shown.nodes[current].id] }),
  });
}

/** The losses so far as a line, whose height is the first. */
function Spark({ losses }: { readonly losses: readonly number[] }) {
  const most = Math.max(...losses, 1e-12);
  const points = losses.map((loss, i) => `${i * 9},${30 - (28 * loss) / most}`).join(' ');
  return (
    <svg class="spark" width="120" height="32" aria-hidden="true">
      <polyline points={points} />
    </svg>
  );
}

function short(value: string): string {
  return String(Number(Number(value).toPrecision(4)));
}

function addressFor(values: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const given = Object.entries(values).map(([name, value]) => [`v.${name}`, value]);
  return { expression: neuron.expression, ...Object.fromEntries(given), step: 'all' };
}
