/** The smallest network there is: a line, a sigmoid, a squared error. That of examples/01-scalar-graph.ts. */
export const neuron = {
  expression: '(sigmoid(k*x + b) - y)^2',
  values: { k: '0.5', x: '2', b: '-0.3', y: '0.9' },
  /** What is learned, and how fast. */
  learned: ['k', 'b'],
  rate: 0.5,
} as const;
