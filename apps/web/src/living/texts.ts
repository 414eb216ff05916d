/** Words of a graph that is touched. */
export const texts = {
  graph: { en: 'The graph of the formula', zh: '公式的计算图' },
};
