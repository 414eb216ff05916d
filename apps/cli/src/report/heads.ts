/** The report of a model with several inputs or outputs: what the report of one output shows, for each head. */
import { memoryDataset } from '@ag/datasets';
import type { Module } from '@ag/nn';
import type { Tensor } from '@ag/tensor';
import { predict } from '@ag/train';
import { Failure } from '../failure.ts';
import { columnsByPath, headsOf, tensorsByPath, unscaled } from '../recipes/structured.ts';
import { didYouMean } from '../suggest.ts';
import { type Prepared, testLoaderOf } from '../training/assemble.ts';
import { type ClassAnswers, classAnswers, type NumberAnswers } from './evaluation.ts';
import type { Section } from './page.ts';

/** How answers are shown. */
export interface HeadSections {
  classes(answers: ClassAnswers, view: Prepared, id: string): Section[];
  numbers(answers: NumberAnswers, view: Prepared, id: string): Promise<Section[]>;
}

export async function headSections(
  prepared: Prepared,
  model: Module<[Tensor], Tensor>,
  show: HeadSections,
): Promise<Section[]> {
  const outputs = new Map(tensorsByPath(await predict(model, testLoaderOf(prepared, prepared.test))));
  const sections: Section[] = [];
  for (const [head, kind] of headsOf(prepared.recipe)) {
    const output = outputs.get(head);
    if (output === undefined) throw unknownHead(head, [...outputs.keys()]);
    const view = viewOf(prepared, head);
    const id = head === '' ? '' : `${head.replace(/[^\w-]/g, '-')}-`;
    const { y } = view.test.columns;
    const own =
      kind === 'classification'
        ? show.classes(await classAnswers(output, y.data, view.test.classes), view, id)
        : await show.numbers(
            {
              kind,
              answers: unscaled(prepared.task, head, await output.data()),
              targets: Float32Array.from(y.data),
            },
            view,
            id,
          );
    sections.push(
      ...own.map(({ title, body }) => ({ title: head === '' ? title : `${head}: ${title}`, body })),
    );
  }
  return sections;
}

function unknownHead(head: string, names: readonly string[]): Failure {
  if (names.length === 1 && names[0] === '') {
    return new Failure(
      'configuration',
      `the recipe's kind names the head '${head}', but the model gives one tensor`,
      "Say its kind alone, such as kind: 'classification'.",
    );
  }
  return new Failure(
    'configuration',
    head === ''
      ? "the recipe's kind is that of one output, but the model gives several"
      : `the recipe's kind names the head '${head}', which the model's output does not have`,
    head === ''
      ? `Say it by head: kind: { ${names.map((name) => `${name}: …`).join(', ')} }.`
      : didYouMean(head, names, 'Heads'),
  );
}

/** The test data as one head sees them: its target, and the first input that is a picture. */
function viewOf(prepared: Prepared, head: string): Prepared {
  const { test } = prepared;
  const targets = columnsByPath(test.columns.y);
  const target = targets.find(([path]) => path === head)?.[1];
  if (target === undefined) {
    throw new Failure(
      'configuration',
      `the recipe's kind names the head '${head}', for which the data hold no target`,
      didYouMean(
        head,
        targets.map(([path]) => path),
        'Targets',
      ),
    );
  }
  const inputs = columnsByPath(test.columns.x).map(([, column]) => column);
  const picture = inputs.find(({ shape }) => shape.length === 3 && (shape[0] === 1 || shape[0] === 3));
  const part = test.info.parts?.[head === '' ? 'y' : `y/${head}`];
  const { classes, targetName } = { ...(head === '' ? test.info : {}), ...part };
  const view = memoryDataset(
    { x: picture ?? { data: new Float32Array(test.length), shape: [] }, y: target },
    { name: test.info.name ?? 'data', ...(classes && { classes }), ...(targetName && { targetName }) },
  );
  return { ...prepared, test: view };
}
