/** What the playground's page calls in its worker. */
import { TrainerHost } from '../../service/worker/trainerHost.ts';
import type { PaintedPoint, PlaygroundConfig } from './config.ts';
import { pointsFromText } from './data.ts';
import { Session } from './session.ts';
import type { Parameter, Snapshot } from './snapshot.ts';

/** One configuration at a time; the calls are served one after the other. */
export class Trainer extends TrainerHost<Snapshot, Session> {
  /** Milliseconds between steps, also of sessions to come. */
  #delay = 0;

  /** Begins anew. @throws Error for a configuration that cannot be */
  configure(config: PlaygroundConfig, number: number): Promise<void> {
    return this.inTurn(() => this.begin(config, number));
  }

  private begin(config: PlaygroundConfig, number: number): Promise<void> {
    return this.open(async (send) => {
      const session = await Session.create(config, number, send);
      session.setDelay(this.#delay);
      await session.begin();
      return session;
    });
  }

  /**
   * Goes on with another configuration where only data, rate, batches or penalties differ; else begins anew.
   *
   * @throws Error for a configuration that cannot be
   */
  change(config: PlaygroundConfig, number: number): Promise<void> {
    return this.inTurn(async () => {
      const session = this.session;
      if (session?.canBecome(config)) await session.safely(() => session.become(config));
      else await this.begin(config, number);
    });
  }

  /** Gives a weight or a bias another value. */
  setParameter(parameter: Parameter, value: number): Promise<void> {
    return this.ask((session) => session.setParameter(parameter, value));
  }

  play(): Promise<void> {
    return this.ask((session) => session.play());
  }

  step(): Promise<void> {
    return this.ask((session) => session.step());
  }

  rewind(step: number): Promise<void> {
    return this.ask((session) => session.rewind(step));
  }

  /** Waits so many milliseconds after each step. */
  setDelay(milliseconds: number): Promise<void> {
    this.#delay = milliseconds;
    return this.ask((session) => session.setDelay(milliseconds));
  }

  /** Chooses the point of the plane for which all values are shown. */
  probe(x: number, y: number): Promise<void> {
    return this.ask((session) => session.probe(x, y));
  }

  safetensors(): Promise<Uint8Array | undefined> {
    return this.ask((session) => session.safetensors());
  }

  json(): Promise<string | undefined> {
    return this.ask((session) => session.json());
  }

  parsePoints(
    text: string,
    regression: boolean,
    line: boolean,
  ): Promise<{ points: PaintedPoint[]; classes: string[] }> {
    return pointsFromText(text, regression, line);
  }
}
