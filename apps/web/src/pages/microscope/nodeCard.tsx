/** A node that was opened: its rule in symbols, the numbers put in, and its Jacobians as heat maps. */
import type { NestedArray } from '@ag/tensor';
import { formatNumber } from '../../components/numbers.ts';
import type { Link, Study } from '../../living/study.ts';
import { say } from '../../shell/language.ts';
import { ruleOf } from './rules.ts';
import { filled, ruleInSymbols } from './symbols.ts';
import { texts } from './texts.ts';
import { Derivative, textOf, Value } from './value.tsx';

const letters = { a: 'a', b: 'b', y: 'y' };

export function NodeCard({
  study,
  position,
  close,
}: {
  readonly study: Study;
  readonly position: number;
  readonly close: () => void;
}) {
  const { graph, links, forward } = study;
  const node = graph.nodes[position];
  const rule = ruleInSymbols(node.op ?? '');
  const own = links[position];
  const operands = graph.edges.filter(({ to }) => to === node.id).sort((x, y) => x.index - y.index);
  const values = operands.map(({ from }) => graph.nodes.find(({ id }) => id === from)!.value as NestedArray);
  const numbers = { a: put(values[0]), b: put(values[1]), y: put(node.value as NestedArray) };
  const scalar = [node.value, ...values].every((value) => typeof value === 'number');
  return (
    <div data-testid="node-card">
      <div class="row">
        <h2>
          {node.op !== undefined && `${forward.indexOf(position) + 1}. `}
          {node.label}
        </h2>
        <button type="button" data-testid="close-node" onClick={close}>
          ✕ {say(texts.close)}
        </button>
      </div>
      {node.op === undefined ? (
        <p class="number">
          {node.label} = <Value value={node.value as NestedArray} />, ∂f/∂{node.label} ={' '}
          <Value value={node.gradient as NestedArray} />
        </p>
      ) : (
        <>
          <p>{say(ruleOf(node.op))}</p>
          <dl class="rule number" data-testid="rule">
            {rule && (
              <>
                <dt>y = {filled(rule.y, letters)}</dt>
                <dd>
                  {scalar && `= ${filled(rule.y, numbers)} `}= {textOf(node.value as NestedArray)}
                </dd>
              </>
            )}
            {own.map((link, i) => (
              <Derivatives
                key={i}
                link={link}
                symbols={rule?.derivatives[i] ?? null}
                letter={'ab'[i] ?? `x${i + 1}`}
                numbers={scalar ? numbers : null}
              />
            ))}
          </dl>
        </>
      )}
    </div>
  );
}

function Derivatives({
  link: { label, local, undefinedAt },
  symbols,
  letter,
  numbers,
}: {
  readonly link: Link;
  readonly symbols: string | null;
  readonly letter: string;
  readonly numbers: Readonly<Record<'a' | 'b' | 'y', string>> | null;
}) {
  return (
    <>
      <dt>
        ∂y/∂{letter}
        {symbols !== null && ` = ${filled(symbols, letters)}`}
        <span class="soft">
          {' '}
          ({letter} = {label})
        </span>
      </dt>
      <dd>
        {undefinedAt.length > 0 && <strong>{say(texts.undefinedHere)}; </strong>}
        {symbols !== null && numbers && undefinedAt.length === 0 && `= ${filled(symbols, numbers)} `}
        {undefinedAt.length === 0 && typeof local === 'number' && '= '}
        {(undefinedAt.length === 0 || Array.isArray(local)) && <Derivative local={local} />}
      </dd>
    </>
  );
}

/** A number as it is put into a formula. */
function put(value: NestedArray | undefined): string {
  if (typeof value !== 'number') return '…';
  return value < 0 ? `(${formatNumber(value)})` : formatNumber(value);
}
