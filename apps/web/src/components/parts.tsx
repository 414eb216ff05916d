/** What every page is made of besides controls: pictures, messages, figures, code. */
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { say, type Text } from '../shell/language.ts';
import { addressOf } from '../shell/route.ts';
import { pack } from './packedSource.ts';
import { texts } from './texts.ts';
import './figures.css';

/** A picture from @ag/viz; its text alternative is inside the SVG. */
export function Picture({ svg, label }: { readonly svg: string; readonly label?: string }) {
  // The SVG is made by @ag/viz, which escapes all texts.
  return <div class="picture" data-testid={label} dangerouslySetInnerHTML={{ __html: svg }} />;
}

/** What is seen on a page, in a few sentences. */
export function Explanation({ text }: { readonly text: Text }) {
  return <p class="soft">{say(text)}</p>;
}

/** What the marks and colors of a picture mean, below it. */
export function Caption({ text }: { readonly text: Text }) {
  return <p class="soft caption">{say(text)}</p>;
}

/** What changed, in a few words, for whoever does not see it. Said when the words change, after what is being said. */
export function Status({ text }: { readonly text: Text | null }) {
  return (
    <p class="unseen" role="status" data-testid="status">
      {text ? say(text) : ''}
    </p>
  );
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

/** Why a page cannot go on, if it cannot. */
export function Problem({ message }: { readonly message: string | null }) {
  if (message === null) return null;
  return (
    <Alarm testId="problem">
      {say(texts.problem)}
      <span lang="en">{message}</span>
    </Alarm>
  );
}

/** Names and numbers of a run, side by side. */
export function Figures({ rows }: { readonly rows: readonly (readonly [name: Text, value: string])[] }) {
  return (
    <dl class="figures" data-testid="figures">
      {rows.map(([name, value]) => (
        <div key={name.en}>
          <dt>{say(name)}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** Code that makes what the page shows, to copy, and to change in the code lab. */
export function Code({ code }: { readonly code: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard?.writeText(code).then(
      () => setCopied(true),
      () => undefined,
    );
    setTimeout(() => setCopied(false), 2000);
  };
  const open = async () => {
    location.hash = addressOf('code', { z: await pack(code) });
  };
  return (
    <details class="card">
      <summary>{say(texts.code)}</summary>
      <p class="row">
        <button type="button" onClick={copy}>
          {say(copied ? texts.copied : texts.copy)}
        </button>
        <button type="button" data-testid="to-code-lab" onClick={() => void open()}>
          {say(texts.toCodeLab)}
        </button>
      </p>
      <pre>
        <code data-testid="code">{code}</code>
      </pre>
    </details>
  );
}
