import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findBrowser, openPage } from './browser.mjs';
import { addPackages } from './packed.mjs';
import { functionProject, moduleProject, outcome, write } from './programs.mjs';
import { run, toolsOf, versionOf } from './tools.mjs';

const page = (script) => `<!doctype html>
<html lang="en">
  <head><meta charset="utf-8"><title>example</title></head>
  <body><script type="module" src="${script}"></script></body>
</html>
`;

const vite = {
  files: {
    'index.html': page('/index.js'),
    'vite.config.js': "export default { worker: { format: 'es' } };\n",
  },
  command: ['vite/bin/vite.js', 'build'],
};

/** Hints about large files are meant for pages that do nothing but show text. */
const noHints = 'export default { performance: { hints: false } };\n';

/** What a stranger would write for each bundler, and how it is called. */
const bundlers = {
  vite,
  webpack: {
    files: { 'webpack.config.js': noHints },
    command: ['webpack-cli/bin/cli.js', 'build', '--mode', 'production', '--entry', './index.js'],
    html: page('/main.js'),
  },
  rspack: {
    files: { 'rspack.config.js': noHints },
    command: ['@rspack/cli/bin/rspack.js', 'build', '--mode', 'production', '--entry', './index.js'],
    html: page('/main.js'),
  },
  esbuild: {
    files: {},
    command: [
      'esbuild/bin/esbuild',
      ...[
        'index.js',
        'training.js',
        'worker=@ag/all/worker',
        '--bundle',
        '--splitting',
        '--format=esm',
        '--outdir=dist',
      ],
    ],
    html: page('/index.js'),
  },
  rollup: {
    files: {
      'rollup.config.js': `import commonjs from '@rollup/plugin-commonjs';
import { nodeResolve } from '@rollup/plugin-node-resolve';
export default {
  input: { index: 'index.js', training: 'training.js', worker: '@ag/all/worker' },
  output: { dir: 'dist', entryFileNames: '[name].js' },
  plugins: [nodeResolve({ browser: true }), commonjs()],
};
`,
    },
    command: ['rollup/dist/bin/rollup', '-c'],
    html: page('/index.js'),
  },
  parcel: {
    files: {
      'index.html': page('./index.js'),
      'package.json':
        '{ "private": true, "type": "module", "@parcel/bundler-default": { "minBundles": 10000000 } }\n',
      // By which Parcel knows where the project begins, and so which package.json to read.
      'package-lock.json': '{ "lockfileVersion": 3, "packages": {} }\n',
    },
    command: ['parcel/lib/bin.js', 'build', 'index.html', '--no-cache', '--no-source-maps'],
  },
  next: { command: ['next/dist/bin/next', 'build', '--webpack'], out: 'out' },
  turbopack: { command: ['next/dist/bin/next', 'build', '--turbopack'], out: 'out' },
};

/** A page of Next's, which is a folder of plain files once it is built. */
const nextFiles = {
  'next.config.mjs': "export default { output: 'export' };\n",
  'app/layout.jsx':
    'export default ({ children }) => <html lang="en"><head></head><body>{children}</body></html>;\n',
  'app/page.jsx': `'use client';
import { useEffect, useRef } from 'react';
export default function Page() {
  const began = useRef(false);
  useEffect(() => {
    if (!began.current) import('../index.js').then(({ train }) => train());
    began.current = true;
  }, []);
  return <p>training</p>;
}
`,
};

/** Words by which tools complain; names of files that hold them are none. */
const complaint = /\bwarn(ing)?s?\b|⚠|\(!\)|externalized|deprecated/i;

async function built(name) {
  const isNext = name === 'next' || name === 'turbopack';
  const folder = await toolsOf(isNext ? 'next' : name);
  await addPackages(folder);
  const { files = {}, command, html, out = 'dist' } = bundlers[name];
  const project = write(join(folder, name), {
    ...(isNext ? functionProject() : moduleProject()),
    'package.json': '{ "private": true, "type": "module" }\n',
    ...(isNext ? nextFiles : files),
  });
  const [program, ...options] = command;
  const file = join(folder, 'node_modules', program);
  // esbuild's command is a program of its own where its install script ran, else a script.
  const said = await run(process.execPath, [file, ...options], project);
  const complaints = said.split('\n').filter((line) => complaint.test(line) && !/0 warnings/.test(line));
  if (complaints.length > 0) throw new Error(`it warns:\n${said.trim()}`);
  return { folder, site: join(project, out), html };
}

/** A bundler, its page in Chromium. */
export function bundler(name, title, packageName = name) {
  return async () => {
    const { version } = findBrowser('chromium');
    const { folder, site, html } = await built(name);
    if (html) writeFileSync(join(site, 'index.html'), html);
    const runs = outcome(await openPage(site));
    return { versions: `${title} ${versionOf(folder, packageName)}, Chromium ${version}`, runs };
  };
}

/** Another browser, with the page that Vite builds. */
export function browser(name, title) {
  return async () => {
    const { version } = findBrowser(name);
    const { site } = await built('vite');
    return { versions: `${title} ${version}`, runs: outcome(await openPage(site, name, { seconds: 150 })) };
  };
}
