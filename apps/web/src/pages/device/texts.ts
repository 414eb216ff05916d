/** Words of the page about this device. */
import type { Text } from '../../shell/language.ts';
import type { BenchmarkName } from './examine.ts';
import type { BackendId } from './findings.ts';

export const texts = {
  explanation: {
    en: 'Does the library compute rightly on your device, and how fast? The conformance suite, hundreds of tests with values from elsewhere that every backend has to pass, and three short benchmarks, run here in your browser. Nothing is sent anywhere; a link carries what was found.',
    zh: '本库在您的设备上计算正确吗？有多快？一致性测试（数百项，预期值来自独立来源，每个后端都须通过）和三项简短基准，就在您的浏览器中运行。不向任何地方发送数据；链接可带走结果。',
  },
  run: { en: 'Examine this device', zh: '检测本设备' },
  stop: { en: 'Stop', zh: '停止' },
  backends: { en: 'Backends', zh: '后端' },
  derivatives: { en: 'Derivatives too (takes longer)', zh: '也测导数（较慢）' },
  only: { en: 'Only these operations (exp, matmul)', zh: '仅这些运算（exp, matmul）' },
  share: { en: 'Put the findings into the address', zh: '将结果写入网址' },
  copyText: { en: 'Copy as text', zh: '复制为文本' },
  tests: { en: 'Tests', zh: '测试' },
  allTests: { en: 'All tests', zh: '全部测试' },
  speed: { en: 'Speed', zh: '速度' },
  absent: { en: 'Not here: ', zh: '此处没有：' },
  untouched: { en: 'Not examined yet', zh: '尚未检测' },
  wrongTitle: { en: 'What is computed wrongly', zh: '计算有误之处' },
  rightTitle: { en: 'Everything that was tested is computed rightly', zh: '所测内容全部计算正确' },
  shared: (browser: string, cores: number): Text => ({
    en: `Findings from a link: ${browser}, ${cores} cores`,
    zh: `链接中的结果：${browser}，${cores} 核`,
  }),
  here: (browser: string, cores: number): Text => ({
    en: `This device: ${browser}, ${cores} cores`,
    zh: `本设备：${browser}，${cores} 核`,
  }),
  unreadable: {
    en: 'The findings in this address cannot be read; the link may have been cut. Examine this device, or ask for the link again.',
    zh: '无法读取网址中的结果，链接可能被截断。请检测本设备，或重新索取链接。',
  },
  progress: (done: number, all: number): Text => ({ en: `${done} of ${all}`, zh: `${done} / ${all}` }),
  status: (passed: number, run: number): Text => ({
    en: `${passed} of ${run} tests passed.`,
    zh: `${run} 项测试中通过 ${passed} 项。`,
  }),
  stopped: { en: 'stopped before the end', zh: '提前停止' },
} as const;

export const backendTitles: Readonly<Record<BackendId, Text>> = {
  reference: { en: 'Reference', zh: '参考实现' },
  wasm: { en: 'WebAssembly', zh: 'WebAssembly' },
  webgpu: { en: 'WebGPU', zh: 'WebGPU' },
};

export const benchmarkTitles: Readonly<Record<BenchmarkName, Text>> = {
  product: { en: 'Product of matrices, GFLOP/s', zh: '矩阵乘积，GFLOP/s' },
  elementwise: { en: 'tanh(a·b + 1), million elements/s', zh: 'tanh(a·b + 1)，百万元素/秒' },
  training: { en: 'Training, steps/s', zh: '训练，步/秒' },
};

/** Parts of the suite; others are shown by their own name. */
export const groupTitles: ReadonlyMap<string, Text> = new Map([
  ['elementwise', { en: 'Elementwise functions', zh: '逐元素函数' }],
  ['reductions', { en: 'Reductions', zh: '归约' }],
  ['movement, products, indexing', { en: 'Movement, products, indexing', zh: '重排、乘积、索引' }],
  ['derivatives', { en: 'Derivatives', zh: '导数' }],
  ['no elements, no axes', { en: 'No elements, no axes', zh: '无元素、无轴' }],
  ['convolutions of many channels', { en: 'Convolutions of many channels', zh: '多通道卷积' }],
  ['long sums', { en: 'Long sums', zh: '长求和' }],
  ['storage dtypes', { en: 'Storage in 16 bits', zh: '16 位存储' }],
  ['plans', { en: 'Plans', zh: '执行计划' }],
]);
