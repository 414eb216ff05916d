/** Preprocessing as an object: guessing what columns hold, fitting, transforming, and the way back. */
export type {
  ColumnOptions,
  Encoder,
  FittedColumn,
  FittedScale,
  Imputation,
  Scaler,
  TableIssue,
} from './column.ts';
export { type ColumnChoice, type FitPreprocessingOptions, fitPreprocessing } from './fit.ts';
export { type ColumnType, type InferOptions, type InferredColumn, inferColumns } from './infer.ts';
export { preprocessingFromJSON } from './json.ts';
export { dropMissing, splitTable } from './parts.ts';
export type {
  EncodedDataset,
  Preprocessing,
  PreprocessingJSON,
  TransformedRows,
  TransformOptions,
} from './preprocessing.ts';
export type { Cell, TableLike, TableRecord } from './rows.ts';
export type { FittedTarget, Prediction } from './target.ts';
