/**
 * The model viewer.
 *
 * A file that is dropped, its graph and its tensors, any node run and differentiated.
 */
import { useEffect, useState } from 'preact/hooks';
import { handFile } from '../../components/handedFiles.ts';
import { formatNumber } from '../../components/numbers.ts';
import { PanZoom } from '../../components/panZoom.tsx';
import { Code, Explanation, Figures, Problem } from '../../components/parts.tsx';
import { Workspace } from '../../components/workspace.tsx';
import { say } from '../../shell/language.ts';
import { codeFor } from './code.ts';
import { shapesOf } from './feed.ts';
import { NodePanel } from './nodePanel.tsx';
import { Comparison, GradientTable, TensorPanel, ValueView } from './results.tsx';
import { texts } from './texts.ts';
import { useViewer, type ViewerState } from './useViewer.ts';
import './page.css';

export default function Viewer() {
  const state = useViewer();
  const { file, node, feed, blob } = state;
  const over = useDrop(state.openFile);
  const network = file?.network ?? null;
  const output = network && (network.nodes[node] ?? network.nodes.at(-1))?.outputs[0];
  useEffect(() => {
    if (file && blob.current) handFile(file.name, blob.current);
  }, [file]);
  return (
    <>
      {over && <div class="viewer-drop">{say(texts.drop)}</div>}
      <Workspace
        picture={
          <>
            <Problem message={state.problem} />
            <Picture state={state} />
            <ValueView state={state} />
            <GradientTable state={state} />
          </>
        }
        controls={<NodePanel state={state} />}
        below={
          <>
            <Comparison state={state} />
            <TensorPanel state={state} />
            {file && (
              <Code
                code={codeFor(
                  file.name,
                  file.format,
                  output ?? null,
                  network ? Object.values(shapesOf(network, feed.shapes)) : [],
                  feed,
                )}
              />
            )}
            <Explanation text={texts.explanation} />
          </>
        }
      />
    </>
  );
}

/** Files dropped anywhere on the page; whether one is held over it. */
function useDrop(open: (file: File) => void): boolean {
  const [over, setOver] = useState(false);
  useEffect(() => {
    const drag = (event: DragEvent) => {
      event.preventDefault();
      setOver(event.type === 'dragover');
    };
    const drop = (event: DragEvent) => {
      event.preventDefault();
      setOver(false);
      const file = event.dataTransfer?.files[0];
      if (file) open(file);
    };
    const stop = new AbortController();
    const { signal } = stop;
    addEventListener('dragover', drag, { signal });
    addEventListener('dragleave', drag, { signal });
    addEventListener('drop', drop, { signal });
    return () => stop.abort();
  }, []);
  return over;
}

function Picture({ state }: { readonly state: ViewerState }) {
  const { file, drawn, open, busy } = state;
  return (
    <>
      <div class="viewer-figures">
        {file && (
          <Figures
            rows={[
              [texts.format, file.format],
              [texts.parameters, file.parameters.toLocaleString('en')],
              [texts.size, file.bytes.toLocaleString('en')],
              ...(file.network ? ([[texts.nodes, String(file.network.nodes.length)]] as const) : []),
              ...(drawn?.flops != null ? ([[texts.operations, formatNumber(drawn.flops)]] as const) : []),
            ]}
          />
        )}
      </div>
      {drawn?.reason && <p class="soft">{say(texts.notCounted(drawn.reason))}</p>}
      {open.length > 0 && (
        <div class="row">
          {open.map((path) => (
            <button
              type="button"
              key={path}
              data-testid={`close-${path}`}
              aria-label={say(texts.closeModule(path))}
              onClick={() => state.leave(path)}
            >
              {path} ✕
            </button>
          ))}
        </div>
      )}
      {drawn && file?.network ? (
        <PanZoom
          svg={drawn.svg}
          label={say(texts.graph)}
          onClick={(clicked) => {
            const module = clicked.closest<SVGElement>('[data-module]')?.dataset.module;
            const id = clicked.closest<SVGElement>('[data-node]')?.dataset.node;
            if (module) state.enter(module);
            else if (id !== undefined && file.network!.nodes[Number(id)])
              state.choose(file.network!.nodes[Number(id)].outputs[0]);
          }}
        />
      ) : (
        <p class="soft">{say(!file || file.network || busy ? texts.reading : texts.weightsOnly)}</p>
      )}
    </>
  );
}
