/** This device: what its backends compute rightly, and how fast. */
import { useState } from 'preact/hooks';
import { Button, Checkbox, Entry, Field } from '../../components/controls.tsx';
import { formatNumber } from '../../components/numbers.ts';
import { Alarm, Explanation, Problem, Status } from '../../components/parts.tsx';
import { texts as common } from '../../components/texts.ts';
import { Workspace } from '../../components/workspace.tsx';
import { say } from '../../shell/language.ts';
import { setParameters } from '../../shell/route.ts';
import { benchmarkNames, type Failure, type Speeds } from './examine.ts';
import { asText, type BackendId, backendIds, type Findings } from './findings.ts';
import { backendTitles, benchmarkTitles, groupTitles, texts } from './texts.ts';
import { type DeviceState, type Examined, useDevice } from './useDevice.ts';
import './page.css';

export default function Device() {
  const state = useDevice();
  const { running, own, problem } = state;
  const groups = own.backends.flatMap((found) => found.groups);
  const sum = (of: 'passed' | 'run') => groups.reduce((total, group) => total + group[of], 0);
  return (
    <>
      <Problem message={problem} />
      <Status text={!running && groups.length > 0 ? texts.status(sum('passed'), sum('run')) : null} />
      <Workspace picture={<Results state={state} />} controls={<Controls state={state} />} />
    </>
  );
}

/** What a column of the table shows: of a backend here, or of one in a link. */
interface Column {
  readonly id: BackendId;
  readonly detail: string;
  readonly groups: readonly { readonly name: string; readonly passed: number; readonly run: number }[];
  readonly speeds: Speeds;
  readonly examined: Examined | null;
  readonly complete: boolean;
}

function Results({ state }: { readonly state: DeviceState }) {
  const { chosen, examined, shared, unreadable, own, failures } = state;
  if (shared) {
    const columns = shared.backends.map((found) => ({ ...found, examined: null }));
    const wrong = shared.backends.flatMap(({ id, failures }) =>
      failures.map((failure) => ({ ...failure, id, message: '' })),
    );
    return (
      <div class="device">
        <h2 data-testid="shared">{say(texts.shared(shared.browser, shared.cores))}</h2>
        <Table columns={columns} />
        <Wrong failures={wrong} columns={columns} />
      </div>
    );
  }
  const columns = chosen.map((id): Column => {
    const one = examined[id] ?? null;
    const { groups = [], speeds = {}, done = 0, all = 1 } = one?.finding ?? {};
    return { id, detail: one?.detail ?? '', groups, speeds, examined: one, complete: done === all };
  });
  return (
    <div class="device">
      <Explanation text={texts.explanation} />
      <h2>{say(texts.here(own.browser, own.cores))}</h2>
      {unreadable && <Alarm testId="unreadable">{say(texts.unreadable)}</Alarm>}
      <div class="device-bars">
        {columns.map((column) => (
          <Bar key={column.id} column={column} />
        ))}
      </div>
      <Table columns={columns} />
      <Wrong failures={failures} columns={columns} />
    </div>
  );
}

/** How far the examination of a backend has come. */
function Bar({ column: { id, detail, examined } }: { readonly column: Column }) {
  const { done = 0, all = 1 } = examined?.finding ?? {};
  const absent = examined?.absent ?? null;
  const wrong = (examined?.finding?.failures.length ?? 0) > 0;
  const title = say(backendTitles[id]);
  const text =
    absent !== null
      ? say(texts.absent)
      : examined === null
        ? say(texts.untouched)
        : examined.finding
          ? say(texts.progress(done, all))
          : '…';
  return (
    <div class="device-bar" data-testid={`progress-${id}`}>
      <strong>{title}</strong>
      <progress
        aria-label={title}
        class={wrong ? 'wrong' : ''}
        value={absent === null ? done : 0}
        max={all}
      />
      <span class="soft number">
        {text}
        {absent !== null && <span lang="en">{absent}</span>}
        {detail !== '' && ` · ${detail}`}
      </span>
    </div>
  );
}

