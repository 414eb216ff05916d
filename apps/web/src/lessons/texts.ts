/** Words of the strip that guides through a lesson. */
import type { Text } from '../shell/language.ts';

export const texts = {
  lesson: { en: 'Lesson', zh: '课程' },
  step: (step: number, steps: number): Text => ({
    en: `step ${step} of ${steps}`,
    zh: `第 ${step} / ${steps} 步`,
  }),
  reached: { en: '✓ Done', zh: '✓ 完成' },
  open: { en: 'not yet', zh: '尚未完成' },
  back: { en: 'Back', zh: '上一步' },
  next: { en: 'Next', zh: '下一步' },
  again: { en: 'Start this step again', zh: '重新开始这一步' },
  finish: { en: 'Finish the lesson', zh: '完成课程' },
  leave: { en: 'Leave', zh: '退出' },
};
