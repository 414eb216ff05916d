/** The state of the page of house prices: the address, the file, the view, and the fit. */
import { useEffect, useState } from 'preact/hooks';
import { clampInteger } from '../../components/numbers.ts';
import { messageOf } from '../../service/messageOf.ts';
import { pageWorker } from '../../service/page/pageWorker.ts';
import { useLive } from '../../service/page/useLive.ts';
import { useInspection } from '../../shell/inspection.ts';
import { numberParameter, oneOf } from '../../shell/route.ts';
import type { HousesRequest, HousesUpdate } from './houses.ts';
import { optimizerTitles } from './texts.ts';

const createWorker = () => pageWorker('houses');

/** From where the surface is seen, in degrees. */
export interface View {
  readonly azimuth: number;
  readonly elevation: number;
}

export function useHouses() {
  const [file, setFile] = useState<HousesRequest['file']>(null);
  const [unreadable, setUnreadable] = useState<string | null>(null);
  const request: HousesRequest = {
    file,
    hidden: clampInteger(numberParameter('hidden', 10), 1, 100),
    optimizer: oneOf(Object.keys(optimizerTitles) as HousesRequest['optimizer'][], 'optimizer', 'sgd'),
    learningRate: Math.max(1e-7, numberParameter('rate', 0.01)),
    seed: clampInteger(numberParameter('seed', 2), 0, 1e6),
    test: Math.max(0, Math.min(0.8, numberParameter('test', 0.2))),
    epochs: clampInteger(numberParameter('epochs', 3000), 1, 20000),
  };
  const live = useLive<HousesRequest, HousesUpdate>(createWorker, request, true);
  const kept: View = {
    azimuth: numberParameter('azimuth', 215),
    elevation: numberParameter('elevation', 25),
  };
  const [view, setView] = useState(kept);
  // Back, too, turns the picture.
  useEffect(() => setView(kept), [kept.azimuth, kept.elevation]);
  const problem = unreadable ?? live.problem;

  useInspection(() => ({
    page: 'houses',
    ...request,
    file: file?.name ?? null,
    ...live.update,
    ...view,
    running: live.run.running,
    computing: live.computing,
    problem,
  }));

  return {
    request,
    ...live,
    problem,
    /** Whether the worker has failed, not only a file. */
    broken: live.problem !== null,
    view,
    setView,
    async loadFile(list: FileList | null | undefined): Promise<void> {
      const first = list?.[0];
      if (!first) return;
      const { name } = first;
      try {
        const { decodeText } = await import('@ag/datasets');
        setFile({ name, text: await decodeText(new Uint8Array(await first.arrayBuffer()), { file: name }) });
        setUnreadable(null);
      } catch (error) {
        setUnreadable(messageOf(error));
      }
    },
    forgetFile(): void {
      setFile(null);
      setUnreadable(null);
    },
  };
}

export type HousesState = ReturnType<typeof useHouses>;
