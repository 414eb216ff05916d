/** Every environment: its name, what it is called in the table, when it is run, and the job. */
import { browser, bundler } from './pages.mjs';
import { bun, deno, node, workerd } from './runtimes.mjs';
import { typescript } from './types.mjs';

/** `quick` ones run with every change, the others where all are asked for. */
export const environments = [
  { name: 'node20', quick: true, title: 'Node 20, modules', job: node(20, 'esm') },
  { name: 'node20-cjs', quick: true, title: 'Node 20, CommonJS', job: node(20, 'cjs') },
  { name: 'node22', title: 'Node 22, modules', job: node(22, 'esm') },
  { name: 'node22-cjs', title: 'Node 22, CommonJS', job: node(22, 'cjs') },
  { name: 'node24', title: 'Node 24, modules', job: node(24, 'esm') },
  { name: 'node24-cjs', title: 'Node 24, CommonJS', job: node(24, 'cjs') },
  { name: 'node26', title: 'Node 26, modules', job: node(26, 'esm') },
  { name: 'node26-cjs', title: 'Node 26, CommonJS', job: node(26, 'cjs') },
  { name: 'bun', title: 'Bun', job: bun },
  { name: 'deno', title: 'Deno', job: deno },
  { name: 'workerd', title: 'Cloudflare Workers', job: workerd },
  { name: 'typescript-5.4', quick: true, title: 'TypeScript 5.4', job: typescript('5.4') },
  { name: 'typescript-5.9', title: 'TypeScript 5.9', job: typescript('5.9') },
  { name: 'typescript-6.0', title: 'TypeScript 6.0', job: typescript('6.0') },
  { name: 'typescript-7.0', quick: true, title: 'TypeScript 7.0', job: typescript('7.0') },
  { name: 'vite', quick: true, title: 'Vite', job: bundler('vite', 'Vite') },
  { name: 'webpack', title: 'webpack', job: bundler('webpack', 'webpack') },
  { name: 'rollup', quick: true, title: 'Rollup', job: bundler('rollup', 'Rollup') },
  { name: 'esbuild', quick: true, title: 'esbuild', job: bundler('esbuild', 'esbuild') },
  { name: 'rspack', title: 'Rspack', job: bundler('rspack', 'Rspack', '@rspack/core') },
  { name: 'parcel', title: 'Parcel', job: bundler('parcel', 'Parcel') },
  { name: 'next', title: 'Next, webpack', job: bundler('next', 'Next') },
  { name: 'turbopack', title: 'Next, Turbopack', job: bundler('turbopack', 'Next', 'next') },
  { name: 'firefox', title: 'Firefox', job: browser('firefox', 'Firefox') },
  { name: 'webkit', title: 'WebKit', job: browser('webkit', 'WebKitGTK') },
];
