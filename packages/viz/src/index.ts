/**
 * Pictures of training: plain data in, an SVG document out, as a string. No page is needed, so the same functions
 * serve reports, notebooks, terminals and web pages.
 */

export type { ScaleKind } from './axes.ts';
export { type ConfusionOptions, confusion } from './confusion.ts';
export type { ChartOptions } from './frame.ts';
export { type GridImage, type ImageGridOptions, imageGrid } from './image-grid.ts';
export { type LineChartOptions, type LineSeries, lineChart, type ReferenceLine } from './line-chart.ts';
export type { Theme } from './theme.ts';
