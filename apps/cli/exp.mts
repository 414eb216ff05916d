import { wasm } from '@ag/native-wasm';
import { use } from '@ag/tensor';
import { earlyStopping, fit, validate } from '@ag/train';
import { resolveSettings } from '/work/wt/cli/apps/cli/src/settings.ts';
import { tableRecipe } from '/work/wt/cli/apps/cli/src/tables/recipe.ts';
import { assemble, fitOptionsOf, prepare } from '/work/wt/cli/apps/cli/src/training/assemble.ts';

use(await wasm({ threads: 1 }));
const over = JSON.parse(process.argv[2] ?? '{}'),
  params = JSON.parse(process.argv[3] ?? '{}');
for (const [f, target] of [
  ['diabetes', 'target'],
  ['houses', 'price'],
]) {
  const r: number[] = [];
  let ep = 0;
  const t0 = performance.now();
  for (let s = 0; s < 6; s++) {
    const given = { target, 'split.seed': s, ...params };
    const recipe = await tableRecipe(`/tmp/me/csv/${f}.csv`, given);
    const st = resolveSettings({ config: over, recipe: recipe.settings }).values;
    const a = await assemble(await prepare(recipe, st, { ...recipe.parameters, ...given }), st);
    for await (const e of fit({
      ...fitOptionsOf(a, st),
      callbacks: [earlyStopping({ patience: st.earlyStop })],
      reportEvery: 0,
    }))
      if (e.type === 'end') ep += e.epoch;
    const v = await validate(a.model, a.testLoader, { loss: a.task.loss, metrics: a.task.metrics });
    r.push(Object.values(v.metrics)[0]);
  }
  console.log(
    f,
    r.map((x) => +x.toPrecision(4)).join(' '),
    'mean',
    (r.reduce((a, b) => a + b) / r.length).toPrecision(4),
    'epochs',
    ep / 6,
    ((performance.now() - t0) / 6000).toFixed(2) + ' s',
  );
}
