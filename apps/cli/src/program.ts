/**
 * The commands and their flags. What a command does is loaded when it runs, so that help costs nothing.
 */
import { Argument, Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { exitCodes } from './failure.ts';
import type { GraphOptions } from './inspection/graph.ts';
import { parseChange, recipes } from './recipes/index.ts';
import type { PlotOptions } from './runs/plot.ts';
import { type Given, type Settings, settingNames, settings } from './settings.ts';
import type { Terminal } from './terminal.ts';
import { version } from './version.ts';

/** Makes the terminal once the flags about it are known. */
export type OpenTerminal = (options: { readonly json: boolean; readonly quiet: boolean }) => Terminal;

type Flags = Record<string, unknown>;

/**
 * The program. Each action stores its exit code by `done`.
 *
 * @param open gives commands their terminal
 */
export function buildProgram(open: OpenTerminal, done: (exitCode: number) => void): Command {
  const program = new Command('agrad')
    .description('Trains, evaluates and inspects networks from the terminal.')
    .version(version, '-V, --version')
    .helpOption('-h, --help', 'says what there is')
    .helpCommand('help [command]', 'says what a command does')
    .configureHelp({
      subcommandTerm: (command) =>
        [command.name(), ...command.registeredArguments.map(placeOf)].filter((word) => word !== '').join(' '),
      optionDescription: ({ description, argChoices }) =>
        argChoices ? `${description}: ${argChoices.join(', ')}` : description,
    })
    .configureOutput({ writeErr: () => {}, outputError: () => {} })
    .exitOverride()
    .showSuggestionAfterError(true)
    .enablePositionalOptions()
    .addHelpText(
      'after',
      examples('agrad train', 'agrad train mnist --data-dir data', 'agrad eval runs/digits-… --json'),
    );

  /** A command with the flags that all have. */
  const command = (
    parent: Command,
    usage: string,
    description: string,
    ...shown: readonly string[]
  ): Command =>
    parent
      .command(usage)
      .description(description)
      .option('--json', 'write events to stdout, one line of JSON each, the last a result or an error')
      .option('-q, --quiet', 'write nothing but results and errors')
      .addHelpText('after', examples(...shown));

  /** Runs an action with a terminal and keeps its exit code. */
  const action =
    (run: (terminal: Terminal, flags: Flags, positional: readonly string[]) => number | Promise<number>) =>
    async (...given: unknown[]): Promise<void> => {
      const self = given[given.length - 1] as Command;
      const flags = self.opts() as Flags;
      const terminal = open({ json: flags.json === true, quiet: flags.quiet === true });
      done(await run(terminal, flags, self.args));
    };

  const trainCommand = withSettings(
    command(
      program,
      'train [recipe...]',
      'trains a recipe (digits by default), a config file, or a module of your own',
      'agrad train',
      'agrad train mnist --data-dir data --epochs 5 --seed 1',
      'agrad train xor --json',
      'agrad train digits --find-learning-rate',
      'agrad train boston --folds 5 --epochs 200',
      'agrad train ./my-recipe.ts --set width=64 --out runs/mine',
      'agrad train mnist --ui tui',
      'agrad train --resume runs/mine',
    ),
    settingNames,
  )
    .option('--set <name=value>', "change one of the recipe's own parameters", collect, [])
    .option('--config <file>', 'a JSON file with settings, recipe and set')
    .option('--out <folder>', "the run's folder (default runs/RECIPE-TIME)")
    .option('--resume <run>', 'go on with an interrupted run')
    .option('--recipe <module>', 'with --resume: the module that the run was made from')
    .option('--find-learning-rate', 'train nothing: try growing rates for a few steps and suggest one')
    .option(
      '--folds <n>',
      'cross-validate: train n times, each time judged by another part of the training data',
    )
    .option('--print-config', 'show every value and where it came from, train nothing')
    .option('--plot', 'draw the curve of the loss where stderr is no terminal too')
    .addOption(
      new Option(
        '--ui <kind>',
        'how progress is shown; tui is a full-screen view with keys (default line)',
      ).choices(['line', 'tui']),
    )
    .action(
      action(async (terminal, flags, recipe) => {
        const { train } = await import('./training/train.ts');
        return train(
          {
            recipe,
            flags: settingsFrom(flags),
            changes: Object.fromEntries((flags.set as string[]).map(parseChange)),
            ...texts(flags, 'config', 'out', 'resume'),
            ...(flags.recipe !== undefined && { module: String(flags.recipe) }),
            printConfig: flags.printConfig === true,
            plot: flags.plot === true,
            ...(flags.ui !== undefined && { ui: flags.ui as 'line' | 'tui' }),
            findLearningRate: flags.findLearningRate === true,
            ...texts(flags, 'folds'),
          },
          terminal,
        );
      }),
    );
  trainCommand.addHelpText('after', recipeHelp);

  withSettings(
    command(
      program,
      'eval <run|weights>',
      'loss and metrics of trained weights on the test data',
      'agrad eval runs/digits-2024-05-01 --fail-under accuracy=0.97',
      'agrad eval weights.safetensors --data-dir data --json',
    ),
    ['dataDir', 'backend', 'arithmetic', 'threads'],
  )
    .option('--recipe <name>', 'what the weights are of, if they do not say; needed if that is a module')
    .option('--fail-under <figure=limit>', 'end with exit code 6 when the figure is smaller', collect, [])
    .option('--fail-over <figure=limit>', 'end with exit code 6 when the figure is larger', collect, [])
    .action(
      action(async (terminal, flags, [target]) => {
        const { evaluate } = await import('./weights/evaluate.ts');
        return evaluate(
          {
            target: target,
            flags: settingsFrom(flags),
            failUnder: flags.failUnder as string[],
            failOver: flags.failOver as string[],
            ...texts(flags, 'recipe'),
          },
          terminal,
        );
      }),
    );

  const data = program
    .command('data')
    .description('lists data sets, says where they come from, downloads them, shows samples');
  command(data, 'list', 'which data sets there are', 'agrad data list')
    .option('--data-dir <folder>', 'where the data files are')
    .action(
      action(async (terminal, flags) =>
        (await import('./data/sets.ts')).listData(texts(flags, 'dataDir'), terminal),
      ),
    );
  command(data, 'info <name>', 'source, size, checksum and place of a data set', 'agrad data info mnist')
    .option('--data-dir <folder>', 'where the data files are')
    .action(
      action(async (terminal, flags, [name]) =>
        (await import('./data/sets.ts')).dataInfo(name, texts(flags, 'dataDir'), terminal),
      ),
    );
  command(data, 'get <name>', 'downloads a data set into the cache', 'agrad data get mnist')
    .option('--data-dir <folder>', 'where the data files are')
    .action(
      action(async (terminal, flags, [name]) =>
        (await import('./data/sets.ts')).getData(name, texts(flags, 'dataDir'), terminal),
      ),
    );

  command(
    data,
    'preview <name>',
    'a picture of samples: images, points, or the columns of a table',
    'agrad data preview digits',
    'agrad data preview mnist --split test --seed 1 --count 40 --out samples.png',
    'agrad data preview spirals --out spirals.svg',
  )
    .option('--count <n>', 'how many samples (default 15 images, all points)')
    .addOption(new Option('--split <part>', 'of which part').choices(['train', 'test']))
    .option('--seed <n>', 'draw samples (or generate the set) by this seed; else the first are shown')
    .option('--data-dir <folder>', 'where the data files are')
    .option('--out <file>', 'an SVG file; of images a PNG file too')
    .action(
      action(async (terminal, flags, [name]) =>
        (await import('./data/preview.ts')).previewData(
          {
            name: name,
            ...(flags.split !== undefined && { split: flags.split as 'train' | 'test' }),
            ...texts(flags, 'count', 'seed', 'dataDir', 'out'),
          },
          terminal,
        ),
      ),
    );

  withSettings(
    command(
      program,
      'predict <run|weights> <file...>',
      'what trained weights answer for images (PNG, JPEG) or the rows of CSV files',
      'agrad predict runs/mnist-mlp-… seven.png',
      'agrad predict weights.safetensors houses.csv --json',
    ),
    ['dataDir', 'backend', 'threads'],
  )
    .option('--recipe <name>', 'what the weights are of, if they do not say; needed if that is a module')
    .action(
      action(async (terminal, flags, [target, ...inputs]) => {
        const { predictFiles } = await import('./weights/predict.ts');
        return predictFiles(
          { target: target, inputs, flags: settingsFrom(flags), ...texts(flags, 'recipe') },
          terminal,
        );
      }),
    );

  withSettings(
    command(
      program,
      'graph <recipe|formula...>',
      'the computational graph of a recipe or a formula: text, SVG, DOT, Mermaid or JSON',
      "agrad graph '(x + y) * z' --at x=-2,y=5,z=-4 --values --gradients",
      'agrad graph xor --out xor.svg',
    ),
    ['dataDir'],
  )
    .option('--at <name=value,...>', 'what the names of the formula stand for', collect, [])
    .option('--values', 'compute and show values')
    .option('--gradients', 'compute and show gradients')
    .addOption(
      new Option('--format <name>', 'of the result (default: by the ending of --out, else text)').choices([
        'text',
        'svg',
        'dot',
        'mermaid',
        'json',
      ]),
    )
    .option('--out <file>', 'write it there instead of to stdout')
    .action(
      action(async (terminal, flags, what) => {
        const { graph } = await import('./inspection/graph.ts');
        return graph(
          {
            what,
            at: flags.at as string[],
            values: flags.values === true,
            gradients: flags.gradients === true,
            flags: settingsFrom(flags),
            ...(flags.format !== undefined && { format: flags.format as GraphOptions['format'] & string }),
            ...texts(flags, 'out'),
          },
          terminal,
        );
      }),
    );

  withSettings(
    command(
      program,
      'gradcheck [operation...]',
      'analytic against numerical gradients of every operation; exit code 6 when one is wrong',
      'agrad gradcheck',
      'agrad gradcheck tanh matmul --backend reference',
    ),
    ['backend', 'threads'],
  )
    .option('--tolerance <error>', 'largest relative error allowed (default 1e-6)')
    .action(
      action(async (terminal, flags, operations) => {
        const { gradcheck } = await import('./checks/gradcheck.ts');
        return gradcheck({ operations, flags: settingsFrom(flags), ...texts(flags, 'tolerance') }, terminal);
      }),
    );

  command(
    program,
    'doctor',
    'what this machine offers, a test of the backends, and what to do about what is missing',
    'agrad doctor',
  ).action(action(async (terminal) => (await import('./checks/doctor.ts')).doctor(terminal)));

  const runs = program
    .command('runs')
    .description('earlier runs: a list, one closely, several side by side, their curves');
  command(runs, 'list [folder]', 'the runs in a folder (default runs)', 'agrad runs list').action(
    action(async (terminal, _, [folder]) =>
      (await import('./runs/list.ts')).listRuns(folder === undefined ? {} : { folder }, terminal),
    ),
  );
  command(
    runs,
    'show <run>',
    'one run: settings, figures, the curve of its loss',
    'agrad runs show runs/xor-…',
  ).action(
    action(async (terminal, _, [folder]) => (await import('./runs/list.ts')).showRun(folder, terminal)),
  );
  command(
    runs,
    'compare <run...>',
    'settings that differ, final figures, and the curves over each other',
    'agrad runs compare runs/a runs/b --out comparison.html',
  )
    .option('--out <file>', 'an HTML page with all curves')
    .action(
      action(async (terminal, flags, folders) =>
        (await import('./runs/list.ts')).compareRuns(folders, texts(flags, 'out'), terminal),
      ),
    );

  command(
    runs,
    'plot <run...>',
    'curves of a run, or of several over each other: in the terminal, or as SVG or HTML',
    'agrad runs plot runs/a',
    'agrad runs plot runs/a runs/b --metric accuracy --by seconds',
    'agrad runs plot runs/a runs/b --out curves.svg',
  )
    .option('--metric <figure>', 'what is drawn: loss (default), a metric, learningRate')
    .addOption(
      new Option('--by <axis>', 'over what (default: epoch, for runs of one epoch step)').choices([
        'epoch',
        'step',
        'seconds',
      ]),
    )
    .option('--out <file>', 'an SVG file, or an HTML page with all curves')
    .action(
      action(async (terminal, flags, folders) =>
        (await import('./runs/plot.ts')).plotRuns(
          {
            folders,
            ...(flags.by !== undefined && { by: flags.by as PlotOptions['by'] & string }),
            ...texts(flags, 'metric', 'out'),
          },
          terminal,
        ),
      ),
    );

  withSettings(
    command(
      program,
      'sweep [recipe...]',
      'tries many settings in worker processes; goes on after a kill',
      'agrad sweep digits --grid learningRate=1e-3,3e-3,1e-2 --grid batchSize=25,100 --epochs 5',
      'agrad sweep xor --random learningRate=1e-3..1 --trials 20 --out sweeps/xor',
    ),
    settingNames.filter((name) => name !== 'threads'),
  )
    .option('--grid <name=a,b,...>', 'each of these values, with each of the others', collect, [])
    .option('--random <name=low..high>', 'values drawn from a range', collect, [])
    .option('--trials <n>', 'how many, with --random (default 16)')
    .option('--workers <n>', 'trials at a time (default: one for each core)')
    .option('--metric <figure>', 'what is best (default: the first metric, else the loss)')
    .option('--set <name=value>', "change one of the recipe's own parameters", collect, [])
    .option('--out <folder>', "the sweep's folder")
    .action(
      action(async (terminal, flags, recipe) => {
        const { sweep } = await import('./sweep/sweep.ts');
        return sweep(
          {
            recipe,
            grid: flags.grid as string[],
            random: flags.random as string[],
            set: flags.set as string[],
            flags: settingsFrom(flags),
            ...texts(flags, 'trials', 'workers', 'metric', 'out'),
          },
          terminal,
        );
      }),
    );

  command(
    program,
    'convert <from> <to>',
    'weights between safetensors, npz and JSON, by the endings of the files',
    'agrad convert weights.safetensors weights.npz',
  ).action(
    action(async (terminal, _, [from, to]) =>
      (await import('./weights/convert.ts')).convert(from, to, terminal),
    ),
  );

  withSettings(
    command(
      program,
      'bench',
      'how fast this machine computes what training is made of',
      'agrad bench --out before.json',
      'agrad bench --compare before.json --fail-on-regress 10%',
    ),
    ['backend', 'threads', 'seed'],
  )
    .option('--compare <file>', 'results of an earlier run')
    .option('--fail-on-regress <percentage>', 'end with exit code 6 when something is slower by more')
    .option('--out <file>', 'keep the results')
    .option('--seconds <n>', 'for each measurement (default 0.5)')
    .action(
      action(async (terminal, flags) => {
        const { bench } = await import('./checks/bench.ts');
        return bench(
          { flags: settingsFrom(flags), ...texts(flags, 'compare', 'failOnRegress', 'out', 'seconds') },
          terminal,
        );
      }),
    );

  command(
    program,
    'web [page]',
    'the demo application, from this machine: see a network compute, differentiate and learn',
    'agrad web',
    'agrad web playground?data=spirals --port 8080',
    'agrad web --no-open',
  )
    .option('--port <n>', 'where to serve it (default 4321; 0 takes any free one)')
    .option('--no-open', 'only say the address')
    .action(
      action(async (terminal, flags, [page]) => {
        const { web } = await import('./web/web.ts');
        return web(
          { open: flags.open === true, ...(page !== undefined && { page }), ...texts(flags, 'port') },
          terminal,
        );
      }),
    );

  withSettings(
    command(
      program,
      'profile [recipe...]',
      "where a training step's time goes: by operation, kernel and module",
      'agrad profile digits --steps 100',
      'agrad profile mnist cnn --data-dir data --threads 1',
    ),
    ['dataDir', 'batchSize', 'optimizer', 'backend', 'arithmetic', 'threads', 'seed'],
  )
    .option('--steps <n>', 'how many to measure (default 50)')
    .option('--set <name=value>', "change one of the recipe's own parameters", collect, [])
    .option('--out <file>', 'keep the whole profile, as JSON')
    .action(
      action(async (terminal, flags, recipe) => {
        const { profile } = await import('./inspection/profile.ts');
        return profile(
          {
            recipe,
            flags: settingsFrom(flags),
            changes: Object.fromEntries((flags.set as string[]).map(parseChange)),
            ...texts(flags, 'steps', 'out'),
          },
          terminal,
        );
      }),
    );

  command(
    program,
    'completion',
    'a script by which a shell completes commands, flags and names',
    'source <(agrad completion bash)          # in ~/.bashrc',
    'source <(agrad completion zsh)           # in ~/.zshrc, after compinit',
    'agrad completion zsh > ~/.zfunc/_agrad   # or once, into a folder of fpath',
  )
    .addArgument(new Argument('<shell>', 'which shell').choices(['bash', 'zsh']))
    .action(
      action(async (terminal, _, [shell]) =>
        (await import('./completion/completion.ts')).completion(shell, program, terminal),
      ),
    );
  return program;
}

/** Whether an error of the parser is none: help and version were asked for. */
export function isAnswer(error: unknown): boolean {
  return (
    error instanceof CommanderError &&
    ['commander.helpDisplayed', 'commander.help', 'commander.version'].includes(error.code)
  );
}

/** What the parser complains about, with its suggestion apart. */
export function usageProblem(
  error: unknown,
): { message: string; hint: string | undefined; exitCode: number } | null {
  if (!(error instanceof CommanderError)) return null;
  // What was typed is part of the message, and may have lines of its own.
  const [, message = '', hint] =
    /^(?:error: )?(.*?)(?:\n\((Did you mean [^\n]*)\))?$/s.exec(error.message) ?? [];
  return { message, hint, exitCode: exitCodes.usage };
}

const recipeHelp = `
Recipes:
${recipes.map(({ name, summary }) => `  ${name.padEnd(17)} ${summary}`).join('\n')}

Each flag can be given as a variable too: AG_EPOCHS=5. The data are looked for in --data-dir, else in AG_DATA_DIR, else
in the cache, else downloaded.`;

/** `<file>`, `[recipe...]` */
function placeOf(argument: Argument): string {
  const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
  return argument.required ? `<${name}>` : `[${name}]`;
}

function examples(...lines: readonly string[]): string {
  return `\nExample${lines.length > 1 ? 's' : ''}:\n${lines.map((line) => `  ${line}`).join('\n')}`;
}

/** Settings that need no headings among them. */
const fewSettings = 10;

/** Under which heading the help of a command with many flags shows a setting. */
const groups: Readonly<Record<keyof Settings, string>> = {
  epochs: 'Learning',
  batchSize: 'Learning',
  learningRate: 'Learning',
  optimizer: 'Learning',
  schedule: 'Learning',
  momentum: 'Learning',
  weightDecay: 'Learning',
  clipNorm: 'Learning',
  ema: 'Learning',
  earlyStop: 'Learning',
  validateEvery: 'Learning',
  seed: 'Learning',
  dataDir: 'Where and with what',
  backend: 'Where and with what',
  arithmetic: 'Where and with what',
  threads: 'Where and with what',
  checkpointEvery: 'Checkpoints',
  keepCheckpoints: 'Checkpoints',
  overfitBatches: 'Looking for mistakes',
  fastDevRun: 'Looking for mistakes',
  detectAnomaly: 'Looking for mistakes',
  profile: 'Looking for mistakes',
  tensorboard: 'Where and with what',
};

/** Adds the flags of settings; their values stay text until all sources are known. */
function withSettings(command: Command, names: readonly (keyof Settings)[]): Command {
  for (const name of names) {
    const { flag, help, fallback, choices } = settings[name];
    const note = typeof fallback === 'boolean' || fallback === null ? '' : ` (default ${fallback})`;
    const option = new Option(flag, `${help}${note}`);
    if (names.length > fewSettings) option.helpGroup(`${groups[name]}:`);
    // For help and completion; the value is checked when all sources are known.
    if (choices) option.argChoices = [...choices];
    command.addOption(option);
  }
  return command;
}

function settingsFrom(flags: Flags): Given {
  return Object.fromEntries(
    settingNames.filter((name) => flags[name] !== undefined).map((name) => [name, flags[name]]),
  );
}

/** The flags of these names that were given. */
function texts<Name extends string>(
  flags: Flags,
  ...names: readonly Name[]
): { readonly [K in Name]?: string } {
  return Object.fromEntries(
    names.filter((name) => flags[name] !== undefined).map((name) => [name, String(flags[name])]),
  ) as { readonly [K in Name]?: string };
}

function collect(value: string, before: readonly string[]): string[] {
  if (value === '') throw new InvalidArgumentError('it is empty');
  return [...before, value];
}
