/**
 * Resolves when what was set before is on the screen; soon, too, where nothing is drawn because the page is hidden.
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
