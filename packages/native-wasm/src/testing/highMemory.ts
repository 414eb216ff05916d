/** What several tests of this package need. */
import type { WasmBackend } from '../index.ts';

/** Takes all memory below 2 GiB, so that what is allocated next lies above: there, signed addresses are negative. */
export function leaveOnlyHighMemory(backend: WasmBackend): void {
  const half = 2 ** 31;
  backend.allocate(half - 2 ** 26, false);
  for (let bytes = 2 ** 26; bytes >= 64; bytes /= 2) {
    for (;;) {
      const block = backend.allocate(bytes, false);
      if ((block as unknown as { address: number }).address < half) continue;
      backend.release(block);
      break;
    }
  }
}
