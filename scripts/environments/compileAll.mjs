/**
 * Compiles many projects in one process, so that the library's declarations are read once: `node compileAll.mjs COMPILER FOLDER…`.
 * Prints what is wrong, and ends with 1 then. A compiler without this interface (TypeScript 7) is called once for each project.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [compiler, ...folders] = process.argv.slice(2);
const ts = createRequire(import.meta.url)(compiler);
const libraries = new Map();
let failed = false;

for (const folder of folders) {
  const config = ts.getParsedCommandLineOfConfigFile(
    join(folder, 'tsconfig.json'),
    {},
    {
      ...ts.sys,
      onUnRecoverableConfigFileDiagnostic: (diagnostic) => report(folder, [diagnostic]),
    },
  );
  const host = ts.createCompilerHost(config.options);
  const read = host.getSourceFile;
  host.getSourceFile = (file, ...rest) => {
    const isLibrary = /\/typescript\/lib\/lib\.[\w.]*d\.ts$/.test(file);
    if (!isLibrary) return read.call(host, file, ...rest);
    if (!libraries.has(file)) libraries.set(file, read.call(host, file, ...rest));
    return libraries.get(file);
  };
  const program = ts.createProgram(config.fileNames, config.options, host);
  report(folder, [...config.errors, ...ts.getPreEmitDiagnostics(program), ...program.emit().diagnostics]);
}
process.exitCode = failed ? 1 : 0;

function report(folder, diagnostics) {
  if (diagnostics.length === 0) return;
  failed = true;
  const host = {
    getCurrentDirectory: () => folder,
    getCanonicalFileName: (name) => name,
    getNewLine: () => '\n',
  };
  console.log(`${folder}:\n${ts.formatDiagnostics(diagnostics, host)}`);
}
