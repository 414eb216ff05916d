/**
 * The graph of a formula at a size that can be read.
 *
 * What is larger than its window is moved about in it, never made smaller, and follows the node of the present step.
 */
import { useEffect, useRef } from 'preact/hooks';
import { say } from '../../shell/language.ts';
import { texts } from './texts.ts';

/** Pixels around a node that are shown with it, for the ends of its wires. */
const around = 60;

export function GraphPicture({ svg, node }: { readonly svg: string; readonly node: string | null }) {
  const frame = useRef<HTMLElement>(null);
  useEffect(() => {
    const target = node === null ? null : frame.current?.querySelector(`[data-node="${CSS.escape(node)}"]`);
    if (!frame.current || !target) return;
    const [inner, outer] = [target.getBoundingClientRect(), frame.current.getBoundingClientRect()];
    frame.current.scrollBy(
      beyond([inner.left, inner.right], [outer.left, outer.right]),
      beyond([inner.top, inner.bottom], [outer.top, outer.bottom]),
    );
  }, [svg, node]);
  return (
    <section
      class="picture"
      ref={frame}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: keys move it, as any region larger than its window
      tabIndex={0}
      aria-label={say(texts.graph)}
      data-testid="graph"
      style={{ '--natural': /\bwidth="(\d+)"/.exec(svg)?.[1] ?? '300' }}
      // The SVG is made by @ag/viz, which escapes all texts.
      dangerouslySetInnerHTML={{ __html: svg }}
    />
  );
}

type Range = readonly [low: number, high: number];

/** How far a range with room around it reaches out of another. */
function beyond([low, high]: Range, [least, most]: Range): number {
  if (low - around < least) return low - around - least;
  return Math.max(0, high + around - most);
}
