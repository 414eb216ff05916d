/** The words of the code lab. */
import type { Text } from '../../shell/language.ts';

export const texts = {
  explanation: {
    en: 'A program in TypeScript with the whole library at hand. What it shows stands under the line that shows it: console.log, show(…), and bare expressions at the top level. It runs in a worker of its own, without network and storage, and can be stopped at any time.',
    zh: '一个可以使用整个库的 TypeScript 程序。输出显示在产生它的那一行下面：console.log、show(…)，以及顶层的裸表达式。程序在独立的 worker 中运行，没有网络和存储，随时可以停止。',
  },
  editor: { en: 'Program', zh: '程序' },
  run: { en: 'Run', zh: '运行' },
  stop: { en: 'Stop', zh: '停止' },
  runHint: { en: 'Ctrl+Enter or ⌘+Enter runs', zh: 'Ctrl+Enter 或 ⌘+Enter 运行' },
  copyLink: { en: 'Copy link', zh: '复制链接' },
  copied: { en: 'Copied', zh: '已复制' },
  download: { en: 'Save .ts', zh: '保存 .ts' },
  search: { en: 'Search the library', zh: '搜索示例库' },
  course: { en: 'The course', zh: '课程' },
  none: { en: 'Nothing has these words.', zh: '没有匹配的内容。' },
  preparing: { en: 'Preparing…', zh: '准备中…' },
  running: { en: 'Running…', zh: '运行中…' },
  stopped: { en: 'Stopped', zh: '已停止' },
  lost: {
    en: 'Stopped: the program had not answered for a minute',
    zh: '已停止：程序一分钟没有响应',
  },
  fromLink: { en: 'From a link. Read it, then run it.', zh: '来自链接。请先阅读，再运行。' },
  finished: (seconds: string): Text => ({ en: `Finished in ${seconds} s`, zh: `用时 ${seconds} 秒` }),
  failed: { en: 'Ended by an error', zh: '因错误结束' },
  silent: {
    en: 'The program has not answered for ten seconds. It may be computing, or never end.',
    zh: '程序已有十秒没有响应。它可能在计算，也可能永远不会结束。',
  },
  letItGo: { en: 'Let it go on', zh: '让它继续' },
  errors: (count: number): Text => ({
    en: count === 0 ? 'No type errors' : count === 1 ? '1 type error' : `${count} type errors`,
    zh: count === 0 ? '没有类型错误' : `${count} 个类型错误`,
  }),
  checking: { en: 'Types are loading…', zh: '正在加载类型…' },
  earlier: (count: number): Text => ({ en: `… ${count} earlier`, zh: `… 之前还有 ${count} 条` }),
  dropped: (count: number): Text => ({
    en: `… ${count} were too many to show`,
    zh: `… 另有 ${count} 条，数量过多未显示`,
  }),
  bytes: (count: number): Text => ({ en: `${count} bytes`, zh: `${count} 字节` }),
  picture: { en: 'A picture that the program has drawn', zh: '程序绘制的图' },
  parameters: (count: number): Text => ({
    en: `${count.toLocaleString('en')} parameters`,
    zh: `${count.toLocaleString('en')} 个参数`,
  }),
  notAllowed: {
    en: 'The server forbids the code lab’s worker to run programs. It should send the file assets/program-….js with the headers in fileHeaders.json.',
    zh: '服务器不允许代码实验室的 worker 运行程序。请为 assets/program-….js 发送 fileHeaders.json 中的响应头。',
  },
};
