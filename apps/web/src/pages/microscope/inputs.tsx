/** The values of a formula's variables, each with its gradient and what finite differences say of it. */
import { Entry, Scrubbed } from '../../components/controls.tsx';
import { formatNumber } from '../../components/numbers.ts';
import { Alarm } from '../../components/parts.tsx';
import type { Study } from '../../living/study.ts';
import { say } from '../../shell/language.ts';
import { texts } from './texts.ts';
import type { FormulaState } from './useFormula.ts';

/** Differences up to here are those of rounding. */
const agrees = 1e-6;

export function Inputs({ state }: { readonly state: FormulaState }) {
  const { names, values, study, setValue } = state;
  const kinked = study ? beforeKinks(study) : new Set<string>();
  return (
    <div class="inputs">
      {names.map((name) => {
        const value = values.get(name) ?? '1';
        const check = study?.checks.find((each) => each.name === name);
        const hasNone = kinked.has(name);
        return (
          <div key={name} class="input">
            <Scrubbed
              label={`${name} =`}
              range={{ value: Number(value) }}
              onChange={(next) => setValue(name, next)}
            >
              <Entry
                class="code"
                data-testid={`value-${name}`}
                size={Math.min(24, Math.max(7, shortened(value).length))}
                value={shortened(value)}
                onCommit={(text) => setValue(name, text)}
              />
            </Scrubbed>
            {/* There from the start, so that nothing moves when it is known. */}
            <span
              class={hasNone || (check && check.difference > agrees) ? 'check bad' : 'check good'}
              data-testid={`check-${name}`}
              title={check && say(texts.checkTitle(formatNumber(check.difference)))}
            >
              {hasNone
                ? say(texts.noDerivative)
                : check && say(check.difference <= agrees ? texts.checked : texts.unchecked)}
            </span>
          </div>
        );
      })}
    </div>
  );
}

/** Variables from which a way leads through a place without a derivative: differences may agree there by chance. */
function beforeKinks({ graph, links }: Study): ReadonlySet<string> {
  const reached = links.flat().flatMap(({ from, undefinedAt }) => (undefinedAt.length > 0 ? [from] : []));
  for (const id of reached)
    for (const edge of graph.edges)
      if (edge.to === id && !reached.includes(edge.from)) reached.push(edge.from);
  return new Set(graph.nodes.flatMap(({ id, label }) => (reached.includes(id) ? [label] : [])));
}

/** Numbers as what is learned leaves them have seventeen digits; six are read. */
function shortened(value: string): string {
  return value.replace(/-?\d+\.\d{6,}(e[+-]?\d+)?/gi, (number) =>
    String(Number(Number(number).toPrecision(6))),
  );
}

/** Where the formula has no derivative or no value, in so many words. */
export function Undefined({ study }: { readonly study: Study | null }) {
  if (study === null) return null;
  const kinks = study.links.flatMap((own, i) => {
    const at = own.filter(({ undefinedAt }) => undefinedAt.length > 0).map(({ label }) => label);
    return at.length > 0 ? [{ node: study.graph.nodes[i].label, at: at.join(', ') }] : [];
  });
  const poles = study.graph.nodes.filter(
    ({ op, value }) => op !== undefined && typeof value === 'number' && !Number.isFinite(value),
  );
  if (kinks.length + poles.length === 0) return null;
  return (
    <Alarm testId="undefined">
      {/* The first: what is computed from it is none either. */}
      {poles.slice(0, 1).map(({ id, label, value }) => (
        <p key={id}>{say(texts.pole(label, formatNumber(value as number)))}</p>
      ))}
      {kinks.map(({ node, at }, i) => (
        <p key={i}>{say(texts.kink(node, at))}</p>
      ))}
    </Alarm>
  );
}
