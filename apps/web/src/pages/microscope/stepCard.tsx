/** One step in words and numbers: what a node computes, or how its gradient goes on to its operands. */
import type { NestedArray } from '@ag/tensor';
import { stepNode } from '../../living/reveal.ts';
import type { Link, Study } from '../../living/study.ts';
import { say } from '../../shell/language.ts';
import { ruleOf } from './rules.ts';
import { texts } from './texts.ts';
import { Derivative, maxInline, textOf, Value } from './value.tsx';

/** What the present step computes, written out. */
export function StepCard({ study, step }: { readonly study: Study; readonly step: number }) {
  const position = stepNode(study, step);
  if (position === null) {
    return <p data-testid="step-text">{say(texts.atStart)}</p>;
  }
  return (
    <div data-testid="step-text">
      {step <= study.forward.length ? (
        <Forward study={study} position={position} />
      ) : (
        <Backward study={study} position={position} />
      )}
    </div>
  );
}

interface Properties {
  readonly study: Study;
  readonly position: number;
}

function Forward({ study: { graph }, position }: Properties) {
  const node = graph.nodes[position];
  const operands = graph.edges.filter(({ to }) => to === node.id).sort((a, b) => a.index - b.index);
  const valueAt = (id: string) => graph.nodes.find((each) => each.id === id)!.value;
  const values = operands.map(({ from, value = valueAt(from) }) => textOf(value as NestedArray, maxInline));
  return (
    <>
      <h2>{say(texts.forward(node.label))}</h2>
      <div class="number">
        {node.label}({values.join(', ')}) = <Value value={node.value as NestedArray} />
      </div>
    </>
  );
}

function Backward({ study: { graph, links }, position }: Properties) {
  const node = graph.nodes[position];
  const own = links[position];
  return (
    <>
      <h2>{say(texts.backward(node.label))}</h2>
      <p>{say(ruleOf(node.op ?? ''))}</p>
      <div class="number upstream">
        {say(texts.upstream)}
        <Value value={node.gradient as NestedArray} />
      </div>
      <div class="scroll">
        <table class="chain">
          <thead>
            <tr>
              <th scope="col">{say(texts.operand)}</th>
              <th scope="col">{say(texts.local)}</th>
              <th scope="col">{say(texts.chainRule)}</th>
            </tr>
          </thead>
          <tbody>
            {own.map((link, i) => (
              <tr key={i}>
                <td>{link.label}</td>
                <td class="number" data-label={say(texts.local)}>
                  {link.undefinedAt.length > 0 ? (
                    <UndefinedHere link={link} />
                  ) : (
                    <Derivative local={link.local} />
                  )}
                </td>
                <td class="number" data-label={say(texts.chainRule)}>
                  {typeof link.local === 'number' &&
                    `${textOf(link.local)} × ${textOf(node.gradient as NestedArray)} = `}
                  <Value value={link.contribution} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {own.some(({ local }) => Array.isArray(local)) && <p class="soft">{say(texts.jacobianNote)}</p>}
    </>
  );
}

/** No derivative is not a derivative of 0: the rule's own choice is shown as one. */
function UndefinedHere({ link: { local, undefinedAt } }: { readonly link: Link }) {
  const elements = undefinedAt.map((position) => position + 1).join(', ');
  return (
    <span data-testid="undefined-here">
      <strong>{say(typeof local === 'number' ? texts.undefinedHere : texts.undefinedAt(elements))}</strong>
      {say(texts.ruleTakes)}
      <Derivative local={local} />
    </span>
  );
}
