import { library } from '../../tsup.shared.ts';

// The worker is a file of its own, found beside index.js by its URL. Instruction codes are written as numbers where they are used.
export default library(
  { index: 'src/index.ts', worker: 'src/run/worker.js' },
  { index: 'src/index.ts' },
  { minifySyntax: true },
);
