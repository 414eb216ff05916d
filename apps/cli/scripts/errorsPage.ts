/** docs/errors.md, from the table that `agrad explain` reads. */
import { type Explanation, errorCodes, warningCodes } from '../src/explain/codes.ts';

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

\`agrad explain CODE\` prints what stands here. This page is generated: \`npm run generate\`.

## Errors

${rows(errorCodes)}

## Warnings

${rows(warningCodes)}
`;
}

function rows(table: Readonly<Record<string, Explanation>>): string {
  const lines = Object.entries(table).map(
    ([code, { means, cause, cure }]) => `| \`${code}\` | ${[means, cause, cure].join(' | ')} |`,
  );
  return ['| code | what it means | usual cause | cure |', '| --- | --- | --- | --- |', ...lines].join('\n');
}
