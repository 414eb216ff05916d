/**
 * The page's side of a trainer in a worker.
 *
 * One configuration after the other, snapshots of the present one, and a place for whatever goes wrong. The other side
 * is `TrainerHost` in `worker/trainerHost.ts`.
 */
import { proxy, type Remote } from 'comlink';
import { useEffect, useRef, useState } from 'preact/hooks';
import { messageOf } from '../messageOf.ts';
import type { BackendName, Computing } from '../worker/computing.ts';
import { useComputing } from './useComputing.ts';
import { useService } from './useService.ts';

/** What a trainer in a worker offers, beside what is the page's own. */
export interface TrainerService<Config, Snapshot> {
  computing(asked: BackendName, onChange?: (computing: Computing) => unknown): Promise<Computing>;
  /** Where snapshots go; the promise holds the next one back. */
  listen(send: (snapshot: Snapshot) => unknown): void;
  /** Begins anew; snapshots carry `number` as their session. */
  configure(config: Config, number: number): Promise<void>;
  /** Goes on with another learning rate. */
  setLearningRate(learningRate: number): Promise<void>;
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
  /** Whether a snapshot belongs to the present configuration. */
  isCurrent(snapshot: { readonly session: number } | null): boolean;
  /**
   * Has the worker begin by other means than `configure`, such as with a saved run. Answers with the configuration of
   * what has begun, which the page then makes its own; with null when that failed: the page begins anew with what it
   * had, and the message stays.
   */
  adopt(begin: (number: number) => Promise<Config>): Promise<Config | null>;
}

/** What a run goes on with when it is changed, and how its worker is told. */
export interface Changeable<Config, Service> {
  readonly keys: readonly (keyof Config)[];
  readonly tell: (remote: Remote<Service>, config: Config, number: number) => Promise<unknown>;
}

/**
 * @param create makes the worker; called once
 * @param config what to train; another content begins anew, but for what is `changeable`, with which the run goes on.
 * Null begins nothing
 * @param show called with each snapshot of the present configuration; the next one waits for its promise
 * @param begun called when a configuration was accepted
 * @param changeable default: the learning rate
 */
export function useTrainer<
  Config extends { readonly learningRate: number },
  Snapshot extends { readonly session: number },
  Service extends TrainerService<Config, Snapshot>,
>(
  create: () => Worker,
  config: Config | null,
  show: (snapshot: Snapshot) => Promise<void>,
  begun: () => void = () => undefined,
  changeable?: Changeable<Config, Service>,
): Trainer<Config, Service> {
  const { remote, failure } = useService<Service>(create);
  const service = remote as unknown as Remote<TrainerService<Config, Snapshot>>;
  const [problem, setProblem] = useState<string | null>(null);
  const [round, setRound] = useState(0);
  const keys: readonly (keyof Config)[] = changeable?.keys ?? ['learningRate'];
  const without = Object.fromEntries(keys.map((name) => [name, null]));
  const keyOf = (of: Config | null): string => `${round} ${JSON.stringify(of && { ...of, ...without })}`;
  /** What can be changed as it goes on, as one text. */
  const changesOf = (of: Config | null): string => JSON.stringify(of && keys.map((name) => of[name]));
  const key = keyOf(config);
  const changes = changesOf(config);
  /** What the worker was last asked to begin. */
  const session = useRef({ number: 0, key: '', changes: '' });
  const warned = useRef(false);
  const latest = useRef(show);
  const computing = useComputing(remote, service.computing, setProblem);
  latest.current = show;

  useEffect(() => {
    void service.listen(
      proxy(async (snapshot: Snapshot) => {
        if (snapshot.session === session.current.number) await latest.current(snapshot);
      }),
    );
  }, [remote]);

  useEffect(() => {
    // What was taken up has begun already.
    if (session.current.key === key) {
      if (config === null || session.current.changes === changes) return;
      session.current.changes = changes;
      const { number } = session.current;
      const told = changeable
        ? changeable.tell(remote, config, number)
        : service.setLearningRate(config.learningRate);
      told.then(
        () => {
          // What was wrong with the data before is so no longer.
          if (changeable && number === session.current.number) setProblem(null);
        },
        (error: unknown) => setProblem(messageOf(error)),
      );
      return;
    }
    const mine = session.current.number + 1;
    session.current = { number: mine, key, changes };
    // What went wrong with a file is still to be read when the page begins anew because of it.
    if (!warned.current) setProblem(null);
    warned.current = false;
    if (config === null) return;
    service.configure(config as never, mine).then(begun, (error: unknown) => {
      if (mine === session.current.number) setProblem(messageOf(error));
    });
  }, [remote, key, changes]);

  return {
    remote,
    computing,
    problem: problem ?? failure,
    setProblem,
    ask: (call) => {
      call.catch((error: unknown) => setProblem(messageOf(error)));
    },
    restart: () => setRound(round + 1),
    isCurrent: (snapshot) => session.current.key === key && snapshot?.session === session.current.number,
    async adopt(begin) {
      const number = session.current.number + 1;
      // Snapshots of the run may come before its configuration does.
      session.current = { number, key: '', changes: '' };
      try {
        setProblem(null);
        const found = await begin(number);
        session.current = { number, key: keyOf(found), changes: changesOf(found) };
        return found;
      } catch (error) {
        warned.current = true;
        setProblem(messageOf(error));
        setRound(round + 1);
        return null;
      }
    },
  };
}
