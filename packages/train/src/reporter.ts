/** Hands the events of a run to its callbacks and to the caller of `fit`, in one order for both. */
import type { Callback, CallbackContext } from './callbacks/callback.ts';
import type { Checkpoint } from './checkpoint.ts';
import { now } from './clock.ts';
import { type EndReason, type EventBody, eventVersion, type TrainingEvent } from './events.ts';
import type { AnyFitOptions } from './options.ts';

/** The events of one run. */
export class Reporter {
  /** Those that want to be last come last. */
  readonly callbacks: readonly Callback[];
  readonly #average: AnyFitOptions['average'];
  readonly #context: CallbackContext;
  readonly #began = now();
  readonly #queue: TrainingEvent[] = [];
  #stopped: EndReason | null = null;

  /** @param checkpoint takes a checkpoint of the run, for callbacks */
  constructor(
    { callbacks: given = [], model, optimizer, average, world }: AnyFitOptions,
    checkpoint: () => Promise<Checkpoint>,
  ) {
    const callbacks = given.filter((one) => one.ranks !== 'first' || (world?.rank ?? 0) === 0);
    this.callbacks = [...callbacks.filter((one) => !one.last), ...callbacks.filter((one) => one.last)];
    this.#average = average;
    this.#context = {
      model,
      optimizer,
      stop: (reason = 'stopped') => {
        this.#stopped ??= reason;
      },
      emit: (event) => this.#queue.push(this.#complete(event)),
      checkpoint,
    };
  }

  /** Why a callback stopped the run, if one did. */
  get stopped(): EndReason | null {
    return this.#stopped;
  }

  /** Lets the callbacks hear an event, then hands it (unless told otherwise) and what they reported to the caller. */
  async *report(body: EventBody, toCaller = true): AsyncGenerator<TrainingEvent, void, undefined> {
    const first = this.#complete(body);
    this.#queue.push(first);
    while (this.#queue.length > 0) {
      const event = this.#queue.shift()!;
      for (const callback of this.callbacks) await callback.on(event, this.#context);
      // Nothing comes after the end, so what callbacks report then comes before it.
      if (event.type === 'end') {
        // Checkpoints hold weights and averages; the model is left with what was validated.
        if (event.reason !== 'aborted') this.#average?.apply();
        for (const callback of this.callbacks) await callback.finish?.(event, this.#context);
        yield* this.#queue.splice(0);
      }
      if (toCaller || event !== first) yield event;
    }
  }

  #complete(body: EventBody): TrainingEvent {
    return { v: eventVersion, ...body, seconds: (now() - this.#began) / 1000 } as TrainingEvent;
  }
}
