/**
 * Sends what a program shows to the page: at once, but never more than the page can take.
 *
 * A loop that prints for ever must not fill the page's memory, and one that prints a line and then never ends must
 * still have printed it. So a few messages go out as they come, and what comes faster is collected, the oldest dropped.
 */
import type { Content, Item, Message } from '../items.ts';

/** Messages that go out at once in a span of `span` milliseconds. */
const atOnce = 60;
const span = 250;
/** Items kept of what is collected. */
const mostCollected = 400;

export class Reporter {
  readonly #post: (message: Message) => void;
  #queue: Promise<void> | null = null;
  #collected: Item[] = [];
  #dropped = 0;
  #began = 0;
  #sent = 0;

  constructor(post: (message: Message) => void) {
    this.#post = post;
  }

  /** Shows something under a line; what waits for numbers holds back what comes after it. */
  show(line: number, content: Content | Promise<Content>): void {
    if (this.#queue === null && !(content instanceof Promise)) {
      this.#put({ line, content });
      return;
    }
    const before = this.#queue ?? Promise.resolve();
    const mine: Promise<void> = before
      .then(async () => this.#put({ line, content: await content }))
      .then(() => {
        if (this.#queue === mine) this.#queue = null;
      });
    this.#queue = mine;
  }

  /** Sends everything that was shown. */
  async finish(): Promise<void> {
    while (this.#queue !== null) await this.#queue;
    this.#flush();
  }

  #put(item: Item): void {
    const now = performance.now();
    if (now - this.#began > span) {
      this.#began = now;
      this.#sent = 0;
      this.#flush();
    }
    if (this.#sent < atOnce) {
      this.#sent++;
      this.#post({ type: 'items', items: [item], dropped: 0 });
      return;
    }
    if (this.#collected.length === 0) setTimeout(() => this.#flush(), span);
    this.#collected.push(item);
    if (this.#collected.length > 2 * mostCollected) {
      this.#dropped += this.#collected.length - mostCollected;
      this.#collected = this.#collected.slice(-mostCollected);
    }
  }

  #flush(): void {
    if (this.#collected.length === 0) return;
    this.#post({ type: 'items', items: this.#collected, dropped: this.#dropped });
    this.#collected = [];
    this.#dropped = 0;
  }
}
