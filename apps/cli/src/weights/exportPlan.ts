/** `agrad export --wasm`: a network, or a training step of a run, as a module of WebAssembly that computes by itself. */

import { basename } from 'node:path';
import { backward } from '@ag/graph';
import { type ExportedPlan, type ExportPlanOptions, exportPlan, type PlanInputs } from '@ag/native-wasm';
import type { AnyModule } from '@ag/nn';
import { Tensor, type Variable } from '@ag/tensor';
import { eventVersion, writeAtomically } from '@ag/train';
import type { ExportOptions } from '../commands/export.ts';
import { exitCodes, Failure } from '../failure.ts';
import { count, bytes as size } from '../numbers.ts';
import { mapParts, tensorsByPath } from '../recipes/structured.ts';
import type { Terminal } from '../terminal.ts';
import { type Assembled, assemble, fitOptionsOf } from '../training/assemble.ts';
import type { Numbers, Subject } from './subject.ts';
import { describeWeights, loadTrained } from './trained.ts';

/** The network's answer. @throws Failure `incompatible` naming what cannot be exported */
export function answering({ model, x, batch }: Subject, options: ExportOptions): Promise<ExportedPlan> {
  const { maxBatch } = options;
  const first = maxBatch === undefined ? (batch ?? 1) : null;
  const inputs = { x: formOf(x, first) } as PlanInputs;
  return plan((given: Tensor) => model.forward(given), inputs, options, {
    names: variablesOf(model),
    ...(maxBatch !== undefined && { maxBatch }),
  });
}

/** Writes a step of the run that the options name; answers the exit code. */
export async function exportTraining(
  options: ExportOptions,
  out: string,
  terminal: Terminal,
): Promise<number> {
  const [target] = options.positional;
  const asking = { target, recipe: options.recipe, settings: options.settings };
  const trained = await describeWeights(asking, 'export', terminal.ask);
  if (trained.settings.schedule === 'plateau')
    throw new Failure(
      'incompatible',
      'the schedule of the learning rate follows the loss, which a module does not look at',
      'Take another one, such as --schedule cosine.',
    );
  const { prepared } = await loadTrained(trained);
  const assembled = await assemble(prepared, trained.settings);
  const inputs = await batchOf(assembled);
  const step = stepOf(assembled, fitOptionsOf(assembled, trained.settings).gradients);
  const { steps } = assembled;
  const exported = await plan(step, inputs, options, { steps, names: trainedVariables(assembled) });
  await writeAtomically(out, exported.wasm);
  await writeCompanions(exported, out);
  terminal.print(
    `${out}: a step of ${trained.recipeName} for ${count(steps)} steps, ${size(exported.wasm.length)}`,
  );
  terminal.event({
    v: eventVersion,
    type: 'result',
    command: 'export',
    from: target,
    path: out,
    format: 'wasm',
    bytes: exported.wasm.length,
    steps,
  });
  return exitCodes.done;
}

/** The ES module beside it, its types, and the weights where they are beside. */
export async function writeCompanions(exported: ExportedPlan, out: string): Promise<void> {
  const stem = out.replace(/\.wasm$/, '');
  const file = (ending: string): string => `./${basename(stem)}${ending}`;
  const { weights } = exported;
  const source = exported.javascript({
    wasmFile: `./${basename(out)}`,
    ...(weights && { weightsFile: file('.bin') }),
  });
  const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
  await writeAtomically(`${stem}.js`, encode(source));
  await writeAtomically(`${stem}.d.ts`, encode(exported.types()));
  if (weights) await writeAtomically(`${stem}.bin`, weights);
}

/** What the module answers to the examples, one after another. */
export async function answersOf(exported: ExportedPlan, x: unknown): Promise<{ by: string; found: Numbers }> {
  const { weights } = exported;
  const source = exported.javascript(weights ? { weightsFile: './model.bin' } : {});
  // There are no files yet that it could look for beside itself.
  const alone = source.replaceAll('import.meta.url', '"file:///"');
  const { load } = (await import(`data:text/javascript,${encodeURIComponent(alone)}`)) as {
    load(
      wasm: Uint8Array,
      weights: Uint8Array | null,
    ): Promise<{
      run(inputs: Record<string, ArrayLike<number>>): Record<string, ArrayLike<number>>;
    }>;
  };
  const { run } = await load(exported.wasm, weights);
  const parts = tensorsByPath(x, '');
  const group = exported.description.inputs[0]?.shape[0] ?? 1;
  const found = new Map<string, number[]>();
  for (let first = 0; first + group <= parts[0][1].shape[0]; first += group) {
    const given: Record<string, ArrayLike<number>> = {};
    for (const [path, tensor] of parts)
      given[path === '' ? 'x' : `x.${path.replaceAll('/', '.')}`] = await tensor
        .slice(first, first + group)
        .data();
    for (const [name, numbers] of Object.entries(run(given)))
      found.set(name, [...(found.get(name) ?? []), ...Array.from(numbers)]);
  }
  return { by: 'the module itself', found: [...found] };
}

async function plan(
  f: (...inputs: never[]) => unknown,
  inputs: PlanInputs,
  { arithmetic, beside }: ExportOptions,
  more: ExportPlanOptions,
): Promise<ExportedPlan> {
  try {
    return await exportPlan(f, inputs, { arithmetic, weights: beside ? 'beside' : 'inside', ...more });
  } catch (error) {
    if (!String((error as { code?: unknown }).code).startsWith('AG_')) throw error;
    throw new Failure('incompatible', (error as Error).message.replace(/^\w+: /, ''), undefined, error);
  }
}

/** Shapes of a structure of tensors, with another size of batch. */
function formOf(x: unknown, batch: number | null): unknown {
  return mapParts(x, isTensor, ({ shape, dtype }) => ({ shape: [batch, ...shape.slice(1)], dtype }) as never);
}

function isTensor(value: unknown): value is Tensor {
  return value instanceof Tensor;
}

/** The first batch of the run says what all of them look like. */
async function batchOf({ trainLoader }: Assembled): Promise<PlanInputs> {
  for await (const { x, y } of trainLoader) {
    const rows = tensorsByPath(x)[0][1].shape[0];
    return { x: formOf(x, rows), y: formOf(y, rows) } as PlanInputs;
  }
  throw new Failure('data', 'the run has no examples');
}

/** What `fit` does with a batch. */
function stepOf(
  { model, optimizer, average, task }: Assembled,
  gradients: ((parameters: readonly Variable[]) => void) | undefined,
) {
  return (x: Tensor, y: Tensor): { readonly loss: Tensor } => {
    const loss = task.loss(model.forward(x), y);
    backward(loss);
    gradients?.(optimizer.parameters);
    optimizer.step();
    average?.update();
    return { loss };
  };
}

function variablesOf(model: AnyModule): [string, Variable][] {
  return [...model.namedParameters(), ...model.namedBuffers()];
}

/** Names of what a step changes; those of the optimizer's state by the parameter they belong to. */
function trainedVariables({ model, optimizer }: Assembled): [string, Variable][] {
  const names = variablesOf(model);
  const parameters = optimizer.parameters;
  const all = (optimizer as { variables?(): Variable[] }).variables?.() ?? [];
  const state = all.slice(parameters.length);
  const each = state.length / parameters.length;
  const nameOf = new Map(names.map(([name, variable]) => [variable, name]));
  const own = state.map((variable, i): [string, Variable] => {
    const parameter = parameters[Math.floor(i / each)];
    return [`${nameOf.get(parameter)}.${variable.name.slice(parameter.name.length + 1)}`, variable];
  });
  return [...names, ...own];
}
