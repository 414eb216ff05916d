import { library } from '../../tsup.shared.ts';

// The threads' worker is an entry here as well, for bundlers that have to be told of it: whoever installed this package can name it.
export default library(
  { index: 'src/index.ts', worker: '../native-wasm/src/run/worker.js' },
  { index: 'src/index.ts' },
);
