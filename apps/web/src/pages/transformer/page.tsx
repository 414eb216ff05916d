/** Transformer: a small GPT that learns a text in the page, with all that its heads look at. */
import { lineChart } from '@ag/viz';
import { useState } from 'preact/hooks';
import { ComputingNote } from '../../components/computingNote.tsx';
import { Button, Choice, Entry, Field, NumberField, RunButtons } from '../../components/controls.tsx';
import { formatNumber } from '../../components/numbers.ts';
import { Code, Explanation, Figures, Picture, Problem, Status } from '../../components/parts.tsx';
import { texts as common } from '../../components/texts.ts';
import { Workspace } from '../../components/workspace.tsx';
import { say } from '../../shell/language.ts';
import { numberParameter, parameter, setParameters } from '../../shell/route.ts';
import { isNarrow } from '../../shell/screen.ts';
import { theme } from '../../shell/theme.ts';
import { Arcs, type Shown, visible } from './arcs.tsx';
import { codeFor } from './code.ts';
import { HeadMaps } from './maps.tsx';
import type { LookAnswer } from './session.ts';
import { texts } from './texts.ts';
import { type TransformerState, useTransformer } from './useTransformer.ts';
import './page.css';

export default function Transformer() {
  const state = useTransformer();
  const { corpus, problem, run, settings, standing, rate } = state;
  const unseen = standing.unseen.losses.at(-1);
  const paused = !run.running && standing.step > 0 && unseen !== undefined;
  return (
    <>
      <Problem message={problem} />
      <Status text={paused ? texts.status(standing.step, formatNumber(unseen)) : null} />
      <Workspace
        picture={<Seen state={state} />}
        controls={<Controls state={state} />}
        below={
          <>
            <Explanation text={texts.explanation} />
            {corpus && <Explanation text={texts.data(corpus.known, corpus.unseen, corpus.alphabet.length)} />}
            <ComputingNote computing={corpus?.computing ?? null} />
            <Code code={codeFor(settings, rate)} />
          </>
        }
      />
    </>
  );
}

/** Which head the address names; null for all. */
function shownHead(look: LookAnswer | null): Shown {
  const [layer, head] = parameter('head', '').split('.').map(Number);
  return look?.attention[layer]?.[head] ? { layer, head } : null;
}

function Seen({ state }: { readonly state: TransformerState }) {
  const { look, standing, corpus, writing } = state;
  const [pointed, setPointed] = useState<number | null>(null);
  const shown = shownHead(look);
  const last = Math.max(0, (look?.characters.length ?? 1) - 1);
  const chosen = Math.max(0, Math.min(last, Math.round(numberParameter('at', last))));
  const at = pointed !== null && pointed <= last ? pointed : chosen;
  const show = (next: Shown) => setParameters({ head: next && `${next.layer}.${next.head}` }, 'steps');
  return (
    <div class="transformer">
      <section class="transformer-top">
        {look && look.characters.length > 0 && (
          <Arcs
            look={look}
            at={at}
            shown={shown}
            title={shown ? texts.head(shown.layer, shown.head) : texts.allHeads}
            onPoint={setPointed}
            onChoose={(i) => setParameters({ at: i }, 'steps')}
          />
        )}
        <label class="transformer-position">
          <span>{say(texts.position)}</span>
          <input
            type="range"
            data-testid="at"
            min={0}
            max={last}
            value={chosen}
            aria-valuetext={visible(look?.characters[chosen] ?? '')}
            onInput={(event) => setParameters({ at: event.currentTarget.value }, 'steps')}
          />
        </label>
      </section>
      <section class="transformer-heads">
        <h2>{say(texts.headsTitle)}</h2>
        {look ? <HeadMaps look={look} shown={shown} onShow={show} /> : <div class="transformer-maps" />}
        <p class="soft caption">{say(texts.headsCaption)}</p>
      </section>
      <section class="transformer-next">
        <h2>{say(texts.nextTitle(visible(look?.characters[at] ?? '')))}</h2>
        {look && corpus && <NextBars look={look} alphabet={corpus.alphabet} at={at} />}
      </section>
      <section class="transformer-learning">
        <Picture svg={corpus ? learning(state) : ''} label="learning" />
        <p class="caption" data-testid="verdict">
          {say(
            standing.better === null ? texts.notYet : texts.better(Math.max(0.1, standing.better).toFixed(1)),
          )}
        </p>
      </section>
      <section class="transformer-writing">
        <h2>{say(texts.writingTitle)}</h2>
        <p data-testid="writing" class={writing === null ? 'soft' : 'transformer-written'}>
          {writing === null ? (
            say(texts.nothingWritten)
          ) : (
            <>
              <span class="soft">{state.prompt}</span>
              {writing}
            </>
          )}
        </p>
      </section>
    </div>
  );
}

