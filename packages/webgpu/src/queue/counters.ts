/** What was asked of the device since the backend was made: for tests that hold a step to it. */

export interface Counters {
  dispatches: number;
  bindGroups: number;
  pipelines: number;
  submits: number;
  readbacks: number;
  bytesWritten: number;
  bytesRead: number;
}

export function newCounters(): Counters {
  return {
    dispatches: 0,
    bindGroups: 0,
    pipelines: 0,
    submits: 0,
    readbacks: 0,
    bytesWritten: 0,
    bytesRead: 0,
  };
}
