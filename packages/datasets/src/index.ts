/**
 * `@ag/datasets`: data sets, loaders and transforms. Read what they are (dataset.ts), how they are cut into batches
 * (loader.ts) and parts (split.ts), the known and generated ones (sets/, digits/), and changes on the way
 * (transforms/).
 */
export {
  type Batch,
  type Column,
  type ColumnData,
  type Dataset,
  type DatasetInfo,
  type Indices,
  type MemoryDataset,
  memoryDataset,
  type PartInfo,
  type Rows,
  type RowsOf,
} from './dataset.ts';
export { type DigitsOptions, digits } from './digits/index.ts';
export { DataError, type DataErrorCode, type DataErrorDetails, type DataErrorKind } from './errors.ts';
export { cacheFolder } from './files/cache.ts';
export type { FileSet, NamedFile, SourceOptions } from './files/obtain.ts';
export type { DownloadProgress, TransferOptions } from './files/transfer.ts';
export { type CsvOptions, type CsvTable, parseCsv } from './formats/csv.ts';
export { gunzip } from './formats/gzip.ts';
export {
  type IdxArray,
  type IdxExpectation,
  type IdxFileExpectation,
  type IdxType,
  readIdx,
  readIdxFile,
} from './formats/idx.ts';
export { type JsonLine, parseJsonl } from './formats/jsonl.ts';
export { decodeText, type TextOptions } from './formats/text.ts';
export { type DecodeOptions, decodeImage } from './images/decode.ts';
export { type CenterDigitOptions, centerDigit, centerInk } from './images/digit.ts';
export { type ImageFolderDataset, type ImageFolderOptions, imageFolder } from './images/folder.ts';
export { fromImageData, type Picture, toImageData } from './images/imageData.ts';
export type { ChannelOptions, ImageDataLike } from './images/pixels.ts';
export {
  type DataLoader,
  type DataLoaderOptions,
  type DataLoaderState,
  dataLoader,
  type Part,
  type PartOfBatch,
} from './loader.ts';
export {
  type Cell,
  type ColumnChoice,
  type ColumnOptions,
  type ColumnType,
  dropMissing,
  type EncodedDataset,
  type Encoder,
  type FitPreprocessingOptions,
  type FittedColumn,
  type FittedScale,
  type FittedTarget,
  fitPreprocessing,
  type Imputation,
  type InferOptions,
  type InferredColumn,
  inferColumns,
  type Prediction,
  type Preprocessing,
  type PreprocessingJSON,
  preprocessingFromJSON,
  type Scaler,
  splitTable,
  type TableIssue,
  type TableLike,
  type TableRecord,
  type TransformedRows,
  type TransformOptions,
} from './preprocessing/index.ts';
export {
  type ColumnSource,
  type ColumnSources,
  type TensorsOfSources,
  tensorDataset,
} from './sets/arrays.ts';
export { type BostonHousingOptions, bostonColumns, bostonHousing, bostonSource } from './sets/boston.ts';
export { type CifarOptions, cifar10, cifar10Source } from './sets/cifar.ts';
export { type CsvDatasetOptions, csvDataset } from './sets/csv.ts';
export {
  type BlobsOptions,
  blobs,
  type CirclesOptions,
  circles,
  type LinearRegressionDataset,
  type LinearRegressionOptions,
  linearRegression,
  moons,
  type PointsOptions,
  type SpiralsOptions,
  spirals,
  xor,
} from './sets/generated.ts';
export { iris } from './sets/iris.ts';
export { type JsonlDatasetOptions, jsonlDataset } from './sets/jsonl.ts';
export {
  fashionMnist,
  fashionMnistSource,
  idxDataset,
  type MnistOptions,
  type MnistSource,
  mnist,
  mnistSource,
} from './sets/mnist.ts';
export { type TableOptions, tableDataset } from './sets/table.ts';
export {
  type TextDataset,
  type TextDatasetOptions,
  type TinyShakespeareOptions,
  textDataset,
  tinyShakespeare,
  tinyShakespeareSource,
} from './sets/text.ts';
export { type Fold, type KFoldOptions, kFold, randomSplit, subset } from './split.ts';
export type { ColumnPath, Columns, ColumnTree, TensorsOf } from './structure.ts';
export type { AugmentOptions } from './transforms/augment.ts';
export type { PartOptions } from './transforms/column.ts';
export { transforms } from './transforms/index.ts';
export type { MixOptions } from './transforms/mixing.ts';
export type { CropOptions, ErasingOptions, FlipOptions, JitterOptions } from './transforms/pictures.ts';
export type { ScaleOptions, Scaling } from './transforms/scale.ts';
export type {
  ColumnTransform,
  Composition,
  RowsOfAnyForm,
  SerializableTransform,
  Transform,
  TransformContext,
  TransformJSON,
} from './transforms/transform.ts';
