/**
 * Makes the receipt of a run while it goes on: a callback that takes hashes of the weights now and then. They are read when a step has
 * been taken and hashed while the next one is computed.
 */
import type { AnyModule } from '@ag/nn';
import { backend, randomState } from '@ag/tensor';
import { checkOptions, observeRuns, toText } from '@ag/tensor/engine';
import type { Callback, CallbackContext } from '../callbacks/callback.ts';
import { TrainingError } from '../errors.ts';
import type { EndEvent, StartEvent, TrainingEvent } from '../events.ts';
import { writeAtomically } from '../files.ts';
import { type ContentHash, hashData, hashTensors } from './contents.ts';
import { merkleRoot, sha256OfText } from './hash.ts';
import { type Receipt, receiptVersion } from './receipt.ts';

/** To hash a small network costs about as much as two steps of it: at every 256th step that is a hundredth of the work. */
const leastSteps = 256;
/** Hashes of a run, at most. */
const mostHashes = 256;

/** Plans that are noted, at most. */
const mostPlans = 64;

/** What a receipt is to say beside what a run tells by itself. */
export interface ReceiptContent {
  /** The data sets that decide the weights, by name: `{ train: dataset, validation: other }`. Those in memory are hashed. */
  readonly data?: Readonly<Record<string, unknown>>;
  /** What the run is made from, so that others can make it: anything JSON can hold. */
  readonly recipe?: unknown;
  /** Steps between two hashes of the weights. Default: 256, or as often twice that as makes at most 256 hashes. */
  readonly every?: number;
}

/** Options of {@link saveReceipt}. */
export interface SaveReceiptOptions extends ReceiptContent {
  /** The file, such as `run/receipt.json`. */
  readonly path: string;
}

/**
 * Writes a receipt when a run has ended: what it was made from and which weights came out, as SHA-256. Of a run that is aborted none is
 * written; that of one that goes on from a checkpoint is the same as if it had never stopped.
 *
 * ```ts
 * fit({ …, callbacks: [saveReceipt({ path: 'run/receipt.json', data: { train }, recipe: { seed: 1 } })] });
 * ```
 *
 * @throws TrainingError `option` for a number of steps that is none
 */
export function saveReceipt(options: SaveReceiptOptions): Callback {
  checkOptions('saveReceipt', options, 'path data recipe every');
  const { path, ...content } = options;
  return new Recorder(content, (receipt) => writeAtomically(path, `${JSON.stringify(receipt, null, 2)}\n`));
}

/** What checkpoints keep of a receipt under way. */
interface RecordedState {
  readonly every: number;
  readonly hashes: readonly string[];
  readonly initial: ContentHash;
  readonly random: Receipt['random'];
  readonly plans: readonly string[];
}

/** Hears a run and makes its receipt. */
export class Recorder implements Callback {
  readonly name = 'receipt';
  readonly ranks = 'first';
  readonly last = true;
  readonly #content: ReceiptContent;
  readonly #done: (receipt: Receipt) => void | Promise<void>;
  #every: number;
  #hashes: string[] = [];
  #initial: ContentHash | null = null;
  #random: Receipt['random'] = randomState();
  #plans = new Set<string>();
  #texts: Promise<string>[] = [];
  #pending: Promise<ContentHash> | null = null;
  #unobserve: () => void = () => {};

  /** @param done gets the receipt of a run that was not aborted */
  constructor(content: ReceiptContent, done: (receipt: Receipt) => void | Promise<void>) {
    const { every = 0 } = content;
    if (content.every !== undefined && !(Number.isInteger(every) && every > 0)) {
      throw new TrainingError(`saveReceipt: every must be a whole number from 1, got ${every}`, {
        code: 'option',
      });
    }
    this.#content = content;
    this.#done = done;
    this.#every = every;
  }

  /** The hashes that are known: after `every`, `2 · every` … steps. */
  get hashes(): readonly string[] {
    return this.#hashes;
  }

