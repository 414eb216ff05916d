/**
 * One step of the microscope in words and numbers: what a node computes, or how its gradient goes on to its operands.
 */
import type { NestedArray } from '@ag/tensor';
import { say } from '../../shell/language.ts';
import { stepNode } from './reveal.ts';
import type { Link, Study } from './study.ts';
import { wordsFor } from './words.ts';

/** What the present step computes, written out. */
export function StepText({
  study: { graph, links, forward },
  step,
}: {
  readonly study: Study;
  readonly step: number;
}) {
  const position = stepNode({ forward }, step);
  if (position === null) {
    return (
      <p class="card" data-testid="step-text">
        {say({
          en: 'The inputs have their values. Press Step to compute the first node.',
          zh: '输入已有数值。点击“单步”计算第一个节点。',
        })}
      </p>
    );
  }
  const node = graph.nodes[position];
  const operands = graph.edges.filter((edge) => edge.to === node.id).sort((a, b) => a.index - b.index);
  const nameOf = (id: string) => graph.nodes.find((each) => each.id === id)!;
  if (step <= forward.length) {
    return (
      <div class="card" data-testid="step-text">
        <h2>{say({ en: `Forward: ${node.label}`, zh: `前向：${node.label}` })}</h2>
        <p class="number">
          {node.label}({operands.map((edge) => numbers(nameOf(edge.from).value as NestedArray)).join(', ')}) ={' '}
          <strong>{numbers(node.value as NestedArray)}</strong>
        </p>
      </div>
    );
  }
  return (
    <div class="card" data-testid="step-text">
      <h2>{say({ en: `Backward: ${node.label}`, zh: `反向：${node.label}` })}</h2>
      <p>{say(wordsFor(node.op ?? ''))}</p>
      <p class="number">
        {say({ en: 'Gradient that arrives: ', zh: '到达的梯度：' })}
        <strong>{numbers(node.gradient as NestedArray)}</strong>
      </p>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">{say({ en: 'operand', zh: '操作数' })}</th>
              <th scope="col">{say({ en: 'local derivative', zh: '局部导数' })}</th>
              <th scope="col">{say({ en: 'chain rule: local × arriving', zh: '链式法则：局部 × 到达' })}</th>
            </tr>
          </thead>
          <tbody>
            {links[position].map((link, i) => (
              <tr key={i}>
                <td>{link.label}</td>
                <td class="number">
                  {link.undefinedAt.length > 0 ? <UndefinedHere link={link} /> : numbers(link.local)}
                </td>
                <td class="number">
                  {typeof link.local === 'number'
                    ? `${numbers(link.local)} × ${numbers(node.gradient as NestedArray)} = `
                    : ''}
                  <strong>{numbers(link.contribution)}</strong>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}

/** No derivative is not a derivative of 0: the rule's own choice is told as one. */
function UndefinedHere({ link: { local, undefinedAt } }: { readonly link: Link }) {
  const where = undefinedAt.map((position) => position + 1).join(', ');
  return (
    <span data-testid="undefined-here">
      <strong>
        {typeof local === 'number'
          ? say({ en: 'not defined here', zh: '此处不可导' })
          : say({ en: `not defined at element ${where}`, zh: `在第 ${where} 个元素处不可导` })}
      </strong>
      {say({ en: '; the rule takes ', zh: '；规则取 ' })}
      {numbers(local)}
    </span>
  );
}

/** Arrays of more numbers are told by their size. */
const most = 64;

function numbers(value: NestedArray | null): string {
  if (value === null) return '—';
  const sizes = sizesOf(value);
  if (sizes.reduce((a, b) => a * b, 1) > most) return `[${sizes.join('×')}]`;
  if (Array.isArray(value)) return `[${value.map(numbers).join(', ')}]`;
  if (typeof value !== 'number') return String(value);
  return String(Number(value.toPrecision(4))).replaceAll('-', '−');
}

function sizesOf(value: NestedArray): number[] {
  return Array.isArray(value) ? [value.length, ...sizesOf(value[0] ?? 0)] : [];
}
