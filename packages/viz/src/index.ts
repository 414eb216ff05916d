/**
 * Pictures of training: plain data in, an SVG document out, as a string. No page is needed, so the same functions
 * serve reports, notebooks, terminals and web pages.
 */
export type { ScaleKind } from './axes.ts';
export type { ColorScaleKind } from './color-scale.ts';
export { type ConfusionOptions, confusion } from './confusion.ts';
export { type ContourPathOptions, contourPath, type OptimizerPath } from './contour-path.ts';
export { type DataPoint, type DecisionBoundaryOptions, decisionBoundary } from './decision-boundary.ts';
export type { ChartOptions } from './frame.ts';
export {
  type GradientFlowLayer,
  type GradientFlowOptions,
  type GradientFlowWords,
  gradientFlow,
} from './gradient-flow.ts';
export type { GraphData, GraphEdge, GraphNode, GraphValue } from './graph-data.ts';
export { type GraphViewOptions, graphView } from './graph-view.ts';
export type { Grid } from './grid.ts';
export { type HeatmapOptions, heatmap } from './heatmap.ts';
export { type Bins, type HistogramOptions, histogram } from './histogram.ts';
export { type GridImage, type ImageGridOptions, imageGrid } from './image-grid.ts';
export { type LineChartOptions, type LineSeries, lineChart, type ReferenceLine } from './line-chart.ts';
export {
  type ParallelCoordinatesOptions,
  parallelCoordinates,
  type SweepDimension,
  type SweepRun,
} from './parallel-coordinates.ts';
export { type SurfaceOptions, surface } from './surface.ts';
export type { Theme } from './theme.ts';
