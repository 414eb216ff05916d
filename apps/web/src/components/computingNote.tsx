/**
 * Says what computes, and why it is not faster.
 */

import type { Computing } from '../service/worker/computing.ts';
import { say } from '../shell/language.ts';

export function ComputingNote({ computing }: { readonly computing: Computing | null }) {
  if (computing === null) return null;
  const { threads, oneThread, problem } = computing;
  return (
    <p class="soft" data-testid="computing">
      {problem !== ''
        ? say({
            en: `WebAssembly cannot be used here, so the slower reference backend computes: ${problem}`,
            zh: `此处无法使用 WebAssembly，改由较慢的参考后端计算：${problem}`,
          })
        : threads > 1
          ? say({
              en: `Computed in your browser by WebAssembly, on up to ${threads} threads.`,
              zh: `在您的浏览器中由 WebAssembly 计算，最多 ${threads} 个线程。`,
            })
          : say({
              en: `Computed in your browser by WebAssembly, on one thread: ${oneThread}`,
              zh: `在您的浏览器中由 WebAssembly 以单线程计算：${oneThread}`,
            })}
    </p>
  );
}
