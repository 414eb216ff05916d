/**
 * The one build configuration: ECMAScript modules with declarations and source maps, for Node and browsers alike.
 * Every package imports it, so that changing the bundler later means changing this file.
 */
import { defineConfig, type Options } from 'tsup';

const shared: Options = {
  format: 'esm',
  target: 'es2022',
  sourcemap: true,
  clean: true,
  removeNodeProtocol: false,
  external: [/^node:/],
  silent: true,
};

/**
 * A package other programs import: declarations included, nothing assumed about the platform. With `minifySyntax`, constants are
 * written where they are used.
 */
export function library(
  entry: Options['entry'],
  declared: Options['entry'] = entry,
  { minifySyntax = false } = {},
) {
  return defineConfig({
    ...shared,
    esbuildOptions: (options) => {
      options.minifySyntax = minifySyntax;
    },
    entry,
    platform: 'neutral',
    // tsup sets `baseUrl`, which TypeScript 6 reports as deprecated.
    // What is tagged `@internal` is no promise: declarations leave it out.
    dts: { entry: declared, compilerOptions: { ignoreDeprecations: '6.0', stripInternal: true } },
  });
}

/** A program run by Node: no declarations. */
export function program(entry: string[]) {
  return defineConfig({ ...shared, entry, platform: 'node' });
}
