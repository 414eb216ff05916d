/** What the receipt of a run says of its recipe and its data. */
import type { RunConfig } from '../runs/folder.ts';
import type { Settings } from '../settings.ts';
import type { Prepared } from '../training/assemble.ts';

/** What a receipt says of the run that it is of: what its config says, without what only this machine knows. */
export type ReceiptRecipe = Pick<RunConfig, 'recipe' | 'settings' | 'parameters' | 'from'> & {
  /** Where the run was gone on with other settings: it cannot be trained in one go. */
  readonly resumed?: RunConfig['resumed'];
  /** Ranks that trained together, where there were several. */
  readonly ranks?: number;
};

/** What goes into a receipt of a run. */
export function receiptContentOf(
  { recipe, settings, parameters, from, resumed = [] }: RunConfig,
  ranks: number,
  assembled: Prepared,
) {
  // Where data lie and how many cores there are decides nothing.
  const { dataDir: _, threads: __, vectors: ___, ...deciding } = settings;
  const changed = resumed.filter(({ command }) => / --(?!resume |recipe )/.test(command));
  const content: Omit<ReceiptRecipe, 'settings'> & { readonly settings: Partial<Settings> } = {
    recipe,
    settings: deciding,
    parameters,
    ...(from && { from }),
    ...(changed.length > 0 && { resumed: changed }),
    ...(ranks > 1 && { ranks }),
  };
  return { recipe: content, data: dataOf(assembled) };
}

/** The data sets that decide the weights. */
export function dataOf({ train, validation, test }: Prepared): Readonly<Record<string, unknown>> {
  return { train, validation: validation ?? test };
}
