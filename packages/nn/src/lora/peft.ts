/**
 * Adapters as files of Hugging Face's peft: weights and a configuration with its names.
 */
import { computedDType, type Tensor } from '@ag/tensor';
import { codedError } from '@ag/tensor/engine';
import { loadSafetensors, saveSafetensors } from '../files/safetensors.ts';
import { type Adapter, type AdapterSettings, type Part, partOf } from './adapter.ts';
import { factorShapes, listed, type Site } from './sites.ts';

/** An adapter's files by their names, as peft has them in a folder. */
export interface AdapterFiles {
  readonly 'adapter_model.safetensors': Uint8Array;
  /** JSON. */
  readonly 'adapter_config.json': string;
}

const prefix = 'base_model.model.';

/** An adapter as a file holds it. */
export interface ReadAdapter {
  readonly settings: AdapterSettings;
  readonly parts: readonly Part[];
  /** What trains whole, in PyTorch's names. */
  readonly whole: ReadonlyMap<string, Tensor>;
  /** The modules of that. */
  readonly modulesToSave: readonly string[];
}

/**
 * @param whole values of what trains whole, in PyTorch's names
 * @param modulesToSave their modules
 */
export async function writeAdapter(
  adapter: Adapter,
  whole: ReadonlyMap<string, Tensor>,
  modulesToSave: readonly string[],
): Promise<AdapterFiles> {
  const tensors = new Map<string, Tensor>();
  for (const { site, a, b } of adapter.parts) {
    const [nameA, nameB] = tensorNames(site);
    tensors.set(nameA, a.value);
    tensors.set(nameB, b.value);
  }
  for (const [name, value] of whole) tensors.set(prefix + name, value);
  const { rank, alpha, dropout, rankStabilized } = adapter.settings;
  const config = {
    peft_type: 'LORA',
    task_type: null,
    base_model_name_or_path: null,
    inference_mode: true,
    r: rank,
    lora_alpha: alpha,
    lora_dropout: dropout,
    use_rslora: rankStabilized,
    target_modules: targetsOf(adapter),
    modules_to_save: modulesToSave.length === 0 ? null : modulesToSave,
    bias: 'none',
    fan_in_fan_out: false,
    init_lora_weights: true,
  };
  return {
    'adapter_model.safetensors': await saveSafetensors(Object.fromEntries(tensors), {
      metadata: { format: 'pt' },
    }),
    'adapter_config.json': `${JSON.stringify(config, null, 2)}\n`,
  };
}

/** Modules of the targets; attention stands for its output layer too. */
function targetsOf({ parts }: Adapter): string[] {
  return [...new Set(parts.map(({ site }) => site.peftName.replace(/\.base_layer\.out_proj$/, '')))];
}

function tensorNames({ kind, peftName }: Site): readonly [a: string, b: string] {
  const name = peftName === '' ? prefix : `${prefix}${peftName}.`;
  return kind === 'embedding'
    ? [`${name}lora_embedding_A`, `${name}lora_embedding_B`]
    : [`${name}lora_A.weight`, `${name}lora_B.weight`];
}

/**
 * @param operation for messages
 * @throws RangeError for files that are no adapter of this model, saying why
 */
