/**
 * Tests run on the sources: the `@ag/source` condition makes `@ag/tensor` mean packages/tensor/src.
 * `AG_TEST=full` (pnpm test:full) also runs the long matrices, which ask for it through `process.env`.
 */
import { defaultServerConditions } from 'vite';
import { defineConfig } from 'vitest/config';

const conditions = ['@ag/source', ...defaultServerConditions];
const full = process.env.AG_TEST === 'full';

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['{packages,apps}/*/src/**/*.test.ts', '{examples,bench,tests}/**/*.test.ts'],
    benchmark: { include: ['bench/**/*.bench.ts'] },
    exclude: ['**/node_modules/**', '**/dist/**'],
    maxWorkers: 2,
    testTimeout: full ? 600_000 : 120_000,
    hookTimeout: 120_000,
    // Tests of threads, processes and browsers depend on when a shared machine lets them run; a wrong result stays wrong.
    retry: process.env.CI ? 2 : 0,
  },
});
