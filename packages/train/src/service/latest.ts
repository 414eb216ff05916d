/**
 * Requests of which only the newest counts: a pointer that moves, a camera, a slider. One is under way; of those that come
 * meanwhile the last waits, and the others are dropped.
 */

interface Waiting<Input, Answer> {
  readonly input: Input;
  readonly resolve: (answer: Answer | null) => void;
  readonly reject: (error: unknown) => void;
}

export class Latest<Input, Answer> {
  readonly #ask: (input: Input) => Promise<Answer | null>;
  #waiting: Waiting<Input, Answer> | null = null;
  #busy = false;

  /** @param ask answers one request; null where the answer is not wanted any more */
  constructor(ask: (input: Input) => Promise<Answer | null>) {
    this.#ask = ask;
  }

  /** The answer; null when a newer request has taken the place of this one. */
  ask(input: Input): Promise<Answer | null> {
    this.drop();
    const answer = new Promise<Answer | null>((resolve, reject) => {
      this.#waiting = { input, resolve, reject };
    });
    void this.#work();
    return answer;
  }

  /** Answers what waits with null. */
  drop(): void {
    this.#waiting?.resolve(null);
    this.#waiting = null;
  }

  async #work(): Promise<void> {
    if (this.#busy) return;
    while (this.#waiting) {
      const { input, resolve, reject } = this.#waiting;
      this.#waiting = null;
      this.#busy = true;
      const settle = await this.#ask(input).then(
        (answer) => () => resolve(answer),
        (error: unknown) => () => reject(error),
      );
      // Before whoever waited asks again.
      this.#busy = false;
      settle();
    }
  }
}
