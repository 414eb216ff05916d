/** What a program shows, drawn under its lines: blocks between the lines of the editor. */
import { type Range, StateEffect, StateField } from '@codemirror/state';
import { Decoration, type DecorationSet, EditorView, WidgetType } from '@codemirror/view';
import { download } from '../../../components/download.ts';
import { formatNumber } from '../../../components/numbers.ts';
import { say } from '../../../shell/language.ts';
import type { Content, Item } from '../items.ts';
import { texts } from '../texts.ts';

/** Items kept under one line; older ones are counted. */
const mostUnderLine = 60;

const clear = StateEffect.define<null>();
const place = StateEffect.define<{ readonly at: number; readonly widget: OutputWidget }>();

/** The element of a line's output, which grows while the program runs. */
class OutputWidget extends WidgetType {
  readonly element = document.createElement('div');
  /** The editor measures blocks without their margins, so room around one is inside of another. */
  readonly #room = document.createElement('div');
  #gone = 0;

  constructor() {
    super();
    this.#room.className = 'lab-room';
    this.element.className = 'lab-output';
    this.#room.append(this.element);
  }

  override toDOM(): HTMLElement {
    return this.#room;
  }

  override eq(other: OutputWidget): boolean {
    return other === this;
  }

  override ignoreEvent(): boolean {
    return true;
  }

  add(contents: readonly Content[]): void {
    const atEnd = this.element.scrollTop + this.element.clientHeight >= this.element.scrollHeight - 4;
    this.element.append(...contents.slice(-mostUnderLine).map(elementOf));
    this.#gone += Math.max(0, contents.length - mostUnderLine);
    const kept = this.element.querySelectorAll(':scope > :not(.lab-gone)');
    const many = kept.length - mostUnderLine;
    for (let i = 0; i < many; i++) kept[i].remove();
    this.#gone += Math.max(0, many);
    if (this.#gone > 0) this.#sayGone();
    if (atEnd) this.element.scrollTop = this.element.scrollHeight;
  }

  #sayGone(): void {
    let note = this.element.querySelector('.lab-gone');
    if (!note) {
      note = document.createElement('p');
      note.className = 'lab-gone';
      this.element.prepend(note);
    }
    note.textContent = say(texts.earlier(this.#gone));
  }
}

const field = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(before, transaction) {
    let next = before.map(transaction.changes);
    for (const effect of transaction.effects) {
      if (effect.is(clear)) next = Decoration.none;
      if (effect.is(place)) next = next.update({ add: [rangeOf(effect.value.widget, effect.value.at)] });
    }
    return next;
  },
  provide: (self) => EditorView.decorations.from(self),
});

function rangeOf(widget: OutputWidget, at: number): Range<Decoration> {
  return Decoration.widget({ widget, block: true, side: 1 }).range(at);
}

/** The extension of an editor, and the way to write into it. */
export function outputs() {
  const widgets = new Map<number, OutputWidget>();
  return {
    extension: field,
    clear(view: EditorView): void {
      widgets.clear();
      view.dispatch({ effects: clear.of(null) });
    },
    /** Lines are those of the program that runs, which may have been edited since. */
    add(view: EditorView, items: readonly Item[]): void {
      const byLine = new Map<number, Content[]>();
      for (const { line, content } of items) byLine.set(line, [...(byLine.get(line) ?? []), content]);
      const { doc } = view.state;
      for (const [line, contents] of byLine) {
        let widget = widgets.get(line);
        if (!widget) {
          widget = new OutputWidget();
          widgets.set(line, widget);
          const at = line === 0 ? doc.length : doc.line(Math.min(line, doc.lines)).to;
          view.dispatch({ effects: place.of({ at, widget }) });
        }
        widget.add(contents);
      }
      view.requestMeasure();
    },
  };
}

/** An element for a content. What a program says is text or the source of an image, never markup of this page. */
function elementOf(content: Content): HTMLElement {
  switch (content.kind) {
    case 'text':
      return withText('pre', 'lab-text', content.text);
    case 'error':
      return withText('pre', 'lab-error', content.text);
    case 'svg':
      return image(content.svg);
    case 'file': {
      const { name, bytes } = content;
      const button = withText('button', 'lab-file', `${name}, ${say(texts.bytes(bytes.length))} ↓`);
      button.onclick = () => download(name.split('/').at(-1)!, 'application/octet-stream', bytes);
      return button;
    }
    case 'tensor': {
      const { shape, dtype, text, svg } = content;
      const box = document.createElement('details');
      const head = withText('summary', 'lab-tensor', `${dtype} [${shape.join(', ')}]`);
      const numbers = withText('pre', 'lab-text', text);
      if (svg === null) return numbers;
      box.append(head, numbers);
      const both = document.createElement('div');
      both.append(image(svg), box);
      return both;
    }
    case 'network':
      return network(content);
  }
}

function withText<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  className: string,
  text: string,
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name);
  element.className = className;
  element.textContent = text;
  return element;
}

/** As an image a picture runs no script, whatever is in it. */
function image(svg: string): HTMLImageElement {
  const element = document.createElement('img');
  element.className = 'lab-picture';
  // Known before it is drawn, so that nothing shifts.
  const size = (name: string): number => Number(new RegExp(`^[^>]*\\s${name}="(\\d+)`).exec(svg)?.[1] ?? 0);
  if (size('width') > 0 && size('height') > 0)
    [element.width, element.height] = [size('width'), size('height')];
  element.alt = /<desc[^>]*>([^<]*)/.exec(svg)?.[1] ?? say(texts.picture);
  element.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  return element;
}

function network({ name, parameters, rows }: Content & { readonly kind: 'network' }): HTMLElement {
  const table = document.createElement('table');
  table.className = 'lab-network';
  const caption = withText('caption', '', `${name}: ${say(texts.parameters(parameters))}`);
  table.append(caption);
  for (const row of rows) {
    const line = document.createElement('tr');
    line.append(withText('th', '', row.name), withText('td', '', row.shape));
    line.append(withText('td', '', formatNumber(row.count)));
    table.append(line);
  }
  return table;
}
