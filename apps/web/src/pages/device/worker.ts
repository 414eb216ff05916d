/**
 * Examines backends off the page's thread, one at a time.
 */
import { expose } from 'comlink';
import type { Examination } from './backends.ts';
import type { Choice, Finding } from './examine.ts';
import type { BackendId } from './findings.ts';

let stopped = false;

const service = {
  async examine(id: BackendId, choice: Choice, tell: (finding: Finding) => void): Promise<Examination> {
    stopped = false;
    const { examineBackend } = await import('./backends.ts');
    return examineBackend(id, choice, tell, () => stopped);
  },
  stop(): void {
    stopped = true;
  },
};

export type DeviceService = typeof service;

expose(service);
