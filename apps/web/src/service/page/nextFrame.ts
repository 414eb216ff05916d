/**
 * Waits until what was set before is on the screen.
 *
 * Not for long where nothing is drawn because the page is hidden.
 */
export function nextFrame(): Promise<void> {
  return new Promise((resolve) => {
    const late = setTimeout(resolve, 250);
    requestAnimationFrame(() => {
      clearTimeout(late);
      resolve();
    });
  });
}
