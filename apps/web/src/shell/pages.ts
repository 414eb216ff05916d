/**
 * The pages, in the order in which they are best read. Each is loaded when it is opened.
 */
import type { Page } from './page.ts';

export const pages: readonly Page[] = [
  {
    id: 'home',
    title: { en: 'See it learn', zh: '看见学习' },
    summary: { en: 'Where to begin', zh: '从这里开始' },
    load: () => import('../pages/home/page.tsx'),
  },
];
