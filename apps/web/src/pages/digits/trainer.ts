/** What the digits page calls in its worker. */
import type { ImageDataLike } from '@ag/datasets';
import { type Checkpoint, decodeCheckpoint } from '@ag/train';
import { TrainerHost } from '../../service/worker/trainerHost.ts';
import { configFrom, type DigitsConfig } from './config.ts';
import { type DigitFiles, type NamedBytes, readDigitFiles } from './files.ts';
import { Session } from './session.ts';
import type { Learned, Reading, Snapshot } from './snapshot.ts';

/** One configuration at a time; the calls are served one after the other. */
export class Trainer extends TrainerHost<Snapshot, Session> {
  #files: DigitFiles | null = null;

  /** Begins anew. @throws Error for a configuration that cannot be */
  configure(config: DigitsConfig, number: number): Promise<void> {
    return this.inTurn(() => this.#begin(config, number));
  }

  /**
   * Goes on from a saved run; answers with its configuration.
   * @throws Error when the file is none of this page
   */
  restore(bytes: Uint8Array, name: string, number: number): Promise<DigitsConfig> {
    return this.inTurn(async () => {
      const checkpoint = decodeCheckpoint(bytes, name);
      if (typeof checkpoint.config !== 'object' || checkpoint.config === null) {
        throw new Error(`${name}: is a checkpoint, but not one of this page`);
      }
      const config = configFrom(new URLSearchParams(checkpoint.config as Record<string, string>));
      await this.#begin(config, number, checkpoint);
      return config;
    });
  }

  #begin(config: DigitsConfig, number: number, resume?: Checkpoint): Promise<void> {
    return this.open(async (send) => {
      const session = new Session(config, number, this.#files, send, resume);
      await session.begin();
      return session;
    });
  }

  /** Takes the reader's files. @throws Error when they are not what they should be */
  files(files: readonly NamedBytes[]): Promise<{ train: number; test: number }> {
    return this.inTurn(async () => {
      this.#files = await readDigitFiles(files);
      return { train: this.#files.train.length, test: this.#files.test.length };
    });
  }

  play(epochs: number): Promise<void> {
    return this.ask((session) => session.play(epochs));
  }

  save(): Promise<Uint8Array | undefined> {
    return this.ask((session) => session.save());
  }

  weights(): Promise<Uint8Array | undefined> {
    return this.ask((session) => session.weights());
  }

  read(drawing: ImageDataLike, channel: number): Promise<Reading | undefined> {
    return this.ask((session) => session.read(drawing, channel));
  }

  learn(drawing: ImageDataLike, digit: number): Promise<Learned | undefined> {
    return this.ask((session) => session.learn(drawing, digit));
  }
}
