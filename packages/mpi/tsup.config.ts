import { library } from '../../tsup.shared.ts';

// The thread that calls MPI is a file of its own, found beside index.js by its URL.
export default library(
  { index: 'src/index.ts', communicator: 'src/communicator.js' },
  { index: 'src/index.ts' },
);
