/**
 * The few parts that every page is made of.
 */
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { say, type Text } from '../shell/language.ts';

/** A picture from @ag/viz; its text alternative is inside the SVG. */
export function Picture({ svg, label }: { readonly svg: string; readonly label?: string }) {
  // The SVG is made by @ag/viz, which escapes all texts.
  return <div class="picture" data-testid={label} dangerouslySetInnerHTML={{ __html: svg }} />;
}

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
  readonly style?: Readonly<Record<string, string>>;
  readonly 'aria-label'?: string;
  readonly 'data-testid'?: string;
}

/**
 * An input that is typed into in peace: pages are drawn again many times a second while they train, and a plain input
 * would be given its old value each time.
 */
export function Entry({ value, onCommit, ...attributes }: EntryProperties) {
  const [draft, setDraft] = useState<string | null>(null);
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

/**
 * A button that keeps the focus when it cannot be pressed for now: a disabled one would lose it, and with it the place
 * of whoever works with keys.
 */
export function Button({
  disabled,
  onClick,
  children,
  ...attributes
}: {
  readonly disabled: boolean;
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

/** What changed, in a few words, for whoever does not see it. Said when the words change, after what is being said. */
export function Status({ children }: { readonly children: string }) {
  return (
    <p class="unseen" role="status" data-testid="status">
      {children}
    </p>
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

/** Code that makes what the page shows, to copy. */
export function Code({ code }: { readonly code: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard?.writeText(code).then(
      () => setCopied(true),
      () => undefined,
    );
    setTimeout(() => setCopied(false), 2000);
  };
  return (
    <details class="card">
      <summary>{say({ en: 'The code that makes this', zh: '生成本页内容的代码' })}</summary>
      <p>
        <button type="button" onClick={copy}>
          {copied ? say({ en: 'Copied', zh: '已复制' }) : say({ en: 'Copy', zh: '复制' })}
        </button>
      </p>
      <pre>
        <code data-testid="code">{code}</code>
      </pre>
    </details>
  );
}

/** A text as it stands in a program, between single quotes: an address may hold any text. */
export function quoted(text: string): string {
  const inside = JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'");
  return `'${inside}'`;
}

/** What is seen on a page, in a few sentences. */
export function Explanation({ text }: { readonly text: Text }) {
  return <p class="soft">{say(text)}</p>;
}

/** A message that something needs attention. */
export function Alarm({
  children,
  testId,
}: {
  readonly children: ComponentChildren;
  readonly testId?: string;
}) {
  return (
    <div class="card alarm" role="alert" data-testid={testId}>
      {children}
    </div>
  );
}
