/** `agrad train`: a training run, a learning rate test, or cross-validation. */
import type { TrainOptions } from '../commands/train.ts';
import { exitCodes, Failure } from '../failure.ts';
import { watchInterrupts } from '../interrupt.ts';
import type { Terminal } from '../terminal.ts';
import { namingSizes } from './memory.ts';
import { planJob, printConfig } from './plan.ts';

/** Runs the command; answers the exit code. */
export async function train(options: TrainOptions, terminal: Terminal): Promise<number> {
  const { ui, findLearningRate, folds, distributed } = options;
  if (distributed) {
    const { trainDistributed } = await import('./distributed.ts');
    return await trainDistributed(options, terminal);
  }
  if (ui === 'tui') {
    if (findLearningRate || folds !== undefined)
      throw new Failure('usage', '--ui tui shows a training, not --find-learning-rate or --folds');
    (await import('../live/view.ts')).checkTerminal(terminal.json);
  }
  const job = await planJob(options, terminal.ask);
  if (options.printConfig) {
    printConfig(job, terminal);
    return exitCodes.done;
  }
  const interrupt = watchInterrupts((signal) => {
    const what = signal === 'SIGINT' ? 'interrupted' : 'asked to end';
    terminal.note(`${what}: finishing the step and writing a checkpoint`);
  }, false);
  try {
    if (findLearningRate) {
      const { tryLearningRates } = await import('./learningRate.ts');
      return await tryLearningRates(job, options, terminal);
    }
    if (folds !== undefined) {
      const { trainFolds } = await import('./folds.ts');
      return await trainFolds(job, options, folds, terminal, interrupt);
    }
    const { trainRun } = await import('./run.ts');
    return await trainRun(job, options, terminal, interrupt);
  } catch (error) {
    throw namingSizes(error, job);
  } finally {
    interrupt.stop();
  }
}
