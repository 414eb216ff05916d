/**
 * Buttons of a page that goes on, and what computes it.
 */
import { say, type Text } from '../shell/language.ts';
import type { Live } from './use-live.ts';

export function RunButtons({
  live,
  done,
  start = { en: 'Train', zh: '训练' },
}: {
  readonly live: Live<unknown>;
  readonly done: boolean;
  readonly start?: Text;
}) {
  return (
    <>
      <button
        type="button"
        class="primary"
        data-testid="run"
        disabled={done || live.update === null}
        onClick={() => live.run(!live.running)}
      >
        {live.running ? say({ en: 'Pause', zh: '暂停' }) : say(start)}
      </button>
      <button
        type="button"
        data-testid="once"
        disabled={done || live.running || live.update === null}
        onClick={live.once}
      >
        {say({ en: 'A little more', zh: '再练一点' })}
      </button>
      <button type="button" data-testid="restart" disabled={live.update === null} onClick={live.restart}>
        {say({ en: 'Start again', zh: '重新开始' })}
      </button>
    </>
  );
}

/** Says on what it is computed, and why on one thread. */
export function EngineNote({ live }: { readonly live: Live<unknown> }) {
  if (!live.engine) return null;
  const { threads } = live.engine;
  return (
    <p class="soft" data-testid="engine">
      {say({
        en: `Computed in this browser by WebAssembly, ${threads === 1 ? 'on one thread' : `with up to ${threads} threads`}.`,
        zh: `由此浏览器中的 WebAssembly 计算，${threads === 1 ? '单线程' : `最多 ${threads} 个线程`}。`,
      })}
      {!crossOriginIsolated &&
        say({
          en: ' The host of this page does not send the headers that allow more threads.',
          zh: ' 本站未发送允许多线程的响应头。',
        })}
    </p>
  );
}
