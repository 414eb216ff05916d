/** Landscape: optimizers on surfaces that are turned, and the loss around a trained network. */
import { Choice } from '../../components/controls.tsx';
import { Exports } from '../../components/exports.tsx';
import { Caption, Code, Explanation, Problem } from '../../components/parts.tsx';
import { Workspace } from '../../components/workspace.tsx';
import { pageWorker } from '../../service/page/pageWorker.ts';
import { useService } from '../../service/page/useService.ts';
import type { Text } from '../../shell/language.ts';
import { oneOf, setParameters } from '../../shell/route.ts';
import { codeFor, networkCodeFor } from './code.ts';
import { mapWithWays, RaceMap } from './map.tsx';
import { NetworkResults, NetworkSettings } from './networkPanel.tsx';
import { FormulaSettings, Racers, Reached, Results } from './racers.tsx';
import type { Scenery } from './scenery.ts';
import { Space } from './space.tsx';
import { texts } from './texts.ts';
import { TimeBar, useTimeline } from './timeline.tsx';
import { useFormula } from './useFormula.ts';
import { useNetwork } from './useNetwork.ts';
import type { LandscapeService } from './worker.ts';
import './page.css';

const sides = ['formula', 'network'] as const;
const views = ['both', 'space', 'map'] as const;

export default function Landscape() {
  const { remote, failure } = useService<LandscapeService>(() => pageWorker('landscape'));
  const of = oneOf(sides, 'of', 'formula');
  return of === 'formula' ? (
    <OfFormula remote={remote} failure={failure} />
  ) : (
    <OfNetwork remote={remote} failure={failure} />
  );
}

interface Properties {
  readonly remote: Parameters<typeof useFormula>[0];
  readonly failure: string | null;
}

function OfFormula({ remote, failure }: Properties) {
  const state = useFormula(remote, failure);
  const { scenery, request, many, basins, problem } = state;
  return (
    <Workspace
      picture={
        <Pictures
          scenery={scenery}
          replay={`${scenery?.key} ${many && basins ? many : ''}`}
          start={many ? null : request.start}
          caption={texts.mapCaption((scenery?.minima.length ?? 0) > 0)}
        />
      }
      controls={
        <>
          <Switches of="formula" scenery={scenery} />
          <Problem message={problem} />
          <FormulaSettings state={state} />
          {many && basins ? <Reached basins={basins} /> : <Racers state={state} />}
        </>
      }
      below={
        <>
          <Explanation text={texts.explanation} />
          <Results state={state} />
          <Code code={codeFor(request)} />
        </>
      }
    />
  );
}

function OfNetwork({ remote, failure }: Properties) {
  const state = useNetwork(remote, failure);
  const { scenery, waiting, problem, network, slice } = state;
  return (
    <Workspace
      picture={
        <Pictures
          scenery={scenery}
          replay={scenery?.key ?? ''}
          start={null}
          caption={waiting ? texts.computing : texts.mapCaption(false)}
        />
      }
      controls={
        <>
          <Switches of="network" scenery={scenery} />
          <Problem message={problem} />
          <NetworkResults state={state} />
          <NetworkSettings state={state} />
        </>
      }
      below={
        <>
          <Explanation text={texts.networkExplanation} />
          <Code code={networkCodeFor(network, slice)} />
        </>
      }
    />
  );
}

/** Whose landscape, and how it is looked at. */
function Switches({
  of,
  scenery,
}: {
  readonly of: (typeof sides)[number];
  readonly scenery: Scenery | null;
}) {
  const titles = { both: texts.both, space: texts.space, map: texts.map };
  return (
    <div class="row">
      <Choice
        label={texts.of}
        testId="of"
        value={of}
        options={[
          ['formula', texts.ofFormula],
          ['network', texts.ofNetwork],
        ]}
        // Each has settings of its own, some of the same name.
        onChange={(next) => setParameters({ of: next, steps: null })}
      />
      <Choice
        label={texts.view}
        testId="view"
        value={oneOf(views, 'view', 'both')}
        options={views.map((view) => [view, titles[view]] as const)}
        onChange={(view) => setParameters({ view })}
      />
      <Exports name="landscape" svg={() => scenery && mapWithWays(scenery)} />
    </div>
  );
}

/** The surface in space beside its map, and the time of both. */
function Pictures({
  scenery,
  replay,
  start,
  caption,
}: {
  readonly scenery: Scenery | null;
  /** Another text plays from the beginning. */
  readonly replay: string;
  readonly start: readonly [number, number] | null;
  readonly caption: Text;
}) {
  const view = oneOf(views, 'view', 'both');
  const timeline = useTimeline(scenery?.steps ?? null, replay);
  return (
    <>
      <div class="landscape" data-view={view}>
        {view !== 'map' && (
          <Space
            scenery={scenery}
            timeline={timeline}
            {...(start && {
              onPick: ([x, y]: readonly [number, number]) => {
                timeline.seek(timeline.steps);
                setParameters({ x: Number(x.toPrecision(3)), y: Number(y.toPrecision(3)) });
              },
            })}
          />
        )}
        {view !== 'space' && <RaceMap scenery={scenery} timeline={timeline} start={start} />}
      </div>
      <TimeBar timeline={timeline} />
      <Caption text={caption} />
    </>
  );
}
