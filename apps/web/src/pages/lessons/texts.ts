/** The words of the list of lessons. */
import type { Text } from '../../shell/language.ts';

export const texts = {
  explanation: {
    en: 'Seven tours through these pages. Each step has something to do and knows when it is done; all of it is computed in your browser.',
    zh: '七条游览路线。每一步都有事可做，并能判断是否完成；一切都在你的浏览器中计算。',
  },
  start: { en: 'Start', zh: '开始' },
  again: { en: 'Once more', zh: '再来一次' },
  done: { en: '✓ done', zh: '✓ 已完成' },
  steps: (count: number): Text => ({ en: `${count} step${count === 1 ? '' : 's'}`, zh: `${count} 步` }),
};
