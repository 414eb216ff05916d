/**
 * Writes src/proto/onnx.ts from onnx.proto, which the `onnx` package for Python brings (Apache-2.0).
 *
 *   pip install onnx==1.23.2 grpcio-tools; npm install @bufbuild/protobuf@2.17.0 @bufbuild/protoc-gen-es@2.17.0
 *   node packages/onnx/scripts/schema.mjs PYTHON FOLDER_WITH_NODE_MODULES
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

const [python, tools] = process.argv.slice(2);
const out = mkdtempSync(join(tmpdir(), 'onnx-schema-'));
const script = `import os, onnx; print(os.path.dirname(onnx.__file__))`;
const folder = execFileSync(python, ['-c', script], { encoding: 'utf8' }).trim();
const options = ['--es_opt=target=ts', '--es_opt=erasable_syntax=true'];
execFileSync(
  python,
  ['-m', 'grpc_tools.protoc', `-I${folder}`, `--es_out=${out}`, ...options, 'onnx.proto'],
  {
    env: { ...process.env, PATH: [join(tools, 'node_modules', '.bin'), process.env.PATH].join(delimiter) },
  },
);
const generated = readFileSync(join(out, 'onnx_pb.ts'), 'utf8');
// What the schema says of its parts stands in onnx.proto.
const bare = generated
  .replaceAll(/^ *\/\*\*[\s\S]*?\*\/\n/gm, '')
  .replaceAll(/^\/\/.*\n/gm, '')
  .replaceAll(/^\/\* eslint-disable \*\/\n/gm, '')
  .replaceAll(/\n{2,}/g, '\n\n')
  .replaceAll(/(?<=[;,]\n)\n(?= )/g, '')
  .trim();
const head = `/**
 * The schema of ONNX files, as protoc-gen-es 2.17.0 writes it: see scripts/schema.mjs.
 *
 * Made from onnx.proto of onnx 1.23.2, Apache-2.0, https://onnx.ai. Not to be edited.
 */
`;
writeFileSync(new URL('../src/proto/onnx.ts', import.meta.url), `${head}${bare}\n`);
