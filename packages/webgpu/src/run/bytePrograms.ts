/** Small programs that copy or clear bytes which do not lie in whole words: the device's own commands take words only. */
import type { Program } from '@ag/tensor';

/** Over `bytes` elements of uint8: buffer 0 to buffer 1, or zeros to buffer 0. */
export function byteProgram(kind: 'copy' | 'clear', bytes: number): Program {
  const buffer = (binding: number) => ({ kind: 'bound', binding, dtype: 'uint8', length: bytes }) as const;
  const operand = (number: number) => ({ buffer: number, offset: 0, dynamic: [], strides: [1] });
  const copies = kind === 'copy';
  return {
    slots: [],
    buffers: copies ? [buffer(0), buffer(1)] : [buffer(0)],
    bindingCount: copies ? 2 : 1,
    scalarCount: 0,
    launches: [
      {
        kernel: {
          form: 'map',
          rank: 1,
          inputs: copies ? ['uint8'] : [],
          outputs: [{ dtype: 'uint8', accumulate: false }],
          expression: {
            instructions: [
              copies
                ? { op: 'load', operand: 0, dtype: 'uint8' }
                : { op: 'constant', value: 0, dtype: 'uint8' },
            ],
            results: [0],
          },
        },
        dims: [bytes],
        operands: copies ? [operand(0), operand(1)] : [operand(0)],
        literals: [],
        label: `${kind} of bytes`,
      },
    ],
  };
}
