/**
 * A recipe of the user's own, watched: what its functions throw or answer is checked where it crosses over, so that a
 * mistake there is told as one, with its line, before it becomes a riddle further inside.
 */
import type { Module } from '@ag/nn';
import { describeValue, listenToCreation } from '@ag/tensor/engine';
import { blame, lineOfModule, placeOfFunction, usersLine } from './blame.ts';
import type { Recipe, Task } from './recipe.ts';
import { isStructured } from './structured.ts';

/** Models are called with whatever their data consist of. */
type AnyFunction = (...x: never[]) => unknown;

/** Makes errors that name the user's module. */
interface Watch {
  /** Runs a part of the module; what it throws is its mistake. */
  run<T>(part: string, own: unknown, work: () => T): T;
  /** An error about what a part answered. */
  mistake(part: string, own: unknown, problem: string): Error;
  /** Says where an error comes from, when that is known better than its stack knows it. */
  blame(error: Error, place: string): void;
}

/** What the user wrote of a function that is watched. */
const written = new WeakMap<AnyFunction, AnyFunction>();

/** The recipe, with all its functions watched. */
export function guardRecipe(recipe: Recipe, module: string): Recipe {
  const watch = watchModule(module);
  const { prepare } = recipe;
  return {
    ...recipe,
    placeOf: (part) => placeOfFunction(written.get(part as AnyFunction) ?? part),
    prepare: async (context) => {
      const task = await watch.run('prepare', prepare, () => prepare.call(recipe, context));
      return guardTask(task, prepare, watch);
    },
  };
}

function watchModule(module: string): Watch {
  const blamed = (thrown: unknown, part: string, own: unknown): Error => {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown), { cause: thrown });
    const place = lineOfModule(error, module);
    const whole = place ?? placeOfFunction(own);
    blame(error, { module, place: whole === null ? null : `${whole}, in ${part}` });
    return error;
  };
  return {
    run<T>(part: string, own: unknown, work: () => T): T {
      try {
        const result = work();
        if (!(result instanceof Promise)) return result;
        return result.catch((error) => {
          throw blamed(error, part, own);
        }) as T;
      } catch (error) {
        throw blamed(error, part, own);
      }
    },
    blame: (error, place) => blame(error, { module, place }),
    mistake: (part, own, problem) => {
      const error = new TypeError(problem);
      const place = placeOfFunction(own);
      blame(error, { module, place: place === null ? null : `${place}, ${part}` });
      return error;
    },
  };
}

function guardTask(task: Task, prepare: unknown, watch: Watch): Task {
  const fail = (problem: string): Error => watch.mistake('prepare', prepare, problem);
  if (typeof task !== 'object' || task === null) {
    throw fail(`prepare answers ${describeValue(task)}, not { train, test, loss, metrics, model }`);
  }
  for (const part of ['train', 'test'] as const) {
    const data = task[part] as Task['train'] | undefined;
    if (typeof data?.length !== 'number' || typeof data.batch !== 'function') {
      throw fail(
        `prepare answers ${describeValue(data)} as '${part}', which is no data set; see @ag/datasets`,
      );
    }
    if (data.length === 0) throw fail(`prepare answers '${part}' data without an example`);
  }
  if (typeof task.model !== 'function')
    throw fail(`prepare answers ${describeValue(task.model)} as 'model', which must be a function`);
  const loss = weightedLoss(task);
  if (typeof loss !== 'function' && !(isStructured(task.train) && isGroup(loss)))
    throw fail(`prepare answers ${describeValue(loss)} as 'loss', which must be a function`);
  const metrics: unknown = task.metrics ?? {};
  const scalar = <F extends AnyFunction>(own: F, what: string): F => {
    const watched = (...given: Parameters<F>) => {
      const value = watch.run(what, own, () => own(...given));
      checkScalar(value, (problem) => watch.mistake(what, own, `${what} answers ${problem}`));
      return value;
    };
    written.set(watched as AnyFunction, own);
    return watched as F;
  };
  /** Functions, alone or by heads, with all of them watched; other values are left to the loop. */
  const watched = (given: unknown, what: string, named: (path: string) => string, path = ''): unknown => {
    if (typeof given === 'function') return scalar(given as AnyFunction, what);
    if (isGroup(given)) {
      const parts = Object.entries(given).map(([key, part]) => {
        const inner = key === 'loss' && 'weight' in given ? path : path === '' ? key : `${path}/${key}`;
        return [key, watched(part, named(inner), named, inner)] as const;
      });
      return Array.isArray(given) ? parts.map(([, part]) => part) : Object.fromEntries(parts);
    }
    if (what.startsWith('the metric'))
      throw fail(`prepare answers ${describeValue(given)} as ${what}, which must be a function`);
    return given;
  };
  const { conclude } = task;
  return {
    ...task,
    loss: watched(loss, 'the loss', (head) => `the loss of '${head}'`) as Task['loss'],
    metrics: watched(metrics, 'metrics', (name) => `the metric '${name}'`) as Task['metrics'],
    model: () => guardModel(task, watch),
    ...(conclude && {
      conclude: (model) => watch.run('conclude', conclude, () => conclude.call(task, model)),
    }),
  };
}

