/** Words of the parts that pages share. */
import type { Text } from '../shell/language.ts';

export const texts = {
  train: { en: 'Train', zh: '训练' },
  pause: { en: 'Pause', zh: '暂停' },
  step: { en: 'One step', zh: '单步' },
  aFewSteps: { en: 'A few steps', zh: '练几步' },
  reset: { en: 'Reset', zh: '重置' },
  learningRate: { en: 'Learning rate', zh: '学习率' },
  batchSize: { en: 'Batch size', zh: '批大小' },
  dropout: { en: 'Dropout', zh: 'Dropout' },
  seed: { en: 'Random seed', zh: '随机种子' },
  hiddenUnits: { en: 'Hidden units', zh: '隐藏单元' },
  optimizer: { en: 'Optimizer', zh: '优化器' },
  /** Before a message that is English in every language. */
  problem: { en: '', zh: '无法继续：' },
  controls: { en: 'Controls', zh: '控制' },
  code: { en: 'The code that makes this', zh: '生成本页内容的代码' },
  copy: { en: 'Copy', zh: '复制' },
  toCodeLab: { en: 'Open in the code lab', zh: '在代码实验室中打开' },
  copied: { en: 'Copied', zh: '已复制' },
  larger: { en: 'Zoom in', zh: '放大' },
  smaller: { en: 'Zoom out', zh: '缩小' },
  dragToChange: { en: 'Drag sideways to change', zh: '左右拖动以改变' },
  link: { en: 'Copy link', zh: '复制链接' },
  linkCopied: { en: 'Link copied', zh: '链接已复制' },
  fit: { en: 'Fit', zh: '适合窗口' },
  matrix: (rows: number, columns: number): Text => ({
    en: `${rows} × ${columns} matrix`,
    zh: `${rows} × ${columns} 矩阵`,
  }),
  referenceBackend: (reason: string): Text => ({
    en: `WebAssembly cannot be used here, so the slower reference backend computes: ${reason}`,
    zh: `此处无法使用 WebAssembly，改由较慢的参考后端计算：${reason}`,
  }),
  graphics: (device: string, software: boolean): Text => ({
    en: `Computed in your browser by WebGPU, on ${device}${software ? ': software that acts as a graphics processor, slower than WebAssembly' : ''}.`,
    zh: `在您的浏览器中由 WebGPU 计算，设备为 ${device}${software ? '（软件模拟的图形处理器，比 WebAssembly 慢）' : ''}。`,
  }),
  threads: (count: number): Text => ({
    en: `Computed in your browser by WebAssembly, on up to ${count} threads.`,
    zh: `在您的浏览器中由 WebAssembly 计算，最多 ${count} 个线程。`,
  }),
  oneThread: (reason: string): Text => ({
    en: `Computed in your browser by WebAssembly, on one thread: ${reason}`,
    zh: `在您的浏览器中由 WebAssembly 以单线程计算：${reason}`,
  }),
};