  async on(event: TrainingEvent, { model }: CallbackContext): Promise<void> {
    if (event.type === 'start') await this.#begin(event, model);
    await this.#settle();
    if (event.type === 'step' && event.step % this.#every === 0)
      this.#pending = hashTensors(model.stateDict());
    if (event.type === 'epoch' || event.type === 'end') this.#unobserve();
  }

  async finish(end: EndEvent, { model }: CallbackContext): Promise<void> {
    this.#unobserve();
    if (end.reason === 'aborted') return;
    await this.#done(await this.#receipt(end, model));
  }

  state(): { readonly data: RecordedState | null } {
    if (this.#initial === null) return { data: null };
    return {
      data: {
        every: this.#every,
        hashes: [...this.#hashes],
        initial: this.#initial,
        random: this.#random,
        plans: [...this.#plans],
      },
    };
  }

  loadState({ data }: { readonly data?: unknown }): void {
    const state = data as RecordedState | null;
    if (!state) return;
    this.#every = state.every;
    this.#hashes = [...state.hashes];
    this.#initial = state.initial;
    this.#random = state.random;
    this.#plans = new Set(state.plans);
  }

  async #begin({ epochs, batches, step, epoch }: StartEvent, model: AnyModule): Promise<void> {
    if (epoch === 0) this.#observePlans();
    if (this.#initial === null) {
      if (step > 0) {
        throw new TrainingError(
          'saveReceipt: the checkpoint was taken without a receipt, so the way up to it is unknown; leave saveReceipt out',
          { code: 'option' },
        );
      }
      this.#random = randomState();
      this.#initial = await hashTensors(model.stateDict());
    }
    if (this.#every === 0) this.#every = stepsBetween(epochs * (batches ?? 0));
    // A checkpoint is written before the hash of its own step is ready.
    if (step > 0 && step % this.#every === 0 && this.#hashes.length === step / this.#every - 1)
      this.#pending = hashTensors(model.stateDict());
  }

  async #settle(): Promise<void> {
    for (const hash of await Promise.all(this.#texts.splice(0))) this.#plans.add(hash);
    if (this.#pending === null) return;
    const { hash } = await this.#pending;
    this.#pending = null;
    this.#hashes.push(hash);
  }

  /** Notes the plans of the first epoch that compute new values of variables; later ones are the same. */
  #observePlans(): void {
    const seen = new Set<object>();
    const note = (plan: { program: Parameters<typeof toText>[0]; inPlace: readonly boolean[] }): void => {
      if (seen.has(plan) || plan.inPlace.length === 0) return;
      // Who trains without a model that keeps its form makes plans without end.
      if (seen.add(plan).size === mostPlans) this.#unobserve();
      this.#texts.push(sha256OfText(toText(plan.program)));
    };
    this.#unobserve();
    this.#unobserve = observeRuns({ planMade: note, planFound: note, planDropped() {}, ran() {} });
  }

  async #receipt({ step, epoch, reason }: EndEvent, model: AnyModule): Promise<Receipt> {
    const { data = {}, recipe = null } = this.#content;
    const hashed = Object.entries(data).map(async ([name, set]) => [name, await hashData(set)] as const);
    await this.#settle();
    const { name, arithmetic = 'separate' } = backend();
    return {
      format: 'ag-receipt',
      version: receiptVersion,
      madeBy: engine(),
      backend: name,
      arithmetic,
      random: this.#random,
      recipe,
      data: Object.fromEntries(await Promise.all(hashed)),
      plans: [...this.#plans].sort(),
      steps: step,
      epochs: epoch,
      reason,
      weights: {
        initial: this.#initial!,
        final: await hashTensors(model.stateDict()),
        every: this.#every,
        hashes: this.#hashes,
        root: await merkleRoot(this.#hashes),
      },
    };
  }
}

/** Steps between hashes, which follow from the length of the run alone: so two of the same length can be compared. */
function stepsBetween(steps: number): number {
  let every = leastSteps;
  while (steps / every > mostHashes) every *= 2;
  return every;
}

/** What runs this program. */
function engine(): Record<string, string> {
  const { process, navigator } = globalThis as {
    process?: { versions?: Readonly<Record<string, string>>; platform?: string; arch?: string };
    navigator?: { userAgent?: string };
  };
  const { versions = {}, platform = '', arch = '' } = process ?? {};
  const name = ['bun', 'deno', 'node'].find((one) => versions[one] !== undefined);
  if (name !== undefined) return { engine: `${name} ${versions[name]}`, platform: `${platform} ${arch}` };
  return { engine: navigator?.userAgent ?? 'unknown' };
}