/** Groups of tests and benchmarks by backend. */
function Table({ columns }: { readonly columns: readonly Column[] }) {
  // Known ones stand there from the start, so that nothing moves when they are run.
  const found = columns.flatMap(({ groups }) => groups.map(({ name }) => name));
  const names = [...new Set([...groupTitles.keys(), ...found])];
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what can be scrolled is reached by keys
    <section class="scroll" tabIndex={0} aria-label={say(texts.tests)}>
      <table data-testid="results" class="device-table">
        <thead>
          <tr>
            <th scope="col">{say(texts.tests)}</th>
            {columns.map(({ id }) => (
              <th key={id} scope="col" class="number">
                {say(backendTitles[id])}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {names.map((name) => (
            <tr key={name}>
              <th scope="row">{groupTitles.has(name) ? say(groupTitles.get(name)!) : name}</th>
              {columns.map(({ id, groups }) => (
                <Passed key={id} of={groups.filter((group) => group.name === name)} />
              ))}
            </tr>
          ))}
          <tr class="device-sum">
            <th scope="row">{say(texts.allTests)}</th>
            {columns.map(({ id, groups }) => (
              <Passed key={id} of={groups} />
            ))}
          </tr>
        </tbody>
        <tbody>
          {benchmarkNames.map((name) => (
            <tr key={name}>
              <th scope="row">{say(benchmarkTitles[name])}</th>
              {columns.map(({ id, speeds }) => (
                <td key={id} class="number" data-testid={`${name}-${id}`}>
                  {speeds[name] === undefined ? '—' : formatNumber(speeds[name])}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Passed({ of }: { readonly of: readonly { readonly passed: number; readonly run: number }[] }) {
  const passed = of.reduce((sum, group) => sum + group.passed, 0);
  const run = of.reduce((sum, group) => sum + group.run, 0);
  if (run === 0) return <td class="number">—</td>;
  return (
    <td class={passed < run ? 'number device-wrong' : 'number device-right'}>
      {passed < run ? '✗' : '✓'} {passed} / {run}
    </td>
  );
}

/** Every operation that was computed wrongly, by name; or that none was, where all was tested. */
function Wrong({
  failures,
  columns,
}: {
  readonly failures: readonly (Failure & { readonly id: BackendId })[];
  readonly columns: readonly Column[];
}) {
  if (failures.length === 0) {
    const tested = columns.filter(({ groups }) => groups.length > 0);
    if (tested.length === 0 || tested.some(({ complete }) => !complete)) return null;
    return (
      <p data-testid="right">
        <strong>{say(texts.rightTitle)}</strong>
      </p>
    );
  }
  const named = new Map<string, (Failure & { readonly id: BackendId })[]>();
  for (const failure of failures) {
    const name = `${failure.id} ${failure.operation}`;
    named.set(name, [...(named.get(name) ?? []), failure]);
  }
  return (
    <section data-testid="wrong">
      <h2>{say(texts.wrongTitle)}</h2>
      <ul class="device-failures">
        {[...named].map(([name, all]) => (
          <li key={name}>
            <details>
              <summary>
                <code>{all[0].operation}</code> {say(backendTitles[all[0].id])} · {all.length}
              </summary>
              {all.map(({ group, test, message }) => (
                <p key={`${group} ${test}`} lang="en">
                  {group}, {test}
                  {message !== '' && `: ${message.slice(0, 400)}`}
                </p>
              ))}
            </details>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Controls({ state }: { readonly state: DeviceState }) {
  const { chosen, choice, running, start, stop, own, share, shared } = state;
  const toggle = (id: BackendId) => {
    const next = backendIds.filter((each) => chosen.includes(each) !== (each === id));
    setParameters({ backends: next.join(',') });
  };
  const taken: Findings = shared ?? own;
  const empty = taken.backends.length === 0;
  return (
    <>
      <Button
        class="primary"
        data-testid="run"
        disabled={chosen.length === 0}
        onClick={running ? stop : () => void start()}
      >
        {running ? `■ ${say(texts.stop)}` : `▶ ${say(texts.run)}`}
      </Button>
      <fieldset class="device-choice">
        <legend>{say(texts.backends)}</legend>
        {backendIds.map((id) => (
          <Checkbox
            key={id}
            testId={`backend-${id}`}
            label={backendTitles[id]}
            checked={chosen.includes(id)}
            onChange={() => toggle(id)}
          />
        ))}
      </fieldset>
      <Checkbox
        testId="derivatives"
        label={texts.derivatives}
        checked={choice.derivatives}
        onChange={(derivatives) => setParameters({ derivatives })}
      />
      <Field label={texts.only}>
        <Entry
          class="code"
          data-testid="only"
          value={choice.only.join(', ')}
          spellcheck={false}
          onCommit={(text) => setParameters({ only: text.trim() === '' ? null : text })}
        />
      </Field>
      <Button data-testid="share" disabled={empty || running || shared !== null} onClick={share}>
        {say(texts.share)}
      </Button>
      <CopyText text={asText(taken)} disabled={empty || running} />
    </>
  );
}

function CopyText({ text, disabled }: { readonly text: string; readonly disabled: boolean }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard?.writeText(text).then(
      () => setCopied(true),
      () => undefined,
    );
    setTimeout(() => setCopied(false), 2000);
  };
  return (
    <>
      <Button data-testid="copy-text" disabled={disabled} onClick={() => void copy()}>
        {say(copied ? common.copied : texts.copyText)}
      </Button>
      {!disabled && (
        <pre class="device-text" data-testid="text">
          {text}
        </pre>
      )}
    </>
  );
}
