/** Whether the screen is a phone's: pictures are drawn narrower, so that their type stays readable. */
export function isNarrow(): boolean {
  return innerWidth < 640;
}
