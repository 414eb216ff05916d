import { expect, it } from 'vitest';
import { gradientFlow, heatmap, type LineChartOptions, lineChart } from './index.ts';

it('refuses options that a chart does not have, and names the nearest', () => {
  const draw = (options: object) => () => lineChart([{ name: 'a', y: [1, 2] }], options as LineChartOptions);
  expect(draw({ titel: 'Loss' })).toThrow(/^lineChart: there is no option 'titel'; did you mean 'title'\?/);
  expect(draw({ x_label: 'step' })).toThrow(/did you mean 'xLabel'\?/);
  expect(draw({ smooth: 3 })).toThrow(/did you mean 'smoothing'\?/);
  expect(draw({ elevation: 3 })).toThrow(/no option 'elevation', known: xLabel, yLabel/);
  expect(draw({ title: 'Loss' })).not.toThrow();
  expect(() => heatmap([[1]], 'blue' as unknown as object)).toThrow(/options must be an object/);
});

it('hands on what a chart takes that another one draws', () => {
  const all = {
    vanishing: 1e-4,
    exploding: 10,
    steps: [1, 2],
    valueLabel: 'norm',
    stepLabel: 'step',
    words: {},
  };
  expect(gradientFlow([{ name: 'a', norm: [1, 2] }], { ...all, title: 'Norms', width: 400 })).toContain(
    'Norms',
  );
});
