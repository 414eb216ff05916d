/** The ES module beside an exported plan, and its types: loads the WebAssembly module and calls it with typed arrays. */
import type { DType } from '@ag/tensor';
import type { PlanDescription, PlanTensor } from './description.ts';

/** Options of the code that is written beside an exported plan. */
export interface CompanionOptions {
  /** Where the module lies, as seen from the companion. Default './model.wasm'. */
  readonly wasmFile?: string;
  /** Where the weights lie, if they are beside. */
  readonly weightsFile?: string;
}

const arrays: Readonly<Record<string, string>> = {
  float32: 'Float32Array',
  float64: 'Float64Array',
  int32: 'Int32Array',
  uint32: 'Uint32Array',
  bool: 'Uint8Array',
  uint8: 'Uint8Array',
  float16: 'Uint16Array',
  bfloat16: 'Uint16Array',
};

function arrayOf(dtype: DType): string {
  return arrays[dtype] ?? 'Uint8Array';
}

export function javascriptFor(
  description: PlanDescription,
  { wasmFile = './model.wasm', weightsFile }: CompanionOptions,
): string {
  const { maxBatch, inputs, outputs, state, weights, fault } = description;
  const table = (list: readonly PlanTensor[]): string =>
    `{${list
      .filter(({ offset }) => offset !== null)
      .map(({ name, dtype, shape, offset }) => {
        const open = shape[0] === null;
        const elements = shape.reduce<number>((product, size) => product * (size ?? 1), 1);
        return `${JSON.stringify(name)}: [${arrayOf(dtype)}, ${offset}, ${elements}${open ? ', 1' : ''}]`;
      })
      .join(', ')}}`;
  const url = (file: string): string => `new URL(${JSON.stringify(file)}, import.meta.url)`;
  const beside = weightsFile !== undefined;
  return `// Written by ag's exportPlan: loads the WebAssembly module beside it and runs it. Nothing else is needed.
const inputs = ${table(inputs)};
const outputs = ${table(outputs)};
const variables = ${table(state)};

const read = async (from) => {
  if (!(from instanceof URL)) return from;
  if (from.protocol === 'file:') return (await import('node:fs/promises')).readFile(from);
  return (await fetch(from)).arrayBuffer();
};

export async function load(wasm = ${url(wasmFile)}${beside ? `, weights = ${url(weightsFile)}` : ''}) {
  const made = await WebAssembly.instantiate(await read(wasm));
  const { memory: { buffer }, run } = (made.instance ?? made).exports;
${beside ? `  new Uint8Array(buffer, ${weights.offset}).set(new Uint8Array(await read(weights)));\n` : ''}  const view = ([type, offset, size, open], batch = 1) => new type(buffer, offset, open ? size * batch : size);
  return {
    state: Object.fromEntries(Object.entries(variables).map(([name, one]) => [name, view(one)])),
    run(given) {
      let batch = ${maxBatch === null ? 0 : 1};
      for (const [name, one] of Object.entries(inputs)) {
        const { length } = given[name];
        if (one[3]) batch = length / one[2];
        else if (length !== one[2]) throw new RangeError(\`\${name}: \${length} elements, not \${one[2]}\`);
        if (${maxBatch === null ? 'false' : `!(batch >= 1 && batch <= ${maxBatch} && batch % 1 === 0)`}) throw new RangeError(\`\${name}: \${length} elements are no batch${maxBatch === null ? '' : ` of 1 to ${maxBatch}`}\`);
        view(one, batch).set(given[name]);
      }
      const status = run(batch);
      if (status === 1) throw new RangeError(\`index \${new Int32Array(buffer)[${fault / 4}]} is outside its axis\`);
      if (status !== 0) throw new RangeError(status === 2 ? 'another batch' : 'no learning rates for more steps');
      return Object.fromEntries(Object.entries(outputs).map(([name, one]) => [name, view(one, batch).slice()]));
    },
  };
}
`;
}

export function typesFor({ inputs, outputs, state, maxBatch }: PlanDescription): string {
  const fields = (list: readonly PlanTensor[], readonly: string): string =>
    list
      .filter(({ offset }) => offset !== null)
      .map(({ name, dtype, shape }) => {
        const sizes = shape.map((size) => size ?? 'batch').join(', ');
        return `    /** ${dtype} [${sizes}] */\n    ${readonly}${JSON.stringify(name)}: ${arrayOf(dtype)};\n`;
      })
      .join('');
  const batch = maxBatch === null ? '' : ` \`batch\` is what the arrays hold, 1 to ${maxBatch}.`;
  return `/** Written by ag's exportPlan. */
export interface Plan {
  /** Live views of memory: what is written there counts at the next run. */
  readonly state: {
${fields(state, 'readonly ')}  };
  /** @throws RangeError for arrays of another length, and for an index outside its axis.${batch} */
  run(inputs: {
${fields(inputs, 'readonly ')}  }): {
${fields(outputs, '')}  };
}
/** A module, its bytes, or where it lies; by default beside this file. */
export function load(wasm?: URL | BufferSource | WebAssembly.Module, weights?: URL | BufferSource): Promise<Plan>;
`;
}
