/** Says what computes, and why it is not faster. */
import type { Computing } from '../service/worker/computing.ts';
import { say } from '../shell/language.ts';
import { texts } from './texts.ts';

export function ComputingNote({ computing }: { readonly computing: Computing | null }) {
  if (computing === null) return null;
  const { threads, oneThread, problem, device, software } = computing;
  const text =
    device !== ''
      ? texts.graphics(device, software)
      : problem !== ''
        ? texts.referenceBackend(problem)
        : threads > 1
          ? texts.threads(threads)
          : texts.oneThread(oneThread);
  return (
    <p class="soft" data-testid="computing">
      {say(text)}
    </p>
  );
}
