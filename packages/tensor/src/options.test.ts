/** Unknown options are refused, and the message names what was probably meant. */
import { describe, expect, it } from 'vitest';
import { checkOptions, nearestName } from './options.ts';

describe('checkOptions', () => {
  const check = (options: unknown) => () => checkOptions('adam', options, 'learningRate beta1 weightDecay');

  it('lets known names pass, and no options at all', () => {
    for (const options of [undefined, {}, { learningRate: 1 }, { beta1: undefined, weightDecay: 0 }])
      expect(check(options)).not.toThrow();
  });

  it('names the nearest, or all', () => {
    expect(check({ lr: 0.1 })).toThrow(
      "adam: there is no option 'lr'; did you mean 'learningRate'? known: learningRate, beta1, weightDecay",
    );
    expect(check({ momentum: 0.1 })).toThrow(
      "adam: there is no option 'momentum', known: learningRate, beta1, weightDecay",
    );
  });

  it('refuses what is no object: a value that stands where options do', () => {
    for (const [options, got] of [
      [0.1, '0.1'],
      [true, 'true'],
      [null, 'null'],
      [[1], 'an array'],
    ] as const)
      expect(check(options)).toThrow(
        `adam: options must be an object with learningRate, beta1, weightDecay, got ${got}`,
      );
  });
});

describe('nearestName', () => {
  const names = [
    'batchSize',
    'learningRate',
    'weightDecay',
    'padding',
    'ceilMode',
    'epochs',
    'epsilon',
    'keepDims',
  ];

  // What other libraries call these, and slips of the finger.
  it.each([
    ['batch_size', 'batchSize'],
    ['BatchSize', 'batchSize'],
    ['lr', 'learningRate'],
    ['learning_rate', 'learningRate'],
    ['weight_decay', 'weightDecay'],
    ['wd', 'weightDecay'],
    ['pad', 'padding'],
    ['ceil_mode', 'ceilMode'],
    ['epoch', 'epochs'],
    ['eps', 'epsilon'],
    ['keepdim', 'keepDims'],
    ['keepdims', 'keepDims'],
    ['paddding', 'padding'],
    ['learnignRate', 'learningRate'],
  ])('%s is probably %s', (given, meant) => {
    expect(nearestName(given, names)).toBe(meant);
  });

  it('is silent where nothing is near', () => {
    expect(nearestName('transformer', names)).toBeUndefined();
    expect(nearestName('x', names)).toBeUndefined();
  });
});
