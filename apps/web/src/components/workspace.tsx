/**
 * The layout of a page that is worked on: the picture fills the window, controls fold away.
 *
 * On a phone the picture comes first and the controls come up from below.
 */
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { say } from '../shell/language.ts';
import { texts } from './texts.ts';
import './workspace.css';

export interface WorkspaceProperties {
  /** What is looked at: as high as the window leaves room for; what is larger is scrolled inside of it. */
  readonly picture: ComponentChildren;
  /** What changes it. */
  readonly controls: ComponentChildren;
  /** What is read afterwards: explanations, tables, code. Below the window. */
  readonly below?: ComponentChildren;
}

/** Where there is room for controls beside the picture, as in workspace.css. */
const besides = '(min-width: 60rem)';

export function Workspace({ picture, controls, below }: WorkspaceProperties) {
  const [open, setOpen] = useState(() => matchMedia(besides).matches);
  return (
    <>
      <div class="workspace" data-open={open}>
        <div class="workspace-picture">{picture}</div>
        <section class="workspace-edge" aria-label={say(texts.controls)}>
          <button
            type="button"
            class="workspace-fold"
            data-testid="fold"
            aria-expanded={open}
            aria-controls="workspace-controls"
            onClick={() => setOpen(!open)}
          >
            {say(texts.controls)}
          </button>
          {/* Hidden, not gone: what is typed stays. */}
          <div id="workspace-controls" class="workspace-controls" hidden={!open}>
            {controls}
          </div>
        </section>
      </div>
      {below && <div class="workspace-below">{below}</div>}
    </>
  );
}
