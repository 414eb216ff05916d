/**
 * The worker's side of a page that watches something go on.
 *
 * The page opens a session, then asks for more, again and again. Not asking is a pause; nothing runs that nobody looks
 * at.
 */
import { expose } from 'comlink';
import { type BackendName, type Computing, isLost, leaveDevice, startComputing } from './computing.ts';
import { queue } from './queue.ts';

/** Something that goes on when it is asked to. */
export interface Session<Update> {
  /** Works for at most `milliseconds`, or one step, and tells how things stand. */
  advance(milliseconds: number): Promise<Update>;
  /** Goes on with another learning rate. */
  setLearningRate(learningRate: number): void;
  /** Goes on by WebAssembly after the device was lost. @throws the error, where it is another */
  recover?(error: unknown): Promise<void>;
}

/** What a page reaches through comlink. */
export interface LiveService<Request, Update> {
  /** Begins anew; the session before is forgotten. */
  open(request: Request): Promise<Update>;
  /** Goes on with another learning rate. */
  setLearningRate(learningRate: number): Promise<void>;
  advance(): Promise<Update>;
  /** Chooses what computes, before anything else is asked; `onChange` hears when something else has to go on. */
  computing(asked?: BackendName, onChange?: (computing: Computing) => unknown): Promise<Computing>;
}

/** Milliseconds that one turn of work may take; what the page shows is as old as that at most. */
const turn = 100;

/** Answers a page's questions one after the other. */
export function serve<Request, Update>(open: (request: Request) => Promise<Session<Update>>): void {
  let session: Session<Update> | null = null;
  const inTurn = queue();
  const begin = async (request: Request): Promise<Update> => {
    session = null;
    session = await open(request);
    return session.advance(0);
  };
  const service: LiveService<Request, Update> = {
    open: (request) =>
      inTurn(async () => {
        await startComputing();
        try {
          return await begin(request);
        } catch (error) {
          if (!isLost(error)) throw error;
          await leaveDevice(error, []);
          return begin(request);
        }
      }),
    setLearningRate: (learningRate) => inTurn(async () => session?.setLearningRate(learningRate)),
    advance: () =>
      inTurn(async () => {
        if (!session) throw new Error('advance: no session is open');
        try {
          return await session.advance(turn);
        } catch (error) {
          if (!session.recover) throw error;
          await session.recover(error);
          return session.advance(0);
        }
      }),
    computing: startComputing,
  };
  expose(service);
}
