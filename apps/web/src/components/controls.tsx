/**
 * Inputs and buttons that pages share.
 *
 * A setting lives in the address: what is typed is written there, and the page reads it back.
 */
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { Run } from '../service/page/run.ts';
import { say, type Text } from '../shell/language.ts';
import { setParameters } from '../shell/route.ts';
import { type Range, stepped, stepsOfKey, useScrub } from './scrub.ts';
import { texts } from './texts.ts';

/** A labeled control. */
export function Field({ label, children }: { readonly label: Text; readonly children: ComponentChildren }) {
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: the control is the child
    <label class="field">
      <span>{say(label)}</span>
      {children}
    </label>
  );
}

interface EntryProperties {
  readonly value: string | number;
  /** Called with what was typed when it is final: Enter, leaving, an arrow. */
  readonly onCommit: (text: string) => void;
  readonly type?: 'number' | 'range' | 'text';
  readonly min?: number;
  readonly max?: number;
  readonly step?: number | 'any';
  readonly size?: number;
  readonly spellcheck?: boolean;
  readonly disabled?: boolean;
  readonly class?: string;
  readonly 'aria-label'?: string;
  readonly 'data-testid'?: string;
}

/**
 * An input that is typed into in peace: pages are drawn again many times a second while they train, and a plain input
 * would be given its old value each time. A number can be dragged sideways, and moved by keys.
 */
export function Entry(properties: EntryProperties) {
  return properties.type === 'number' ? <NumberEntry {...properties} /> : <PlainEntry {...properties} />;
}

function NumberEntry(properties: EntryProperties) {
  const { min, max, step, onCommit } = properties;
  const range: Range = {
    value: Number(properties.value),
    ...(min !== undefined && { min }),
    ...(max !== undefined && { max }),
    ...(step !== undefined && { step }),
  };
  const scrub = useScrub(range, (value) => onCommit(String(value)));
  return (
    <PlainEntry
      {...properties}
      {...scrub}
      onKeyDown={(event: KeyboardEvent) => {
        const steps = stepsOfKey(event);
        const typed = Number((event.currentTarget as HTMLInputElement).value);
        if (steps === 0 || !Number.isFinite(typed)) return;
        event.preventDefault();
        onCommit(String(stepped({ ...range, value: typed }, steps)));
      }}
    />
  );
}

function PlainEntry({ value, onCommit, ...attributes }: EntryProperties & Record<string, unknown>) {
  const [draft, setDraft] = useState<string | null>(null);
  // What is changed otherwise than by typing is shown at once.
  const [shown, setShown] = useState(value);
  if (shown !== value) {
    setShown(value);
    setDraft(null);
  }
  return (
    <input
      // Preact knows inputs by their kind, one at a time.
      {...(attributes as object)}
      value={draft ?? value}
      onInput={(event) => setDraft(event.currentTarget.value)}
      onChange={(event) => {
        setDraft(null);
        onCommit(event.currentTarget.value);
      }}
      onBlur={() => setDraft(null)}
    />
  );
}

/** A number that is kept in the address under `name`. A value that is out of range is corrected when it is read. */
export function NumberField({
  name,
  label,
  value,
  ...limits
}: {
  readonly name: string;
  readonly label: Text;
  readonly value: number;
  readonly min?: number;
  readonly max?: number;
  readonly step?: number | 'any';
}) {
  return (
    <Scrubbed
      label={say(label)}
      range={{ value, ...limits }}
      onChange={(next) => setParameters({ [name]: next })}
    >
      <Entry
        class="number-entry"
        type="number"
        step="any"
        {...limits}
        data-testid={name}
        value={value}
        onCommit={(text) => setParameters({ [name]: text })}
      />
    </Scrubbed>
  );
}

/** A labeled control of a number whose label is a handle: dragged sideways it changes the number. */
export function Scrubbed({
  label,
  range,
  onChange,
  children,
}: {
  readonly label: string;
  readonly range: Range;
  readonly onChange: (value: number) => void;
  readonly children: ComponentChildren;
}) {
  const scrub = useScrub(range, onChange);
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: the control is the child
    <label class="field">
      <span class="scrub" title={say(texts.dragToChange)} {...scrub}>
        {label}
      </span>
      {children}
    </label>
  );
}

/** A choice from a list. */
export function Choice<T extends string>({
  label,
  value,
  options,
  onChange,
  testId,
}: {
  readonly label: Text;
  readonly value: T;
  readonly options: readonly (readonly [T, Text | string])[];
  readonly onChange: (value: T) => void;
  readonly testId?: string;
}) {
  return (
    <Field label={label}>
      <select
        value={value}
        data-testid={testId}
        onChange={(event) => onChange(event.currentTarget.value as T)}
      >
        {options.map(([id, text]) => (
          <option key={id} value={id} selected={id === value}>
            {typeof text === 'string' ? text : say(text)}
          </option>
        ))}
      </select>
    </Field>
  );
}

/** A box to tick. */
export function Checkbox({
  label,
  checked,
  onChange,
  testId,
}: {
  readonly label: Text | string;
  readonly checked: boolean;
  readonly onChange: (checked: boolean) => void;
  readonly testId: string;
}) {
  return (
    <label>
      <input
        type="checkbox"
        data-testid={testId}
        checked={checked}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />{' '}
      {typeof label === 'string' ? label : say(label)}
    </label>
  );
}

/**
 * A button that keeps the focus when it cannot be pressed for now: a disabled one would lose it, and with it the place
 * of whoever works with keys.
 */
export function Button({
  disabled = false,
  onClick,
  children,
  ...attributes
}: {
  readonly disabled?: boolean;
  readonly onClick: () => void;
  readonly children: ComponentChildren;
  readonly class?: string;
  readonly 'data-testid'?: string;
}) {
  return (
    <button type="button" {...attributes} aria-disabled={disabled} onClick={() => !disabled && onClick()}>
      {children}
    </button>
  );
}

/** Train or pause, one step, reset. */
export function RunButtons({
  run: { ready, running, ended, play, pause, step, reset },
  stepLabel = texts.step,
  testId = 'run',
}: {
  readonly run: Run;
  readonly stepLabel?: Text;
  readonly testId?: string;
}) {
  return (
    <>
      <Button
        class="primary"
        data-testid={testId}
        disabled={!ready || ended}
        onClick={running ? pause : play}
      >
        {running ? `❚❚ ${say(texts.pause)}` : `▶ ${say(texts.train)}`}
      </Button>
      {step && (
        <Button data-testid="step" disabled={!ready || ended || running} onClick={step}>
          {say(stepLabel)}
        </Button>
      )}
      <Button data-testid="reset" disabled={!ready} onClick={reset}>
        ⟲ {say(texts.reset)}
      </Button>
    </>
  );
}
