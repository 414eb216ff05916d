/** The viewer's controls: files, the chosen node, what it is fed, and what is done with it. */
import { useState } from 'preact/hooks';
import { Button, Choice, Entry, Field } from '../../components/controls.tsx';
import { formatNumber } from '../../components/numbers.ts';
import { say } from '../../shell/language.ts';
import { parameter, setParameters } from '../../shell/route.ts';
import { shapesOf } from './feed.ts';
import { texts } from './texts.ts';
import { feedKinds, type ViewerState } from './useViewer.ts';

export function NodePanel({ state }: { readonly state: ViewerState }) {
  const { file, node } = state;
  const network = file?.network;
  const one = network?.nodes[node];
  return (
    <>
      <Field label={texts.choose}>
        <FileField testId="file" onFile={state.openFile} accept=".onnx,.safetensors,.pt,.pth,.npz,.npy" />
      </Field>
      {file && (
        <p class="viewer-name" data-testid="name">
          {file.name}
        </p>
      )}
      {network && (
        <>
          <Field label={texts.node}>
            <select
              data-testid="node"
              value={one?.outputs[0] ?? ''}
              onChange={(event) => state.choose(event.currentTarget.value)}
            >
              <option value="">—</option>
              {network.nodes.slice(0, 2000).map((each, i) => (
                <option key={each.outputs[0]} value={each.outputs[0]} selected={i === node}>
                  {each.name || `${each.operator} ${each.outputs[0]}`}
                </option>
              ))}
            </select>
          </Field>
          {one ? <About state={state} /> : <p class="soft">{say(texts.chooseNode)}</p>}
          <Feeding state={state} />
          <Actions state={state} />
        </>
      )}
      {file && (
        <Field label={texts.compare}>
          <FileField
            testId="other"
            onFile={(other) => void state.compare(other)}
            accept=".onnx,.safetensors,.pt,.pth,.npz,.npy"
          />
        </Field>
      )}
    </>
  );
}

function FileField({
  testId,
  onFile,
  accept,
}: {
  readonly testId: string;
  readonly onFile: (file: File) => void;
  readonly accept: string;
}) {
  return (
    <input
      type="file"
      data-testid={testId}
      accept={accept}
      onChange={(event) => {
        const [file] = event.currentTarget.files ?? [];
        if (file) onFile(file);
      }}
    />
  );
}

/** What the file says of the chosen node, and what it costs. */
function About({ state: { file, node, drawn } }: { readonly state: ViewerState }) {
  const one = file!.network!.nodes[node];
  const cost = drawn?.costs[node];
  const weights = file!.tensors.filter(({ name }) => one.inputs.includes(name));
  const rows: (readonly [string, string])[] = [
    [one.operator, one.name],
    ...one.inputs.filter((name) => name !== '').map((name, i) => [`in ${i}`, name] as const),
    ...weights.map(({ name, shape }) => [name, `[${shape.join(', ')}]`] as const),
    ...one.outputs.map(
      (name) => ['out', `${name}${cost?.shape ? ` [${cost.shape.join(', ')}]` : ''}`] as const,
    ),
    ...Object.entries(one.attributes).map(([name, value]) => [name, String(value).slice(0, 80)] as const),
    ...(cost ? [[say(texts.operations), formatNumber(cost.flops)] as const] : []),
  ];
  return (
    <table class="viewer-about" data-testid="about">
      <tbody>
        {rows.map(([name, value], i) => (
          <tr key={i}>
            <th scope="row">{name}</th>
            <td>{value}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Feeding({ state }: { readonly state: ViewerState }) {
  const { feed, file } = state;
  const shapes = shapesOf(file!.network!, feed.shapes);
  return (
    <>
      <Choice
        label={texts.feed}
        testId="feed"
        value={feed.kind}
        options={feedKinds.map((kind) => [kind, texts[kind]] as const)}
        onChange={(kind) => setParameters({ feed: kind })}
      />
      {feed.kind === 'numbers' && (
        <textarea
          rows={3}
          class="code"
          data-testid="numbers"
          aria-label={say(texts.numbers)}
          value={parameter('numbers', '')}
          onChange={(event) => setParameters({ numbers: event.currentTarget.value })}
        />
      )}
      {feed.kind === 'image' && (
        <Field label={texts.image}>
          <FileField testId="image" onFile={(image) => void state.useImage(image)} accept="image/*" />
        </Field>
      )}
      {file!.network!.inputs.slice(0, 8).map(({ name }) => (
        <Field key={name} label={texts.shapeOf(name)}>
          <Entry
            type="text"
            data-testid={`shape-${name}`}
            value={shapes[name].join(', ')}
            onCommit={(text) => setParameters({ [`shape.${name}`]: text })}
          />
        </Field>
      ))}
    </>
  );
}

function Actions({ state }: { readonly state: ViewerState }) {
  const { node, busy } = state;
  const [element, setElement] = useState('');
  const at = element.trim() === '' ? null : Number(element);
  return (
    <>
      <Button class="primary" data-testid="run" disabled={node < 0 || busy} onClick={() => void state.run()}>
        {`▶ ${say(texts.run)}`}
      </Button>
      <div class="row">
        <Button
          data-testid="differentiate"
          disabled={node < 0 || busy}
          onClick={() => void state.differentiate(at)}
        >
          {say(texts.differentiate)}
        </Button>
        <Field label={texts.element}>
          <input
            type="number"
            min={0}
            class="number-entry"
            data-testid="element"
            value={element}
            onInput={(event) => setElement(event.currentTarget.value)}
          />
        </Field>
      </div>
    </>
  );
}
