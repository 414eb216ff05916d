import { library } from '../../tsup.shared.ts';

export default library([
  'src/index.ts',
  'src/debug/index.ts',
  'src/engine.ts',
  'src/math/index.ts',
  'src/testing/index.ts',
]);
