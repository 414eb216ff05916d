/** Says why it is not WebGPU that computes, where that was asked for. Loaded only then. */
import { computing } from '../backend.ts';
import { say } from '../language.ts';
import { texts } from './texts.ts';

/** @param float64 whether the page computes in float64 */
export function BackendNote({ float64 }: { readonly float64: boolean }) {
  if (float64) return <p class="note">{say(texts.float64)}</p>;
  const { noWebGpu = '', lost = false } = computing.value ?? {};
  if (noWebGpu === '') return null;
  return (
    <p class="note">
      {say(lost ? texts.lostWebGpu : texts.noWebGpu)}
      <span lang="en">{noWebGpu}</span>
    </p>
  );
}
