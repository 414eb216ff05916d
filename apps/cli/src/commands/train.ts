/** The command line of `agrad train`. */
import { defineCommand, type OptionsFor } from '../command.ts';
import { boolean, integer, oneOf, text } from '../flags.ts';
import { recipes } from '../recipes/index.ts';
import { settingNames } from '../settings.ts';
import { tableFlags } from '../tables/parameters.ts';
import { set } from './shared.ts';

export const trainCommand = defineCommand({
  usage: 'train [recipe...]',
  summary: 'train a recipe (default: digits), a table of your own (CSV), a module or a config file',
  examples: [
    'agrad train',
    'agrad train mnist --data-dir data --epochs 5 --seed 1',
    'agrad train houses.csv --target price',
    'agrad train ./my-recipe.ts --set width=64 --out runs/mine',
    'agrad train --resume runs/mine',
    'agrad train mnist --ui tui',
    'agrad train digits --find-learning-rate',
    'agrad train boston --folds 5 --epochs 200',
    'agrad train digits --from model.onnx --head 10 --freeze "features.*"',
    'agrad train xor --json',
    'mpirun -np 4 agrad train mnist cnn --distributed',
  ],
  flags: {
    out: { type: text, value: '<folder>', help: "the run's folder (default runs/RECIPE-TIME)" },
    resume: { type: text, value: '<run>', help: 'resume an interrupted run' },
    from: {
      type: text,
      value: '<file>',
      help: 'start from a file: an ONNX file is the network, others (.safetensors, .pt, .npz) hold weights for it',
    },
    freeze: {
      type: text,
      value: '<pattern>',
      help: "with --from: keep the weights of these names as they are; * stands for anything: 'features.*'",
      repeatable: true,
    },
    head: {
      type: integer(1),
      value: '<n>',
      help: 'with --from: replace the last layer by a new one with n outputs',
    },
    ...tableFlags,
    set,
    config: { type: text, value: '<file>', help: 'read settings, recipe and set from a JSON file' },
    ui: {
      type: oneOf('line', 'tui'),
      value: '<kind>',
      default: 'line',
      help: 'how to show progress; tui is a full-screen view with keys',
    },
    plot: { type: boolean, help: 'plot the loss at the end, even if stderr is no terminal' },
    findLearningRate: { type: boolean, help: 'run a learning rate range test instead of training' },
    folds: { type: integer(2), value: '<k>', help: 'run k-fold cross-validation on the training data' },
    distributed: {
      type: boolean,
      help: 'train with the other ranks that mpirun, mpiexec or srun started, each on its part of every batch',
    },
    printConfig: { type: boolean, help: 'show every setting and its source instead of training' },
    recipe: {
      type: text,
      value: '<name>',
      help: "with --resume: the module of the run's recipe; with --from: the recipe to train",
    },
  },
  settings: settingNames,
  notes: `
Recipes:
${recipes.map(({ name, summary }) => `  ${name.padEnd(17)} ${summary}`).join('\n')}

'agrad train RECIPE --print-config' shows the settings of a recipe. Each setting can be an environment variable too, such as AG_EPOCHS=5. Data files are searched for in --data-dir, else in
AG_DATA_DIR, else in the cache, else downloaded.`,
});

export type TrainOptions = OptionsFor<typeof trainCommand>;
