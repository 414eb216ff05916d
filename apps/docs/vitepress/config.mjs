/**
 * The site's settings. It is built in a folder that `src/assemble.ts` writes, beside which lie `menus.json` and `site.json`.
 */
import { readFileSync } from 'node:fs';
import { searchOptions } from './search.mjs';

const read = (name) => JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8'));
const { base, repository, vitepress } = read('site.json');

/** As GitHub makes anchors: see links.ts. */
const slugify = (heading) =>
  heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '')
    .replaceAll(' ', '-');

export default {
  title: 'ag',
  description: 'Automatic differentiation and deep learning for TypeScript, in Node and in browsers.',
  lang: 'en-US',
  base,
  // No picture is asked for.
  head: [['link', { rel: 'icon', href: 'data:,' }]],
  cleanUrls: false,
  // One file for the data of all pages, in place of a copy within each.
  metaChunk: true,
  lastUpdated: false,
  ignoreDeadLinks: false,
  markdown: {
    anchor: { slugify },
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
  },
  vite: {
    build: { chunkSizeWarningLimit: 4000 },
    // VitePress does not stand in a node_modules above this folder.
    resolve: {
      alias: { 'vitepress/theme-without-fonts': `${vitepress}/dist/client/theme-default/without-fonts.js` },
    },
  },
  themeConfig: {
    nav: [
      { text: 'Guide', link: '/guide/install', activeMatch: '^/guide/|^/questions' },
      { text: 'Examples', link: '/learn/', activeMatch: '^/learn/' },
      { text: 'Reference', link: '/reference/', activeMatch: '^/reference/' },
      { text: 'Packages', link: '/packages/all', activeMatch: '^/packages/' },
      { text: 'Inside', link: '/inside/', activeMatch: '^/inside/' },
      { text: 'Measurements', link: '/bench/', activeMatch: '^/bench/' },
    ],
    sidebar: read('menus.json'),
    outline: { level: [2, 3], label: 'On this page' },
    search: {
      provider: 'local',
      options: {
        detailedView: true,
        miniSearch: { searchOptions },
        // Of the reference only titles and names are searched; what repeats others is left out.
        _render(source, env, markdown) {
          const path = env.relativePath;
          if (/^(?:questions|inside\/map|inside\/decisions\/README|bench\/notes)/.test(path)) return '';
          const html = markdown.render(source, env);
          if (!path.startsWith('reference/api/')) return html;
          return (html.match(/<h[12][^>]*>.*?<\/h[12]>/gs) ?? []).join('\n');
        },
      },
    },
    ...(repository ? { socialLinks: [{ icon: 'github', link: repository }] } : {}),
    footer: { message: 'MIT license' },
    docFooter: { prev: 'Before', next: 'Next' },
  },
};
