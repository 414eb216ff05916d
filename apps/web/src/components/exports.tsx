/** What is seen, to take along: the picture as SVG or PNG, and a link that brings it back. */
import { useState } from 'preact/hooks';
import { say } from '../shell/language.ts';
import { download, downloadPng } from './download.ts';
import { texts } from './texts.ts';
import './figures.css';

export interface ExportsProperties {
  /** Name of the files, without an ending. */
  readonly name: string;
  /** The picture as it is shown, as made by @ag/viz; null while there is none. Without it only the link is offered. */
  readonly svg?: () => string | null;
}

export function Exports({ name, svg }: ExportsProperties) {
  return (
    <span class="exports">
      {svg && (
        <>
          <button type="button" data-testid="export" onClick={() => save(svg(), name)}>
            ↓ SVG
          </button>
          <button type="button" data-testid="export-png" onClick={() => savePng(svg(), name)}>
            ↓ PNG
          </button>
        </>
      )}
      <CopyLink />
    </span>
  );
}

/** Copies the address of what is seen. */
export function CopyLink() {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard?.writeText(location.href).then(
      () => setCopied(true),
      () => undefined,
    );
    setTimeout(() => setCopied(false), 2000);
  };
  return (
    <button type="button" data-testid="copy-link" aria-live="polite" onClick={copy}>
      {say(copied ? texts.linkCopied : texts.link)}
    </button>
  );
}

function save(svg: string | null, name: string): void {
  if (svg) download(`${name}.svg`, 'image/svg+xml', svg);
}

function savePng(svg: string | null, name: string): void {
  if (svg) void downloadPng(`${name}.png`, svg);
}
