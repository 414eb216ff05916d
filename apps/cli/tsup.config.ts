import { program } from '../../tsup.shared.ts';

export default {
  ...program(['src/main.ts', 'src/index.ts']),
  // Modules of recipes import the types.
  dts: { entry: 'src/index.ts', compilerOptions: { ignoreDeprecations: '6.0' } },
};
