/**
 * What the pages around a trainer share: its worker, one configuration after the other, pictures of the present one,
 * and a place for whatever goes wrong.
 */
import { proxy, type Remote } from 'comlink';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Computing } from '../worker/computing.ts';
import { messageOf, useService } from './useService.ts';

/** What a trainer in a worker offers, beside what is the page's own. */
export interface TrainerService<Config, Picture> {
  computing(): Promise<Computing>;
  /** Where pictures go; the promise holds the next one back. */
  listen(send: (picture: Picture) => unknown): void;
  /** Begins anew; pictures carry `number` as their session. */
  configure(config: Config, number: number): Promise<void>;
  /** Goes on with another learning rate. */
  adjust(learningRate: number): Promise<void>;
}

/** A page's way to its trainer. */
export interface Trainer<Config, Service> {
  readonly remote: Remote<Service>;
  readonly computing: Computing | null;
  /** What went wrong, or null. */
  readonly problem: string | null;
  setProblem(message: string | null): void;
  /** Calls, and shows what goes wrong. */
  ask(call: Promise<unknown>): void;
  /** Begins anew with the same configuration. */
  restart(): void;
  /** Whether a picture belongs to the present configuration. */
  isCurrent(picture: { readonly session: number } | null): boolean;
  /**
   * Has the worker begin by other means than `configure`, such as with a saved run. Answers with the configuration of
   * what has begun, which the page then makes its own; with null when that failed: the page begins anew with what it
   * had, and the message stays.
   */
  take(begin: (number: number) => Promise<Config>): Promise<Config | null>;
}

/**
 * @param create makes the worker; called once
 * @param config what to train; another content begins anew, but for the learning rate, with which the run goes on. Null
 * begins nothing
 * @param show called with each picture of the present configuration; the next one waits for its promise
 * @param begun called when a configuration was accepted
 */
export function useTrainer<
  Config extends { readonly learningRate: number },
  Picture extends { readonly session: number },
  Service extends TrainerService<Config, Picture>,
>(
  create: () => Worker,
  config: Config | null,
  show: (picture: Picture) => Promise<void>,
  begun: () => void = () => undefined,
): Trainer<Config, Service> {
  const { remote, failure } = useService<Service>(create);
  const service = remote as unknown as Remote<TrainerService<Config, Picture>>;
  const [problem, setProblem] = useState<string | null>(null);
  const [computing, setComputing] = useState<Computing | null>(null);
  const [round, setRound] = useState(0);
  const keyOf = (of: Config | null): string =>
    `${round} ${JSON.stringify(of && { ...of, learningRate: null })}`;
  const key = keyOf(config);
  /** What the worker was last asked to begin. */
  const session = useRef<{ number: number; key: string; rate?: number }>({ number: 0, key: '' });
  const told = useRef(false);
  const latest = useRef(show);
  latest.current = show;

  useEffect(() => {
    void service.listen(
      proxy(async (picture: Picture) => {
        if (picture.session === session.current.number) await latest.current(picture);
      }),
    );
    service.computing().then(setComputing, (error: unknown) => setProblem(messageOf(error)));
  }, [remote]);

  useEffect(() => {
    const rate = config?.learningRate;
    // What was taken up has begun already.
    if (session.current.key === key) {
      if (rate === undefined || session.current.rate === rate) return;
      session.current.rate = rate;
      service.adjust(rate).catch((error: unknown) => setProblem(messageOf(error)));
      return;
    }
    const mine = session.current.number + 1;
    session.current = { number: mine, key, rate };
    // What went wrong with a file is still to be read when the page begins anew because of it.
    if (!told.current) setProblem(null);
    told.current = false;
    if (config === null) return;
    service.configure(config as never, mine).then(begun, (error: unknown) => {
      if (mine === session.current.number) setProblem(messageOf(error));
    });
  }, [remote, key, config?.learningRate]);

  return {
    remote,
    computing,
    problem: problem ?? failure,
    setProblem,
    ask: (call) => {
      call.catch((error: unknown) => setProblem(messageOf(error)));
    },
    restart: () => setRound(round + 1),
    isCurrent: (picture) => session.current.key === key && picture?.session === session.current.number,
    async take(begin) {
      const number = session.current.number + 1;
      // Pictures of the run may come before its configuration does.
      session.current = { number, key: '' };
      try {
        setProblem(null);
        const found = await begin(number);
        session.current = { number, key: keyOf(found), rate: found.learningRate };
        return found;
      } catch (error) {
        told.current = true;
        setProblem(messageOf(error));
        setRound(round + 1);
        return null;
      }
    },
  };
}
