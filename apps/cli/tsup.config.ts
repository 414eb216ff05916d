/** How the package is built: the command, its library for recipes, the worker of sweeps. */
import { cp } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { program } from '../../tsup.shared.ts';

export default {
  ...program(['src/main.ts', 'src/index.ts', 'src/sweepWorker.ts']),
  // Modules of recipes import the types.
  dts: { entry: 'src/index.ts', compilerOptions: { ignoreDeprecations: '6.0' } },
  // What `agrad web` serves travels inside the package.
  async onSuccess() {
    const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
    await cp(path('../web/dist'), path('dist/web'), { recursive: true });
  },
};
