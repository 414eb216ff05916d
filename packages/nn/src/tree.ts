/**
 * A model as text: its modules as a tree, each with what it was made with.
 */
import { type Described, isModule } from './description.ts';

/** Implements `Module.toString`. */
export function treeOf(module: Described): string {
  return lines(module).join('\n');
}

/** A module alone, without those inside: `linear(784, 128)`. */
export function headOf(module: Described): string {
  const given = argumentsOf(module);
  return `${nameOf(module)}${given.length === 0 && [...module.members()].some(([, one]) => isModule(one)) ? '' : `(${given.join(', ')})`}`;
}

function lines(module: Described): string[] {
  const inner = [...module.members()].flatMap(([name, member]) => {
    if (!isModule(member)) return [];
    const [first, ...rest] = lines(member);
    return [`${name}: ${first}`, ...rest];
  });
  const name = nameOf(module);
  const given = argumentsOf(module);
  if (inner.length === 0) return [`${name}(${given.join(', ')})`];
  return [`${name}(${given.join(', ')}`, ...inner.map((line) => `  ${line}`), ')'];
}

function nameOf(module: Described): string {
  return module.describe()?.[0] ?? module.constructor.name;
}

function argumentsOf(module: Described): string[] {
  const [, ...given] = module.describe() ?? [''];
  return given.filter((one) => !isModule(one)).flatMap(argumentText);
}

/** One argument, or each option. What is on unless it is turned off, and what is off unless it is asked for, is left out. */
function argumentText(value: unknown): string[] {
  if (value === undefined || value === null || typeof value === 'function') return [];
  if (typeof value !== 'object') return [String(value)];
  if (Array.isArray(value))
    return value.some((one) => typeof one === 'object') ? [] : [`[${value.join(', ')}]`];
  return Object.entries(value).flatMap(([name, option]) => {
    const usual = option === true || (option === false && !onByDefault.has(name)) || option === 'float32';
    return usual ? [] : argumentText(option).map((text) => `${name}: ${text}`);
  });
}

const onByDefault = new Set(['bias', 'affine', 'trackStatistics']);
