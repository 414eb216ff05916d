/**
 * Pictures of training: plain data in, an SVG document out, as a string. No page is needed, so the same functions
 * serve reports, notebooks, terminals and web pages.
 */
export type { ScaleKind } from './axes.ts';
export type { ColorScaleKind } from './colorScale.ts';
export { type ConfusionOptions, confusion } from './confusion.ts';
export { type ContourPathOptions, contourPath, type OptimizerPath } from './contourPath.ts';
export { type DataPoint, type DecisionBoundaryOptions, decisionBoundary } from './decisionBoundary.ts';
export type { ChartOptions } from './frame.ts';
export {
  type GradientFlowLayer,
  type GradientFlowOptions,
  type GradientFlowWords,
  gradientFlow,
} from './gradientFlow.ts';
export type { GraphData, GraphEdge, GraphNode, GraphValue } from './graphData.ts';
export { type GraphViewOptions, graphView } from './graphView.ts';
export type { Grid } from './grid.ts';
export { type HeatmapOptions, heatmap } from './heatmap.ts';
export { type Bins, type HistogramOptions, histogram } from './histogram.ts';
export { type GridImage, type ImageGridOptions, imageGrid } from './imageGrid.ts';
export { type LineChartOptions, type LineSeries, lineChart, type ReferenceLine } from './lineChart.ts';
export {
  type ParallelCoordinatesOptions,
  parallelCoordinates,
  type SweepDimension,
  type SweepRun,
} from './parallelCoordinates.ts';
export { type SurfaceOptions, surface } from './surface.ts';
export { seriesColors, type Theme } from './theme.ts';
export { viridis } from './viridis.ts';
