/** The settings of the digits page, and where the reader's own files go. */
import { useState } from 'preact/hooks';
import { Choice, Field, NumberField } from '../../components/controls.tsx';
import { texts as common } from '../../components/texts.ts';
import { say } from '../../shell/language.ts';
import { setParameters } from '../../shell/route.ts';
import type { DigitsConfig } from './config.ts';
import { droppedFiles } from './dropped.ts';
import { dataTitles, modelTitles, texts } from './texts.ts';

export function Settings({ config }: { readonly config: DigitsConfig }) {
  const chooseData = (data: DigitsConfig['data']) => {
    const all = data === 'files' ? 0 : null;
    setParameters({ data, count: all, testCount: all });
  };
  return (
    <div class="row">
      <Choice
        label={texts.network}
        testId="model"
        value={config.model}
        options={modelTitles}
        onChange={(model) => setParameters({ model })}
      />
      <Choice
        label={texts.images}
        testId="data"
        value={config.data}
        options={dataTitles}
        onChange={chooseData}
      />
      <NumberField name="count" label={texts.trainImages} value={config.count} min={0} step={100} />
      <NumberField name="testCount" label={texts.testImages} value={config.testCount} min={0} step={100} />
      <NumberField name="learningRate" label={common.learningRate} value={config.learningRate} min={0} />
      <NumberField name="batchSize" label={common.batchSize} value={config.batchSize} min={1} step={1} />
      <NumberField name="dropout" label={common.dropout} value={config.dropout} min={0} step={0.1} />
      <NumberField name="seed" label={common.seed} value={config.seed} min={0} step={1} />
    </div>
  );
}

/** Where the reader's files are dropped or chosen. */
export function DropZone({
  onFiles,
  files,
}: {
  readonly onFiles: (list: readonly File[]) => Promise<void>;
  /** How many images were found in them. */
  readonly files: { readonly train: number; readonly test: number } | null;
}) {
  const [over, setOver] = useState(false);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping is an addition to the button inside
    <div
      class={over ? 'card drop over' : 'card drop'}
      data-testid="drop"
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        if (event.dataTransfer) void droppedFiles(event.dataTransfer).then(onFiles);
      }}
    >
      <div class="row">
        <Field label={texts.drop}>
          <input
            type="file"
            multiple
            data-testid="files"
            onChange={(event) => void onFiles([...(event.currentTarget.files ?? [])])}
          />
        </Field>
        {files && <span data-testid="found">{say(texts.found(files.train, files.test))}</span>}
      </div>
      <p class="soft">{say(texts.filesNote)}</p>
    </div>
  );
}
