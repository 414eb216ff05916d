/**
 * What flows along the wires of a graph.
 *
 * Dots travel from end to end once, forward with a value or back with a gradient. Whoever wants less motion sees the same steps without them.
 */

const duration = 650;

export type Flow = 'forward' | 'backward';

/**
 * Sends a dot along each wire that leads to the node: to it, or back from it.
 * @returns ends it
 */
export function pulse(picture: Element, node: string, flow: Flow): () => void {
  if (matchMedia('(prefers-reduced-motion: reduce)').matches) return () => undefined;
  const travelers = [...picture.querySelectorAll(`[data-to="${CSS.escape(node)}"]`)].flatMap((edge) => {
    const path = edge.querySelector('path');
    if (!path) return [];
    const dot = document.createElementNS('http://www.w3.org/2000/svg', 'circle');
    dot.setAttribute('r', '4.5');
    dot.setAttribute('class', `pulse ${flow}`);
    edge.append(dot);
    return [{ path, dot, length: path.getTotalLength() }];
  });
  let frame = 0;
  const start = performance.now();
  const move = (now: number) => {
    const share = Math.min(1, Math.max(0, (now - start) / duration));
    // Slow at both ends.
    const eased = share * share * (3 - 2 * share);
    for (const { path, dot, length } of travelers) {
      const { x, y } = path.getPointAtLength(length * (flow === 'forward' ? eased : 1 - eased));
      dot.setAttribute('cx', String(x));
      dot.setAttribute('cy', String(y));
    }
    if (share < 1) frame = requestAnimationFrame(move);
    else for (const { dot } of travelers) dot.remove();
  };
  move(start);
  return () => {
    cancelAnimationFrame(frame);
    for (const { dot } of travelers) dot.remove();
  };
}
