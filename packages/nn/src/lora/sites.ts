/**
 * Weights that can be adapted: their names, which modules read them, and how a change looks there.
 */
import type { Tensor, Variable } from '@ag/tensor';
import { valueError } from '@ag/tensor/engine';
import { MultiHeadAttention } from '../attention.ts';
import { Conv1d, Conv2d } from '../conv.ts';
import { Embedding } from '../embedding.ts';
import { torchNames } from '../files/torchWrite.ts';
import { Linear } from '../linear.ts';
import { type AnyModule, Module } from '../module.ts';
import { snakeCase } from '../state.ts';

/** Names of weights and of modules, in which all weights are meant; or all linear layers. */
export type LoraTargets = 'all-linear' | RegExp | readonly (string | RegExp)[];

/** How the change gets to the output: beside a layer, or as a part of the weight that a module reads. */
export type SiteKind = 'linear' | 'convolution' | 'embedding' | 'weight';

/** A weight that can be adapted. */
export interface Site {
  /** Of the weight in the model: `'encoder.linear1.weight'`. */
  readonly path: string;
  /** Without the `.weight` that most end in. */
  readonly name: string;
  /** What peft calls the module, in PyTorch's names. */
  readonly peftName: string;
  readonly kind: SiteKind;
  readonly variable: Variable;
  /** All modules that read it; several where a weight is shared. */
  readonly owners: readonly AnyModule[];
  /** Those and the modules around them, any of which may read it. */
  readonly around: readonly AnyModule[];
  /** Whether 'all-linear' means it. */
  readonly isMatrix: boolean;
  /** Whether the weight is [inputs, outputs] and not the other way round. */
  readonly inputsFirst: boolean;
  /** Of a convolution, else 1. */
  readonly groups: number;
}

interface Found {
  readonly path: string;
  readonly variable: Variable;
  readonly owners: AnyModule[];
  readonly own: string;
}

/** All of a model, in its order. */
export function sitesOf(model: AnyModule): Site[] {
  const found = new Map<Variable, Found>();
  const trainable = new Set(model.parameters());
  const attentions = new Map<AnyModule, string>();
  for (const [modulePath, module] of model.namedModules()) {
    for (const [own, member] of module.members()) {
      if (module instanceof MultiHeadAttention && member === module.output)
        attentions.set(module.output, modulePath);
      if (member instanceof Module || !trainable.has(member) || member.shape.length < 2) continue;
      const path = modulePath === '' ? own : `${modulePath}.${own}`;
      const known = found.get(member);
      if (known) known.owners.push(module);
      else found.set(member, { path, variable: member, owners: [module], own });
    }
  }
  const modules = [...model.namedModules().values()].map(
    (module) => [module, new Set(module.namedModules().values())] as const,
  );
  const { names } = torchNames(model, new Set([...found.values()].map(({ path }) => path)));
  return [...found.values()].map(({ path, variable, owners, own }) => {
    const kind = owners.length === 1 ? kindOf(owners[0]) : 'weight';
    const lie = owners[0].matrices()[own];
    const theirs = (names.get(path) ?? snakeCase(path)).replace(/(^|\.)(weight|in_proj_weight)$/, '');
    return {
      path,
      name: path.replace(/\.weight$/, ''),
      // peft wraps attention as a whole, and its output layer once more inside.
      peftName: attentions.has(owners[0]) ? theirs.replace(/out_proj$/, 'base_layer.out_proj') : theirs,
      kind,
      variable,
      owners,
      around: modules
        .filter(([, inside]) => owners.some((owner) => inside.has(owner)))
        .map(([module]) => module),
      isMatrix: lie !== undefined,
      inputsFirst: lie === 'inputsFirst',
      groups: kind === 'convolution' ? groupsOf(owners[0]) : 1,
    };
  });
}

