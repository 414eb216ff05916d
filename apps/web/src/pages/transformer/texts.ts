/** Words of the transformer page. */
import type { Text } from '../../shell/language.ts';
import type { Place } from './heads.ts';

export const texts = {
  explanation: {
    en: 'A small GPT reads a text character by character and learns to foretell the next one. To do so each of its heads of attention learns where to look back. Point at a character: arcs lead to what it looks at.',
    zh: '一个小型 GPT 逐字阅读文本，学习预测下一个字符。为此，它的每个注意力头都学会向后看哪里。指向一个字符：弧线通向它所注意的位置。',
  },
  text: { en: 'Text', zh: '文本' },
  sentences: { en: 'Sentences: verbs agree with their nouns', zh: '句子：动词与名词一致' },
  brackets: { en: 'Brackets: closed as they were opened', zh: '括号：如何打开就如何关闭' },
  own: { en: 'Your own', zh: '自己的文本' },
  ownText: { en: 'Your text', zh: '您的文本' },
  missing: (count: number): Text => ({
    en: `The text is too short: ${count} more characters are needed.`,
    zh: `文本太短：还需要 ${count} 个字符。`,
  }),
  prompt: { en: 'Text that is looked at', zh: '所观察的文本' },
  position: { en: 'Character', zh: '字符' },
  context: { en: 'Looks back (characters)', zh: '回看字符数' },
  width: { en: 'Width', zh: '宽度' },
  layers: { en: 'Layers', zh: '层数' },
  heads: { en: 'Heads', zh: '头数' },
  temperature: { en: 'Temperature of writing', zh: '写作温度' },
  allHeads: { en: 'All heads', zh: '所有头' },
  head: (layer: number, head: number): Text => ({
    en: `Layer ${layer + 1}, head ${head + 1}`,
    zh: `第 ${layer + 1} 层，第 ${head + 1} 头`,
  }),
  headName: (layer: number, head: number): Text => ({
    en: `Layer ${layer + 1} · ${head + 1}`,
    zh: `层 ${layer + 1} · ${head + 1}`,
  }),
  attention: (character: string, head: Text, seen: string): Text => ({
    en: `Where “${character}” looks, ${head.en}: ${seen}`,
    zh: `“${character}” 看向何处，${head.zh}：${seen}`,
  }),
  headsTitle: { en: 'What each head looks at', zh: '每个头看什么' },
  headsCaption: {
    en: 'Row by row each character, column by column what it looks at; stronger is more. Below each where most of it goes: the character itself, the previous one, the same further back, spaces and marks, near (8) or far. Press one to see it alone.',
    zh: '每行是一个字符，每列是它所看的位置；颜色越强注意越多。下方是它最常看的位置：自身、前一个、更早的相同字符、空格与标点、附近（8 个以内）或远处。按下可单独查看。',
  },
  nextTitle: (character: string): Text => ({ en: `After “${character}”`, zh: `“${character}”之后` }),
  actual: { en: 'in the text', zh: '文本中的' },
  learningTitle: { en: 'Surprise at unseen text', zh: '对未见文本的意外程度' },
  step: { en: 'step', zh: '步' },
  nats: { en: 'nats per character', zh: '奈特/字符' },
  trigram: { en: 'trigrams', zh: '三元组' },
  unseen: { en: 'transformer', zh: 'Transformer' },
  better: (seconds: string): Text => ({
    en: `Better than counts of three characters after ${seconds} s of training.`,
    zh: `训练 ${seconds} 秒后优于三字符计数。`,
  }),
  notYet: {
    en: 'Not yet better than counts of three characters.',
    zh: '尚未优于三字符计数。',
  },
  resumed: (step: number): Text => ({
    en: `Gone on from step ${step}, which this browser has kept.`,
    zh: `从本浏览器保存的第 ${step} 步继续。`,
  }),
  writingTitle: { en: 'It writes', zh: '它写道' },
  write: { en: 'Write', zh: '写一段' },
  nothingWritten: { en: 'Nothing yet: train it, or press “Write”.', zh: '还没有：请训练，或按“写一段”。' },
  stepNumber: { en: 'Step', zh: '步数' },
  seconds: { en: 'Training (s)', zh: '训练（秒）' },
  loss: { en: 'Loss', zh: '损失' },
  unseenLoss: { en: 'Unseen', zh: '未见文本' },
  trigramLoss: { en: 'Trigrams', zh: '三元组' },
  status: (step: number, loss: string): Text => ({
    en: `Paused at step ${step}; ${loss} nats per character on unseen text.`,
    zh: `暂停于第 ${step} 步；未见文本上每字符 ${loss} 奈特。`,
  }),
  data: (known: number, unseen: number, alphabet: number): Text => ({
    en: `${known} characters are learned, ${unseen} are kept aside; there are ${alphabet} different ones.`,
    zh: `学习 ${known} 个字符，保留 ${unseen} 个；共 ${alphabet} 种字符。`,
  }),
} as const;

/** Where a head looks. */
export const placeNames: Readonly<Record<Place, Text>> = {
  itself: { en: 'itself', zh: '自身' },
  previous: { en: 'previous', zh: '前一个' },
  same: { en: 'same', zh: '相同字符' },
  mark: { en: 'marks', zh: '空格标点' },
  near: { en: 'near', zh: '附近' },
  far: { en: 'far', zh: '远处' },
};
