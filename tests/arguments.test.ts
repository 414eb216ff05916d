/**
 * Every argument of every public function of @ag/tensor (and of its neighbors that take indices and sizes) is given what
 * it cannot take: fractions, NaN, texts, null, sizes and axes that do not exist, lists of another length. Each must be
 * answered by a RangeError or TypeError that begins with the operation, at the call or when the result is computed: never by an
 * error of JavaScript from inside, never by a result. On both backends, because positions are looked at by kernels.
 */
import { wasm } from '@ag/native-wasm';
import * as api from '@ag/tensor';
import { afterAll, describe, expect, it } from 'vitest';
import { aliases, argumentRows, neighborRows } from './argumentRows.ts';

const text = (value: unknown): string =>
  typeof value === 'function'
    ? 'a function'
    : typeof value === 'bigint'
      ? `${value}n`
      : value instanceof api.Tensor
        ? `tensor ${value.dtype} ${value.dataSync().slice(0, 4)}`
        : value instanceof api.Variable
          ? 'a variable'
          : (JSON.stringify(value, (_, own) =>
              typeof own === 'number' && !Number.isFinite(own)
                ? String(own)
                : typeof own === 'bigint'
                  ? `${own}n`
                  : own,
            ) ?? String(value));

/** Computes whatever tensors are in it. */
async function compute(result: unknown): Promise<void> {
  const given = await result;
  if (given instanceof api.Tensor) given.dataSync();
  else if (Array.isArray(given)) for (const item of given) await compute(item);
  else if (given?.constructor === Object) await compute(Object.values(given as object));
}

async function failureOf(call: () => unknown): Promise<unknown> {
  try {
    await compute(call());
    return null;
  } catch (error) {
    return error;
  }
}

function replaced(fitting: readonly unknown[], at: string, value: unknown): unknown[] {
  const [number, option] = at.split('.');
  return fitting.map((argument, i) =>
    i !== Number(number)
      ? argument
      : option === undefined
        ? value
        : { ...(argument as object), [option]: value },
  );
}

const compiled = await wasm({ threads: 1 });
afterAll(() => compiled.close());
const backends: readonly api.Backend[] = [api.reference(), compiled];

describe.each(backends.map((backend) => [backend.name, backend] as const))('%s', (_, backend) => {
  it.each([...argumentRows, ...neighborRows].map((row) => [row[0], row] as const))(
    '%s',
    async (name, row) => {
      const [, call, fitting, bad] = row;
      const before = api.backend();
      api.use(backend);
      try {
        expect(await failureOf(() => call(...(fitting as never[]))), 'arguments that fit').toBe(null);
        const wrong: string[] = [];
        for (const [at, values] of Object.entries(bad)) {
          for (const value of values) {
            const error = await failureOf(() => call(...(replaced(fitting, at, value) as never[])));
            const what = `argument ${at} = ${text(value)}`;
            const names = [name, ...(aliases[name] ?? [])];
            if (error === null) wrong.push(`${what}: no error`);
            else if (!(error instanceof RangeError || error instanceof TypeError))
              wrong.push(`${what}: ${error}`);
            else if (!names.some((own) => error.message.startsWith(`${own}: `)))
              wrong.push(`${what}: ${error.message}`);
          }
        }
        expect(wrong).toEqual([]);
      } finally {
        api.use(before);
      }
    },
  );
});
