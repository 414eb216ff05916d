/**
 * `window.__ag.state()`: what the page shows, as plain data, for tests and the curious.
 */
import { useEffect } from 'preact/hooks';

type State = () => Readonly<Record<string, unknown>>;

let current: State = () => ({});

declare global {
  interface Window {
    __ag: { state: State };
  }
}

window.__ag = { state: () => current() };

/** Makes `state` answer for the page while the component is shown. */
export function useInspection(state: State): void {
  useEffect(() => {
    current = state;
    return () => {
      if (current === state) current = () => ({});
    };
  });
}
