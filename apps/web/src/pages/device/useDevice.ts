/** The state of the page about this device: what is examined, what was found, what a link brought. */
import { proxy } from 'comlink';
import { useEffect, useRef, useState } from 'preact/hooks';
import { messageOf } from '../../service/messageOf.ts';
import { pageWorker } from '../../service/page/pageWorker.ts';
import { useService } from '../../service/page/useService.ts';
import { useInspection } from '../../shell/inspection.ts';
import { parameter, route, setParameters } from '../../shell/route.ts';
import type { Failure, Finding } from './examine.ts';
import { type BackendId, backendIds, type Findings, type Found, pack, unpack } from './findings.ts';
import type { DeviceService } from './worker.ts';

/** How a backend stands. */
export interface Examined {
  readonly finding: Finding | null;
  /** Why there is none here, or null. */
  readonly absent: string | null;
  readonly detail: string;
  readonly state: 'waiting' | 'running' | 'done';
}

const nothing: Examined = { finding: null, absent: null, detail: '', state: 'waiting' };

/** What the browser calls itself, without what all of them say. */
function browserName(): string {
  const { userAgentData } = navigator as {
    userAgentData?: { brands?: { brand: string; version: string }[]; platform?: string };
  };
  const brand = userAgentData?.brands?.find((each) => !/not.?a.?brand/i.test(each.brand));
  if (brand) return `${brand.brand} ${brand.version}, ${userAgentData?.platform ?? ''}`;
  return navigator.userAgent.replace(/^Mozilla\/5\.0 /, '');
}

export function useDevice() {
  const { remote, failure } = useService<DeviceService>(() => pageWorker('device'));
  const [examined, setExamined] = useState<Readonly<Partial<Record<BackendId, Examined>>>>({});
  const [running, setRunning] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const going = useRef(false);
  useEffect(
    () => () => {
      going.current = false;
    },
    [],
  );

  const named = parameter('backends', backendIds.join(',')).split(',');
  const chosen = backendIds.filter((id) => named.includes(id));
  const choice = {
    derivatives: parameter('derivatives', 'false') === 'true',
    only: parameter('only', '')
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== ''),
  };
  const packed = route.value.parameters.get('findings');
  const shared = packed === null ? null : unpack(packed);

  const change = (id: BackendId, to: Partial<Examined>) =>
    setExamined((before) => ({ ...before, [id]: { ...nothing, ...before[id], ...to } }));

  const start = async () => {
    if (going.current) return;
    going.current = true;
    setRunning(true);
    setProblem(null);
    setParameters({ findings: null });
    setExamined(Object.fromEntries(chosen.map((id) => [id, nothing])));
    try {
      for (const id of chosen) {
        if (!going.current) break;
        change(id, { state: 'running' });
        const tell = proxy((finding: Finding) => change(id, { finding }));
        const answer = await remote.examine(id, choice, tell);
        change(id, { ...answer, state: 'done' });
      }
    } catch (error) {
      setProblem(messageOf(error));
    }
    going.current = false;
    setRunning(false);
  };
  const stop = () => {
    going.current = false;
    void remote.stop();
  };

  // Of findings that travel nobody sees what was asked for.
  const limits =
    (choice.only.length > 0 ? `, only ${choice.only.join(' ')}` : '') +
    (choice.derivatives ? '' : ', without derivatives');
  const own: Findings = {
    browser: browserName(),
    cores: navigator.hardwareConcurrency,
    backends: chosen.flatMap((id): Found[] => {
      const { finding, detail, state } = examined[id] ?? nothing;
      if (!finding || state !== 'done') return [];
      const { groups, failures, speeds, done, all } = finding;
      return [{ id, detail: detail + limits, groups, failures, speeds, complete: done === all }];
    }),
  };
  const failures: readonly (Failure & { readonly id: BackendId })[] = chosen.flatMap((id) =>
    (examined[id]?.finding?.failures ?? []).map((each) => ({ ...each, id })),
  );
  useInspection(() => ({
    page: 'device',
    chosen,
    choice,
    running,
    examined,
    shared,
    failures: failures.map(({ id, operation, group }) => ({ id, operation, group })),
    problem: problem ?? failure,
  }));
  return {
    chosen,
    choice,
    examined,
    running,
    start,
    stop,
    own,
    failures,
    shared,
    /** Whether the link holds findings that cannot be read. */
    unreadable: packed !== null && shared === null,
    problem: problem ?? failure,
    /** Puts the findings into the address. */
    share: () => setParameters({ findings: pack(own) }),
  };
}

export type DeviceState = ReturnType<typeof useDevice>;
