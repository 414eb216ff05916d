/** A network too large to be drawn node by node, as modules that open and close. */
import type { Remote } from 'comlink';
import { Field } from '../../components/controls.tsx';
import { PanZoom } from '../../components/panZoom.tsx';
import { Problem } from '../../components/parts.tsx';
import { say } from '../../shell/language.ts';
import { PresetField } from './presetField.tsx';
import { texts } from './texts.ts';
import { useNetwork } from './useNetwork.ts';
import type { MicroscopeService } from './worker.ts';

export function Network({ remote }: { readonly remote: Remote<MicroscopeService> }) {
  const { open, picture, problem, enter, leave } = useNetwork(remote);
  return (
    <>
      <div class="card row">
        <PresetField />
        <Field label={texts.openModule}>
          <select data-testid="open" onChange={(event) => enter(event.currentTarget.value)}>
            <option value="">—</option>
            {picture?.modules.map((path) => (
              <option key={path} value={path}>
                {path}
              </option>
            ))}
          </select>
        </Field>
        {open.map((path) => (
          <button
            type="button"
            key={path}
            data-testid={`close-${path}`}
            aria-label={say(texts.closeModule(path))}
            onClick={() => leave(path)}
          >
            {path} ✕
          </button>
        ))}
      </div>
      <Problem message={problem} />
      {picture ? (
        <>
          <PanZoom
            svg={picture.svg}
            label={say(texts.network)}
            onClick={(clicked) => {
              const path = clicked.closest<SVGElement>('[data-module]')?.dataset.module;
              if (path) enter(path);
            }}
          />
          <p class="soft">{say(texts.networkNote(picture.nodes, picture.edges, picture.parameters))}</p>
        </>
      ) : (
        <p class="loading">{say(texts.building)}</p>
      )}
    </>
  );
}