/** Characters that may come next, the most likely first. */
function NextBars({
  look,
  alphabet,
  at,
}: {
  readonly look: LookAnswer;
  readonly alphabet: readonly string[];
  readonly at: number;
}) {
  const actual = look.characters[at + 1];
  const likely = Array.from(look.next[at] ?? [], (chance, code) => ({ character: alphabet[code], chance }))
    .sort((a, b) => b.chance - a.chance)
    .slice(0, 7);
  return (
    <ol class="transformer-bars" data-testid="next">
      {likely.map(({ character, chance }) => (
        <li key={character} class={character === actual ? 'actual' : undefined}>
          <code>{visible(character)}</code>
          <span class="transformer-bar">
            <span style={{ width: `${100 * chance}%` }} />
          </span>
          <span class="number">{(100 * chance).toFixed(chance < 0.1 ? 1 : 0)} %</span>
          <span class="unseen">{character === actual ? say(texts.actual) : ''}</span>
        </li>
      ))}
    </ol>
  );
}

/** The loss on unseen text by step, and that of trigrams as a line. */
function learning({ standing: { unseen }, corpus }: TransformerState): string {
  return lineChart([{ name: say(texts.unseen), x: unseen.steps, y: unseen.losses }], {
    theme: theme.value,
    id: 'learning',
    width: isNarrow() ? 350 : 420,
    height: 250,
    title: say(texts.learningTitle),
    xLabel: say(texts.step),
    yLabel: say(texts.nats),
    points: unseen.steps.length < 2,
    referenceLines: [{ y: corpus!.trigram, label: `${say(texts.trigram)} ${corpus!.trigram.toFixed(3)}` }],
  });
}

function Controls({ state }: { readonly state: TransformerState }) {
  const { settings, rate, temperature, prompt, run, standing, corpus, missing } = state;
  const unseen = standing.unseen.losses.at(-1);
  return (
    <>
      <div class="row">
        <RunButtons run={run} />
        <Button data-testid="write" disabled={!run.ready} onClick={state.write}>
          {say(texts.write)}
        </Button>
      </div>
      <Figures
        rows={[
          [texts.stepNumber, String(standing.step)],
          [texts.seconds, standing.seconds.toFixed(1)],
          [texts.loss, standing.loss === null ? '—' : formatNumber(standing.loss)],
          [texts.unseenLoss, unseen === undefined ? '—' : formatNumber(unseen)],
          [texts.trigramLoss, corpus ? formatNumber(corpus.trigram) : '—'],
        ]}
      />
      {standing.resumed > 0 && <p class="soft caption">{say(texts.resumed(standing.resumed))}</p>}
      <Choice
        label={texts.text}
        testId="text"
        value={settings.text}
        options={[
          ['sentences', texts.sentences],
          ['brackets', texts.brackets],
          ['own', texts.own],
        ]}
        onChange={(text) => setParameters({ text, prompt: null, at: null })}
      />
      {settings.text === 'own' && (
        <Field label={texts.ownText}>
          <textarea
            rows={5}
            data-testid="own"
            value={settings.own}
            aria-invalid={missing > 0}
            aria-describedby="transformer-missing"
            onChange={(event) => setParameters({ own: event.currentTarget.value, prompt: null, at: null })}
          />
        </Field>
      )}
      {missing > 0 && (
        <p id="transformer-missing" class="transformer-missing" role="alert" data-testid="missing">
          {say(texts.missing(missing))}
        </p>
      )}
      <Field label={texts.prompt}>
        <Entry
          class="code"
          data-testid="prompt"
          value={prompt}
          spellcheck={false}
          onCommit={(text) => setParameters({ prompt: text, at: null })}
        />
      </Field>
      <NumberField name="rate" label={common.learningRate} value={rate} min={0} />
      <NumberField name="temperature" label={texts.temperature} value={temperature} min={0.05} max={5} />
      <NumberField name="layers" label={texts.layers} value={settings.layers} min={1} max={4} step={1} />
      <NumberField name="heads" label={texts.heads} value={settings.heads} min={1} max={8} step={1} />
      <NumberField name="width" label={texts.width} value={settings.width} min={2} max={128} step={1} />
      <NumberField name="context" label={texts.context} value={settings.context} min={16} max={64} step={1} />
      <NumberField name="seed" label={common.seed} value={settings.seed} min={0} step={1} />
    </>
  );
}
