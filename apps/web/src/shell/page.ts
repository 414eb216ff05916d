/**
 * What a page is to the frame around it.
 */
import type { ComponentType } from 'preact';
import type { Text } from './language.ts';

export interface Page {
  readonly id: string;
  readonly title: Text;
  /** One line for the start page. */
  readonly summary: Text;
  /** Whether it computes in float64, which graphics processors do not have. */
  readonly float64?: boolean;
  readonly load: () => Promise<{ readonly default: ComponentType<PageProperties> }>;
}

/** What every page is given. */
export interface PageProperties {
  readonly pages: readonly Page[];
}
