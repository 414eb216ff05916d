/** The words of the microscope. */
import type { Text } from '../../shell/language.ts';

export const texts = {
  explanation: {
    en: 'A formula is a graph: every round node is one operation. Step forward to see values appear, then backward to see how the gradient of the result flows to every input by the chain rule.',
    zh: '公式就是一张图：每个圆形节点是一个运算。向前单步，看数值逐个出现；再向后单步，看结果的梯度如何按链式法则流向每个输入。',
  },
  choose: { en: 'Example', zh: '示例' },
  deepNetwork: { en: 'A deep network, 10,000 nodes', zh: '深层网络，一万个节点' },
  formula: { en: 'Formula', zh: '公式' },
  showViews: { en: 'show reshapes and transposes as nodes', zh: '把 reshape 与转置显示为节点' },

  start: { en: 'Start', zh: '起点' },
  back: { en: 'Step back', zh: '退一步' },
  next: { en: 'Step', zh: '单步' },
  allForward: { en: 'All forward', zh: '完成前向' },
  allBackward: { en: 'All backward', zh: '完成反向' },
  step: { en: 'Step', zh: '步' },
  play: { en: 'Play', zh: '播放' },
  pause: { en: 'Pause', zh: '暂停' },
  graphOf: { en: 'Graph of', zh: '显示的图' },
  unknown: (name: string): Text => ({ en: `What is ${name}?`, zh: `${name} 是什么？` }),
  makeVariable: (name: string): Text => ({ en: `a variable: ${name} = 1`, zh: `变量：${name} = 1` }),
  checked: { en: '✓ differences', zh: '✓ 差分一致' },
  noDerivative: { en: 'no derivative here', zh: '此处不可导' },
  unchecked: { en: '✗ differences', zh: '✗ 差分不符' },
  checkTitle: (difference: string): Text => ({
    en: `Central finite differences and the gradient differ by ${difference} (relative to 1 + its size).`,
    zh: `中心差分与梯度相差 ${difference}（相对于 1 加其大小）。`,
  }),
  pole: (label: string, value: string): Text => ({
    en: `${label} is ${value} here: no gradient comes from it that means anything.`,
    zh: `${label} 在此处为 ${value}：由它得到的梯度没有意义。`,
  }),
  kink: (label: string, operands: string): Text => ({
    en: `${label} has no derivative with respect to ${operands} here, so neither has f by the chain rule. What is shown is what the rule takes in its place.`,
    zh: `${label} 在此处对 ${operands} 不可导，链式法则因此也给不出 f 的导数。所显示的是规则取而代之的值。`,
  }),
  learn: { en: 'Learn', zh: '学习' },
  update: { en: 'One update', zh: '更新一次' },
  updates: { en: 'updates', zh: '更新次数' },
  now: { en: 'now', zh: '当前' },
  replay: { en: 'Replay', zh: '重放' },
  moment: { en: 'After so many updates', zh: '更新次数' },
  direction: { en: 'Slope in a direction', zh: '方向导数' },
  across: { en: 'Across', zh: '横轴' },
  upwards: { en: 'Upwards', zh: '纵轴' },
  along: { en: 'along', zh: '沿方向' },
  close: { en: 'Close', zh: '关闭' },
  graphCaption: {
    en: 'Above a wire: its value. Below, in color: the gradient of the result with respect to it; “—” is not computed yet, and Σ is the sum over all uses of a node.',
    zh: '连线上方：数值。下方（彩色）：结果对它的梯度；“—”表示尚未计算，Σ 表示对一个节点所有用途求和。',
  },

  atStart: {
    en: 'The inputs have their values. Press Step to compute the first node.',
    zh: '输入已有数值。点击“单步”计算第一个节点。',
  },
  forward: (label: string): Text => ({ en: `Forward: ${label}`, zh: `前向：${label}` }),
  backward: (label: string): Text => ({ en: `Backward: ${label}`, zh: `反向：${label}` }),
  upstream: { en: 'Upstream gradient: ', zh: '上游梯度：' },
  operand: { en: 'operand', zh: '操作数' },
  local: { en: 'local derivative', zh: '局部导数' },
  chainRule: { en: 'chain rule: local × upstream', zh: '链式法则：局部 × 上游' },
  jacobianNote: {
    en: 'A matrix is a Jacobian: row i, column j is the derivative of element i of the result with respect to element j of the operand. Elements are counted from 1, row by row (row-major). The upstream gradient, flattened to a row vector, times this matrix is what this use adds to the gradient of the operand.',
    zh: '矩阵是雅可比矩阵：第 i 行第 j 列是结果的第 i 个元素对操作数的第 j 个元素的导数。元素从 1 开始，逐行（行优先）编号。上游梯度展平成行向量后乘以该矩阵，就是这次使用给操作数梯度的贡献。',
  },
  undefinedHere: { en: 'not defined here', zh: '此处不可导' },
  undefinedAt: (elements: string): Text => ({
    en: `not defined at element ${elements}`,
    zh: `在第 ${elements} 个元素处不可导`,
  }),
  ruleTakes: { en: '; the rule takes ', zh: '；规则取 ' },

  openModule: { en: 'Open a module', zh: '展开模块' },
  closeModule: (path: string): Text => ({ en: `Close module ${path}`, zh: `收起模块 ${path}` }),
  network: { en: 'The network by modules', zh: '按模块显示的网络' },
  networkNote: (nodes: number, edges: number, parameters: number): Text => ({
    en: `A residual network and its loss: ${nodes} nodes, ${edges} edges, ${parameters} parameters. Each stacked box is a module; click one to look inside, drag to move about. Reshapes and transposes are labels of wires, not nodes.`,
    zh: `一个残差网络及其损失：${nodes} 个节点，${edges} 条边，${parameters} 个参数。每个叠起的方框是一个模块；点击查看内部，拖动以移动。reshape 与转置是连线的标签，不算节点。`,
  }),
  building: { en: 'Building the network…', zh: '正在构建网络…' },
};
