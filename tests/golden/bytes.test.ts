/**
 * Hashes of the WebAssembly code that the plans become, for each set of features: moving or rewriting an emitter must not
 * change a byte, or say that it does.
 */
import { createHash } from 'node:crypto';
import { describe, it } from 'vitest';
import { type Features, kernelParameters } from '../../packages/native-wasm/src/abi.ts';
import { ModuleBuilder } from '../../packages/native-wasm/src/assembler/moduleBuilder.ts';
import { withPartialSums } from '../../packages/native-wasm/src/contraction/partialSums.ts';
import { lowerProgram } from '../../packages/native-wasm/src/run/bands.ts';
import { convolutionOf } from '../../packages/native-wasm/src/winograd/shapes.ts';
import { expectGolden } from './golden.ts';
import { graphNames, programOf } from './graphs.ts';

const featureSets: Readonly<Record<string, Features>> = {
  separate: { relaxedSimd: false, tallTiles: true, threads: 1, winograd: true },
  fused: { relaxedSimd: true, tallTiles: true, threads: 1, winograd: true },
  'fused, low tiles': { relaxedSimd: true, tallTiles: false, threads: 1, winograd: true },
  'fused, two threads': { relaxedSimd: true, tallTiles: true, threads: 2, winograd: true },
  'fused, pairs': { relaxedSimd: true, tallTiles: true, pairedVectors: true, threads: 1, winograd: true },
};

/** The code of all kernels of a graph, each once. */
function codeOf(name: string, features: Features): Uint8Array {
  const module = new ModuleBuilder();
  module.importMemory('env', 'memory', 1, 65536, features.threads > 1);
  module.importTable('env', 'table', 0);
  const thread = module.importGlobal('env', 'thread');
  module.type(kernelParameters, []);
  const keys = new Set<string>();
  const program = withPartialSums(programOf(name), (launch) => convolutionOf(launch) !== null);
  const { lowered } = lowerProgram(program, features);
  for (const { key, emit } of lowered.flatMap(({ stages }) => stages)) {
    if (keys.has(key)) continue;
    module.element(keys.size, emit({ ...features, module, thread }));
    keys.add(key);
  }
  return module.bytes();
}

describe('the code of', () => {
  it.each(Object.keys(featureSets))('all graphs: %s', (set) => {
    const lines = graphNames.map((name) => {
      const code = codeOf(name, featureSets[set]);
      return `${createHash('sha256').update(code).digest('hex').slice(0, 16)} ${code.length} ${name}`;
    });
    expectGolden(`bytes/${set.replaceAll(/\W+/g, '-')}.txt`, `${lines.join('\n')}\n`);
  });
});
