/** `agrad receipt`: what a run was made from and which weights came out. */
import { eventVersion } from '@ag/train';
import type { ReceiptOptions } from '../commands/receipts.ts';
import { exitCodes, Failure } from '../failure.ts';
import { table } from '../table.ts';
import type { Terminal } from '../terminal.ts';
import { readReceipt } from './replayable.ts';

/** The first digits of a hash, and of other text all. */
export function short(text: string): string {
  return /^[0-9a-f]{64}$/.test(text) ? `${text.slice(0, 12)}…` : text;
}

/** Runs the command; answers the exit code. */
export async function showReceipt(
  { positional: [target] }: ReceiptOptions,
  terminal: Terminal,
): Promise<number> {
  const receipt = await readReceipt(target);
  if (!receipt) {
    throw new Failure('data', `${target} has no receipt: it was trained by an older agrad, or did not end`);
  }
  const { weights, data, plans, backend, arithmetic, steps, epochs, reason, madeBy, recipe } = receipt;
  const { recipe: name, settings } = (recipe ?? {}) as { recipe?: string; settings?: { seed?: number } };
  const rows: (readonly [string, string])[] = [
    ['recipe', name ?? '–'],
    ['seed', String(settings?.seed ?? '–')],
    ['made by', Object.values(madeBy).join(', ')],
    ['computed by', `${backend}, ${arithmetic} arithmetic`],
    ['steps', `${steps} in ${epochs} epochs, ${reason}`],
    ...Object.entries(data).map(([set, hash]) => [`data ${set}`, hash ?? 'not in memory'] as const),
    ['plans', plans.map(short).join(' ')],
    ['weights before', weights.initial.hash],
    ['weights on the way', `${weights.root} (${weights.hashes.length} hashes, every ${weights.every} steps)`],
    ['weights after', weights.final.hash],
  ];
  terminal.print(...table(['', ''], rows).slice(1));
  if (arithmetic === 'fused') {
    terminal.note(
      'fused arithmetic can be repeated where products and sums are rounded once; --arithmetic separate everywhere',
    );
  }
  terminal.event({ v: eventVersion, type: 'result', command: 'receipt', receipt });
  return exitCodes.done;
}