export function readAdapter(files: AdapterFiles, sites: readonly Site[], operation: string): ReadAdapter {
  const fail = (what: string): never => {
    throw codedError(RangeError, 'AG_FILE_FORMAT', `${operation}: ${what}`);
  };
  const mismatch = (what: string): never => {
    throw codedError(RangeError, 'AG_STATE_MISMATCH', `${operation}: ${what}`);
  };
  const bytes: unknown = files?.['adapter_model.safetensors'];
  const text: unknown = files?.['adapter_config.json'];
  if (!(bytes instanceof Uint8Array) || typeof text !== 'string') {
    return fail(
      "needs { 'adapter_model.safetensors': bytes, 'adapter_config.json': text }, the files of an adapter's folder",
    );
  }
  const config = parseConfig(text, fail);
  const { tensors, names } = loadSafetensors(bytes);
  const byPrefix = new Map<string, readonly [site: Site, which: 'a' | 'b']>();
  for (const site of sites) {
    const [a, b] = tensorNames(site);
    for (const [name, which] of [
      [a, 'a'],
      [b, 'b'],
    ] as const) {
      byPrefix.set(name, [site, which]);
      // Also where only the output layer of an attention is adapted.
      byPrefix.set(name.replace('.base_layer.out_proj', '.out_proj'), [site, which]);
    }
  }
  const pairs = new Map<Site, { a?: Tensor; b?: Tensor }>();
  const whole = new Map<string, Tensor>();
  for (const name of names) {
    const found = byPrefix.get(name);
    if (found) {
      const pair = pairs.get(found[0]) ?? {};
      pair[found[1]] = tensors[name];
      pairs.set(found[0], pair);
    } else if (/\.lora_/.test(name) || !name.startsWith(prefix)) {
      mismatch(
        `the file adapts '${name}', which this model does not have; it has ${listed([...byPrefix.keys()])}`,
      );
    } else whole.set(name.slice(prefix.length), tensors[name]);
  }
  if (pairs.size === 0 && whole.size === 0) fail('the file has no adapter');
  const parts = [...pairs].map(([site, { a, b }]) => {
    if (!a || !b) return mismatch(`of '${site.name}' the file has one of two factors`);
    const shapes = factorShapes(site, a.shape[0]);
    for (const [i, factor] of [a, b].entries()) {
      if (factor.shape.join() !== shapes[i].join())
        mismatch(
          `factor ${'AB'[i]} of '${site.name}' is [${factor.shape.join(', ')}], and should be [${shapes[i].join(', ')}] beside a weight of [${site.variable.shape.join(', ')}]`,
        );
    }
    const dtype = computedDType(site.variable.dtype);
    const alpha = ofPattern(config.alphas, site.peftName) ?? config.alpha;
    return partOf(site, a.cast(dtype), b.cast(dtype), { ...config, alpha });
  });
  return { settings: config, parts, whole, modulesToSave: config.modulesToSave };
}

interface Config extends AdapterSettings {
  readonly alphas: Readonly<Record<string, unknown>>;
  readonly modulesToSave: readonly string[];
}

function parseConfig(text: string, fail: (what: string) => never): Config {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    fail(`adapter_config.json is no JSON: ${(error as Error).message.slice(0, 100)}`);
  }
  if (typeof json !== 'object' || json === null) return fail('adapter_config.json is no JSON object');
  const given = json as Readonly<Record<string, unknown>>;
  if (given.peft_type !== 'LORA')
    fail(
      `adapter_config.json says peft_type ${JSON.stringify(given.peft_type)?.slice(0, 40)}, and only 'LORA' is read`,
    );
  for (const [name, usual] of [
    ['bias', 'none'],
    ['lora_bias', false],
    ['layer_replication', null],
    ['target_parameters', null],
  ] as const) {
    const value = given[name] ?? usual;
    if (value !== usual)
      fail(`adapter_config.json has ${name} ${JSON.stringify(value).slice(0, 40)}, which is not supported`);
  }
  // Each changes what is computed.
  const other = Object.keys(given).find(
    (name) => /^use_/.test(name) && name !== 'use_rslora' && given[name] === true,
  );
  if (other !== undefined) fail(`adapter_config.json has ${other} true, which is not supported`);
  const number = (name: string, usual: number): number => {
    const value = given[name] ?? usual;
    return typeof value === 'number' && Number.isFinite(value)
      ? value
      : fail(`adapter_config.json has no number as ${name}`);
  };
  const modules = given.modules_to_save ?? [];
  if (!Array.isArray(modules) || !modules.every((one) => typeof one === 'string'))
    return fail('adapter_config.json has no list of names as modules_to_save');
  const alphas = given.alpha_pattern;
  return {
    rank: number('r', 8),
    alpha: number('lora_alpha', 8),
    dropout: number('lora_dropout', 0),
    rankStabilized: given.use_rslora === true,
    alphas: typeof alphas === 'object' && alphas !== null ? (alphas as Record<string, unknown>) : {},
    modulesToSave: modules,
  };
}

/** An alpha of its own, by the end of the module's name. */
function ofPattern(pattern: Config['alphas'], name: string): number | undefined {
  for (const [end, value] of Object.entries(pattern))
    if (typeof value === 'number' && (name === end || name.endsWith(`.${end}`))) return value;
  return undefined;
}
