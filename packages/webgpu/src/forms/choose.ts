/** Which form does a launch. */
import type { Launch } from '@ag/tensor';
import { codedError, dtypeError } from '@ag/tensor/engine';
import { contract } from './contract.ts';
import { divided } from './divide.ts';
import { fastForms } from './fast/index.ts';
import type { Form, FormRequest, Step } from './form.ts';
import { gather, scatter } from './indexed.ts';
import { map } from './map.ts';
import { reduce } from './reduce.ts';
import { scan } from './scan.ts';
import { sort } from './sort.ts';

const plain: Partial<Record<Launch['kernel']['form'], Form>> = {
  map,
  reduce,
  contract,
  gather,
  scatter,
  scan,
  sort,
};

/**
 * What the launch, and others behind it, become.
 *
 * @throws TypeError where an operation is not defined for its dtype
 */
export function stepOf(request: FormRequest): Step {
  const { launch } = request;
  try {
    for (const form of fastForms) {
      const step = form(request);
      // One that needs more buffers than there are is divided first.
      if (step?.dispatches.every(({ bindings }) => bindings.length <= request.facts.maxBuffers)) return step;
    }
    const parts = divided(request);
    if (parts !== null) {
      const steps = parts.map((part) => stepOf({ ...request, launch: part }));
      return { launches: 1, dispatches: steps.flatMap(({ dispatches }) => dispatches) };
    }
    const step = plain[launch.kernel.form]?.(request);
    if (step) return step;
  } catch (error) {
    if (error instanceof TypeError) throw dtypeError(`${launch.label}: ${error.message}`, { cause: error });
    throw error;
  }
  throw codedError(Error, 'AG_INTERNAL', `webgpu: no form does a ${launch.kernel.form}`);
}
