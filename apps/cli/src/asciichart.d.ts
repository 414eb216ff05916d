/** The part of asciichart that is used; the package has no types of its own. */
declare module 'asciichart' {
  const asciichart: {
    plot(
      values: readonly number[],
      options?: { readonly height?: number; readonly format?: (value: number) => string },
    ): string;
  };
  export default asciichart;
}
