/** docs/errors.md, from the table that `agrad explain` reads. */
import { readFileSync } from 'node:fs';
import { type Explanation, errorCodes, explanations, warningCodes } from '../src/explain/codes.ts';
import { examples } from '../src/explain/examples.ts';

export function errorsPage(): string {
  return `# Errors and warnings

Every error has a \`code\` that stays the same, whatever its message comes to say. Classes are the usual ones: \`RangeError\`,
\`TypeError\`, \`Error\`, and \`DataError\`, \`TrainingError\`, \`OutOfMemoryError\`, \`AnomalyError\`.

\`\`\`js
try {
  model.forward(x);
} catch (error) {
  if (error.code === 'AG_SHAPE_MISMATCH') askForAnotherImage();
  else throw error;
}
\`\`\`

Inside a model the message goes on with the module, what it was given, and the line that called:

\`\`\`
RangeError: linear: expects 100 features along the last axis, got [32, 128]; either it should be linear(128, 10), or what comes before it should give 100
  in model.2: linear(100, 10), given [32, 128] float32
  called from train.js:12:24
\`\`\`

Warnings are said once each, end with their code, and can be heard or silenced:

\`\`\`js
import { onWarning, silenceWarnings } from '@ag/tensor';

silenceWarnings('AG_ONE_THREAD');
onWarning(({ code, message, line }) => log(code, message, line));
\`\`\`

\`agrad explain CODE\` prints what stands here. [Mistakes](mistakes.md) shows what beginners do and
what they are told. This page is generated: \`npm run generate\`.

## Errors

${rows(errorCodes)}

## Warnings

${rows(warningCodes)}

## Each code

${Object.keys(explanations).map(section).join('\n')}`;
}

/** Programs of docs/mistakes.md by the code that they end with: title and anchor. */
const mistakes = new Map<string, { readonly title: string; readonly anchor: string }[]>();
const page = readFileSync(new URL('../../../docs/mistakes.md', import.meta.url), 'utf8');
for (const part of page.split(/^## /m).slice(1)) {
  const title = part.slice(0, part.indexOf('\n'));
  const code = /`(AG_\w+)`/.exec(part)?.[1] ?? '';
  const anchor = title
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '')
    .replaceAll(' ', '-');
  mistakes.set(code, [...(mistakes.get(code) ?? []), { title, anchor }]);
}

/** What is said of one code, under its own heading, so that `#ag_axis` leads there. */
function section(code: string): string {
  const { means, cause, cure } = explanations[code];
  const shown = (mistakes.get(code) ?? [])
    .slice(0, 5)
    .map(({ title, anchor }) => `[${title}](mistakes.md#${anchor})`);
  return [
    `### ${code}`,
    '',
    code in warningCodes ? `${means} A warning.` : means,
    '',
    `**Cause.** ${cause}`,
    '',
    `**Cure.** ${cure}`,
    '',
    '```js',
    examples[code as keyof typeof examples],
    '```',
    '',
    ...(shown.length > 0 ? [`With its message: ${shown.join(', ')}.`, ''] : []),
  ].join('\n');
}

function rows(table: Readonly<Record<string, Explanation>>): string {
  const lines = Object.entries(table).map(
    ([code, { means }]) => `| [\`${code}\`](#${code.toLowerCase()}) | ${means} |`,
  );
  return ['| code | what it means |', '| --- | --- |', ...lines].join('\n');
}
