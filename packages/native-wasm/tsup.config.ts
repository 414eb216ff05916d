import { library } from '../../tsup.shared.ts';

// The worker is a file of its own, found beside index.js by its URL.
export default library(['src/index.ts', 'src/worker.js']);
