/**
 * The rules of operations in symbols.
 *
 * That is y in terms of the operands a and b, and the derivative with respect to each.
 *
 * `{a}`, `{b}` and `{y}` are replaced by letters, or by the numbers that stand there.
 */

export interface Rule {
  readonly y: string;
  readonly derivatives: readonly string[];
}

const rules: ReadonlyMap<string, Rule> = new Map(
  Object.entries<Rule>({
    add: { y: '{a} + {b}', derivatives: ['1', '1'] },
    sub: { y: '{a} − {b}', derivatives: ['1', '−1'] },
    mul: { y: '{a} · {b}', derivatives: ['{b}', '{a}'] },
    div: { y: '{a} / {b}', derivatives: ['1 / {b}', '−{a} / {b}²'] },
    pow: { y: '{a} ^ {b}', derivatives: ['{b} · {a}^({b} − 1)', '{y} · ln {a}'] },
    neg: { y: '−{a}', derivatives: ['−1'] },
    square: { y: '{a}²', derivatives: ['2 · {a}'] },
    sqrt: { y: '√{a}', derivatives: ['1 / (2 · {y})'] },
    exp: { y: 'e^{a}', derivatives: ['{y}'] },
    log: { y: 'ln {a}', derivatives: ['1 / {a}'] },
    sin: { y: 'sin {a}', derivatives: ['cos {a}'] },
    cos: { y: 'cos {a}', derivatives: ['−sin {a}'] },
    tanh: { y: 'tanh {a}', derivatives: ['1 − {y}²'] },
    sigmoid: { y: '1 / (1 + e^−{a})', derivatives: ['{y} · (1 − {y})'] },
    relu: { y: 'max(0, {a})', derivatives: ['[{a} > 0]'] },
    abs: { y: '|{a}|', derivatives: ['sign {a}'] },
    reciprocal: { y: '1 / {a}', derivatives: ['−1 / {a}²'] },
    maximum: { y: 'max({a}, {b})', derivatives: ['[{a} > {b}]', '[{b} > {a}]'] },
    minimum: { y: 'min({a}, {b})', derivatives: ['[{a} < {b}]', '[{b} < {a}]'] },
    sum: { y: 'Σᵢ {a}ᵢ', derivatives: ['1'] },
    mean: { y: '(1/n) Σᵢ {a}ᵢ', derivatives: ['1 / n'] },
    logSumExp: { y: 'ln Σᵢ e^{a}ᵢ', derivatives: ['softmax({a})'] },
    contract: { y: '{a} {b}', derivatives: ['g {b}ᵀ', '{a}ᵀ g'] },
  }),
);

export function ruleInSymbols(op: string): Rule | null {
  return rules.get(op) ?? null;
}

/** A rule with its letters, or with what is put in their place. */
export function filled(template: string, replacement: Readonly<Record<'a' | 'b' | 'y', string>>): string {
  return template.replace(/\{([aby])\}/g, (_, letter: 'a' | 'b' | 'y') => replacement[letter]);
}