/** What a module is, unless somebody's own class computes something else. */
function kindOf(module: AnyModule): SiteKind {
  const is = (layer: typeof Linear | typeof Conv1d | typeof Conv2d | typeof Embedding): boolean =>
    module instanceof layer &&
    Reflect.get(Object.getPrototypeOf(module), 'forward') === layer.prototype.forward;
  if (is(Linear)) return 'linear';
  if (is(Conv1d) || is(Conv2d)) return 'convolution';
  return is(Embedding) ? 'embedding' : 'weight';
}

function groupsOf(module: AnyModule): number {
  return module instanceof Conv1d || module instanceof Conv2d ? (module.geometry.groups ?? 1) : 1;
}

/** @throws RangeError where a target matches nothing, listing what there is */
export function matching(sites: readonly Site[], targets: LoraTargets, operation: string): Site[] {
  if (sites.length === 0) throw valueError(`${operation}: the model has no weights with two axes or more`);
  if (targets === 'all-linear') {
    const linear = sites.filter(({ isMatrix }) => isMatrix);
    if (linear.length > 0) return linear;
    throw valueError(
      `${operation}: the model has no linear layers; name targets among ${listed(sites.map(({ name }) => name))}`,
    );
  }
  const list = targets instanceof RegExp ? [targets] : targets;
  if (!Array.isArray(list) || list.length === 0) {
    throw valueError(
      `${operation}: targets must be 'all-linear', a regular expression, or a list of names, such as ['${sites[0].name}']`,
    );
  }
  const found = new Set<Site>();
  for (const target of list) {
    const before = sites.filter((site) => isMeant(site, target));
    if (before.length === 0) {
      throw valueError(
        `${operation}: no weight matches ${target instanceof RegExp ? target : `'${target}'`}; there are ${listed(sites.map(({ name }) => name))}`,
      );
    }
    for (const site of before) found.add(site);
  }
  return sites.filter((site) => found.has(site));
}

/** A name means what ends in it and all that lies within such a module; letters may be as PyTorch writes them. */
function isMeant(site: Site, target: string | RegExp): boolean {
  const names = [site.path, site.name, site.peftName];
  if (target instanceof RegExp) {
    target.lastIndex = 0;
    return names.some((name) => name.search(target) >= 0);
  }
  return names.some((name) => name === target || `.${name}.`.includes(`.${target}.`));
}

/** Whether a variable of the model is meant by the name of a module or its own. */
export function isWithin(path: string, names: readonly string[]): boolean {
  return names.some((name) => `.${path}.`.includes(`.${name}.`));
}

/** Names for messages, some of many. */
export function listed(names: readonly string[]): string {
  const shown = names.slice(0, 20).map((name) => `'${name}'`);
  return `${shown.join(', ')}${names.length > 20 ? ` and ${names.length - 20} more` : ''}`;
}

/** Shapes of the two factors. */
export function factorShapes(
  { kind, name, variable, groups, inputsFirst }: Site,
  rank: number,
): readonly [a: readonly number[], b: readonly number[]] {
  const { shape } = variable;
  if (kind === 'convolution') {
    // In groups each has its own factors, as in peft.
    if (rank % groups !== 0) {
      throw valueError(
        `lora: the convolution '${name}' has ${groups} groups, which rank ${rank} does not divide into; take a multiple of ${groups}, or leave it out of the targets`,
      );
    }
    return [
      [rank, ...shape.slice(1)],
      [shape[0], rank / groups, ...shape.slice(2).map(() => 1)],
    ];
  }
  if (kind === 'embedding' || inputsFirst) {
    return [
      [rank, shape[0]],
      [shape[1], rank],
    ];
  }
  const rest = shape.slice(1).reduce((product, size) => product * size, 1);
  return [
    [rank, rest],
    [shape[0], rank],
  ];
}

/** B · A in the shape of the weight, not yet scaled. */
export function change({ kind, variable, groups, inputsFirst }: Site, a: Tensor, b: Tensor): Tensor {
  if (kind === 'embedding' || inputsFirst) return a.transpose().matmul(b.transpose());
  const rank = a.shape[0] / groups;
  return b
    .reshape([groups, b.shape[0] / groups, rank])
    .matmul(a.reshape([groups, rank, -1]))
    .reshape(variable.shape);
}