function isGroup(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/** The losses with the weights that stand beside them, so that whoever takes the loss has both. */
function weightedLoss({ loss, weights }: Task & { readonly weights?: unknown }): unknown {
  const join = (own: unknown, weight: unknown): unknown => {
    if (typeof weight === 'number') return { loss: own, weight };
    if (!isGroup(own) || !isGroup(weight)) return own;
    const known = Object.entries(own).map(([key, part]) => [key, join(part, weight[key])] as const);
    // What names no head is refused, by its name, where the loss is used.
    const other = Object.keys(weight).flatMap((key) => (key in own ? [] : [[key, () => {}] as const]));
    return Array.isArray(own) ? known.map(([, part]) => part) : Object.fromEntries([...known, ...other]);
  };
  return weights === undefined ? loss : join(loss, weights);
}

/** A loss or a metric is one number that is computed; one that is awaited is refused by the loop itself. */
function checkScalar(value: unknown, fail: (problem: string) => Error): void {
  if (value instanceof Promise) return;
  const shape = (value as { shape?: unknown } | null | undefined)?.shape;
  if (!Array.isArray(shape)) throw fail(`${describeValue(value)}, which must be a tensor of one number`);
  if (shape.length === 0) return;
  throw fail(
    `a tensor of shape [${shape.join(', ')}], which must be one number: reduce it by .mean() or .sum()`,
  );
}

/** The model, whose errors say which layer they come from and where that is made. */
function guardModel(task: Task, watch: Watch): ReturnType<Task['model']> {
  const model = watch.run('model', task.model, () => task.model()) as Module | undefined;
  if (typeof model?.forward !== 'function' || typeof model.namedParameters !== 'function') {
    throw watch.mistake(
      'the model',
      task.model,
      `model() answers ${describeValue(model)}, which must be a Module of @ag/nn`,
    );
  }
  const forward = model.forward as AnyFunction;
  const watched = (...given: never[]): unknown =>
    watch.run('model', task.model, () => {
      try {
        return forward.apply(model, given);
      } catch (error) {
        const place = error instanceof Error ? nameLayer(model, given, forward, () => task.model()) : null;
        if (place !== null) watch.blame(error as Error, place);
        throw error;
      }
    });
  Object.defineProperty(model, 'forward', {
    value: watched,
    configurable: true,
    writable: true,
    enumerable: false,
  });
  return model as ReturnType<Task['model']>;
}

/** Adds where the layer is made that throws, if that can be found out: only an error is worth the work. */
function nameLayer(model: Module, given: never[], forward: AnyFunction, make: () => Module): string | null {
  const path = throwingLayer(model, () => forward.apply(model, given));
  const line = path === null ? null : lineThatMakes(path, make);
  return line && `${line}, where the layer '${path}' of the model is made`;
}

/** The path of the innermost layer that throws when the model is run once more. */
function throwingLayer(model: Module, again: () => unknown): string | null {
  let innermost: string | null = null;
  const undo: (() => void)[] = [];
  for (const [path, layer] of model.namedModules()) {
    if (path === '') continue;
    const own = Object.getOwnPropertyDescriptor(layer, 'forward');
    const forward = layer.forward as AnyFunction;
    const watched = (...given: never[]): unknown => {
      try {
        return forward.apply(layer, given);
      } catch (error) {
        innermost ??= path;
        throw error;
      }
    };
    Object.defineProperty(layer, 'forward', { value: watched, configurable: true, writable: true });
    undo.push(() => {
      if (own) Object.defineProperty(layer, 'forward', own);
      else Reflect.deleteProperty(layer, 'forward');
    });
  }
  try {
    again();
  } catch {
    // It is what is looked for.
  } finally {
    for (const restore of undo) restore();
  }
  return innermost;
}

/**
 * The line on which the weights of a layer are made, found by making the model once more; null where several layers have
 * weights of the same shape on lines that differ in number.
 */
function lineThatMakes(path: string, make: () => Module): string | null {
  const made: { readonly shape: string; readonly line: string }[] = [];
  const before = Error.stackTraceLimit;
  Error.stackTraceLimit = 50;
  const stop = listenToCreation(({ shape }) => {
    const line = usersLine(new Error().stack);
    if (line !== null) made.push({ shape: String(shape), line });
  });
  let model: Module;
  try {
    model = make();
  } catch {
    return null;
  } finally {
    stop();
    Error.stackTraceLimit = before;
  }
  const weightShape = (layer: Pick<Module, 'namedParameters'>): string =>
    String([...layer.namedParameters().values()][0]?.shape ?? '');
  const layers = [...model.namedModules()].filter(([, layer]) => [...layer.namedModules()].length === 1);
  const wanted = layers.find(([name]) => name === path);
  if (!wanted || weightShape(wanted[1]) === '') return null;
  const alike = layers.filter(([, layer]) => weightShape(layer) === weightShape(wanted[1]));
  const lines = [
    ...new Set(made.filter(({ shape }) => shape === weightShape(wanted[1])).map(({ line }) => line)),
  ];
  if (lines.length === 1) return lines[0];
  return lines.length === alike.length ? lines[alike.indexOf(wanted)] : null;
}
