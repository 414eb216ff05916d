/** The formula, which takes effect while it is typed; unknown words are offered as what they may be. */
import { say } from '../../shell/language.ts';
import { texts } from './texts.ts';
import type { FormulaState } from './useFormula.ts';

export function FormulaEntry({ state }: { readonly state: FormulaState }) {
  const { expression, typing, setValue } = state;
  const written = typing.draft ?? expression;
  const unknown = typing.hint?.unknown ?? state.unknown;
  /** Puts a function in the place of a word. */
  const replace = (name: string, by: string) => {
    const called = new RegExp(`(?<![\\p{L}\\p{N}_])${name}(?![\\p{L}\\p{N}_])(\\s*\\()?`, 'gu');
    typing.commit(written.replace(called, (_, open?: string) => (open ? `${by}(` : `${by}(x)`)));
  };
  return (
    <div class="formula-bar">
      <label class="formula-label">
        <span>f =</span>
        <input
          class="code"
          data-testid="expression"
          aria-label={say(texts.formula)}
          spellcheck={false}
          autocapitalize="off"
          autocomplete="off"
          value={written}
          onInput={(event) => typing.type(event.currentTarget.value)}
          onChange={(event) => typing.commit(event.currentTarget.value)}
        />
      </label>
      <p class="hint soft" aria-live="polite" data-testid="hint">
        {unknown.map(({ name, functions, mayBeVariable }) => (
          <span key={name} class="offer" data-testid="unknown">
            {say(texts.unknown(name))}{' '}
            {functions.map((each) => (
              <button
                key={each}
                type="button"
                data-testid={`use-${each}`}
                onClick={() => replace(name, each)}
              >
                {each}(…)
              </button>
            ))}
            {mayBeVariable && (
              <button
                type="button"
                data-testid={`make-${name}`}
                onClick={() => {
                  setValue(name, 1);
                  if (typing.draft !== null) typing.commit(written);
                }}
              >
                {say(texts.makeVariable(name))}
              </button>
            )}
          </span>
        ))}
        {unknown.length === 0 && <span lang="en">{typing.hint?.message}</span>}
      </p>
    </div>
  );
}
