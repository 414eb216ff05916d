/** The state of the viewer: the open file, what is chosen in it, and what was computed. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { messageOf } from '../../service/messageOf.ts';
import { pageWorker } from '../../service/page/pageWorker.ts';
import { useComputing } from '../../service/page/useComputing.ts';
import { useService } from '../../service/page/useService.ts';
import { useInspection } from '../../shell/inspection.ts';
import { numberParameter, oneOf, parameter, setParameters } from '../../shell/route.ts';
import { isNarrow } from '../../shell/screen.ts';
import { theme } from '../../shell/theme.ts';
import { exampleName, type Feed } from './feed.ts';
import type { Difference, FileSummary, TensorView } from './inspection.ts';
import type { ShownValue, ViewerService } from './worker.ts';

export const feedKinds = ['random', 'zeros', 'ones', 'ramp', 'numbers', 'image'] as const;

type Drawn = Awaited<ReturnType<ViewerService['draw']>>;
type Gradients = Awaited<ReturnType<ViewerService['differentiate']>>;

/** Numbers in a text, whatever stands between them. */
export function numbersIn(text: string): number[] {
  return text
    .split(/[\s,;[\]]+/)
    .filter((part) => part !== '')
    .map(Number)
    .filter(Number.isFinite);
}

export function useViewer() {
  const { remote, failure } = useService<ViewerService>(() => pageWorker('viewer'));
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const [file, setFile] = useState<FileSummary | null>(null);
  const [drawn, setDrawn] = useState<Drawn>(null);
  const [view, setView] = useState<TensorView | null>(null);
  const [value, setValue] = useState<(ShownValue & { readonly of: string }) | null>(null);
  const [gradients, setGradients] = useState<(Gradients & { readonly what: string }) | null>(null);
  const [difference, setDifference] = useState<(Difference & { readonly name: string }) | null>(null);
  const blob = useRef<Blob | null>(null);
  const opening = useRef(0);
  const computing = useComputing(remote, remote.computing as never, setProblem, 'wasm');

  const feed: Feed = {
    kind: oneOf(feedKinds, 'feed', 'random'),
    seed: Math.abs(Math.trunc(numberParameter('seed', 0))) % 2 ** 31,
    numbers: numbersIn(parameter('numbers', '')),
    shapes: Object.fromEntries(
      (file?.network?.inputs ?? []).flatMap(({ name }) => {
        const sizes = numbersIn(parameter(`shape.${name}`, ''));
        const valid = sizes.length > 0 && sizes.every((size) => Number.isInteger(size) && size > 0);
        return valid && sizes.reduce((all, size) => all * size, 1) <= 2 ** 24 ? [[name, sizes] as const] : [];
      }),
    ),
  };
  const opened = parameter('open', '');
  const open = opened === '' ? [] : [...new Set(opened.split(','))].slice(0, 200);
  const chosen = parameter('node', '');
  const nodes = file?.network?.nodes ?? [];
  const node = nodes.findIndex((each) => each.outputs[0] === chosen);
  const shapes = JSON.stringify(feed.shapes);

  const work = async <T>(what: Promise<T>): Promise<T | null> => {
    setBusy(true);
    try {
      const answer = await what;
      setProblem(null);
      return answer;
    } catch (error) {
      setProblem(messageOf(error));
      return null;
    } finally {
      setBusy(false);
    }
  };
  const openFile = async (given: File | null): Promise<void> => {
    const mine = ++opening.current;
    const next = await work(remote.open(given, given?.name ?? exampleName));
    if (!next || mine !== opening.current) return;
    blob.current = given ?? (await remote.source());
    setView(null);
    setValue(null);
    setGradients(null);
    setDifference(null);
    setFile(next);
  };
  useEffect(() => void openFile(null), [remote]);
  useEffect(() => {
    if (!file?.network) {
      setDrawn(null);
      return;
    }
    let wanted = true;
    const options = {
      expand: open,
      highlight: node < 0 ? [] : [String(node)],
      theme: theme.value,
      id: 'model',
      orientation: isNarrow() ? 'vertical' : 'horizontal',
      background: false,
    } as const;
    remote.draw(feed.shapes, options).then(
      (next) => wanted && setDrawn(next),
      (error: unknown) => wanted && setProblem(messageOf(error)),
    );
    return () => {
      wanted = false;
    };
  }, [file, opened, chosen, shapes, theme.value]);

  const show = (paths: readonly string[]) =>
    setParameters({ open: paths.length > 0 ? paths.join(',') : null });
  useInspection(() => ({
    page: 'viewer',
    busy,
    problem: problem ?? failure,
    file,
    modules: drawn?.modules ?? [],
    flops: drawn?.flops ?? null,
    node: chosen,
    value: value && { of: value.of, shape: value.shape, numbers: value.numbers },
    gradients: gradients && {
      of: gradients.of,
      rows: gradients.rows.map(({ name, norm, shape }) => ({ name, norm, shape })),
    },
    view: view && { name: view.name, statistics: view.statistics, histogram: view.histogram },
    difference,
  }));
  return {
    file,
    blob,
    drawn,
    open,
    node,
    feed,
    view,
    value,
    gradients,
    difference,
    busy,
    computing,
    problem: problem ?? failure,
    openFile: (given: File) => void openFile(given),
    enter: (path: string) => show([...open, path]),
    leave: (path: string) => show(open.filter((each) => each !== path && !each.startsWith(`${path}.`))),
    choose: (output: string) => setParameters({ node: output }),
    inspect: async (name: string) => {
      const found = await work(remote.view(name, theme.peek()));
      if (found) setView(found);
    },
    compare: async (other: File) => {
      const found = await work(remote.compare(other, other.name));
      if (found) setDifference({ ...found, name: other.name });
    },
    useImage: async (image: File) => {
      await work(remote.useImage(image));
      setParameters({ feed: 'image' });
    },
    run: async () => {
      if (node < 0) return;
      const of = nodes[node].outputs[0];
      const found = await work(remote.run(of, feed, theme.peek()));
      if (found) setValue({ ...found, of });
    },
    differentiate: async (element: number | null) => {
      if (node < 0) return;
      const of = nodes[node].outputs[0];
      const found = await work(remote.differentiate(of, element, feed, theme.peek()));
      if (found) setGradients({ ...found, what: element === null ? `sum(${of})` : `${of}[${element}]` });
    },
  };
}

export type ViewerState = ReturnType<typeof useViewer>;
