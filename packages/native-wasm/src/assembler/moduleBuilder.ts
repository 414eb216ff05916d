/** Puts functions together to a module: types, imports, exports, helpers that several kernels share. */

import { codedError } from '@ag/tensor/engine';
import { append, signed, text, unsigned, type ValueType } from './encoding.ts';
import { type Callable, FunctionBuilder } from './functionBuilder.ts';
import * as w from './opcodes.ts';

/** Sections of a module that brings its own memory, encoded: see `standalone/sections.ts`. */
export interface OwnSections {
  /** Memory and globals. */
  readonly beforeExports: ArrayLike<number>;
  /** Exports behind those of functions, and how many. */
  readonly exports: readonly number[];
  readonly exportCount: number;
  /** Data, and what says what lies where. */
  readonly behindCode: readonly Uint8Array[];
}

/** Builds one module. Imports come before functions, because they share one index space. */
export class ModuleBuilder {
  readonly #types: string[] = [];
  readonly #typeBytes: number[] = [];
  readonly #imports: number[] = [];
  readonly #functions: FunctionBuilder[] = [];
  readonly #exports: number[] = [];
  readonly #elements: number[] = [];
  readonly #shared = new Map<string, FunctionBuilder>();
  #importCount = 0;
  #importedFunctions = 0;
  #exportCount = 0;
  #elementCount = 0;

  /** The number of a function type, for `callIndirect`. */
  type(parameters: readonly ValueType[], results: readonly ValueType[]): number {
    const key = `${parameters}>${results}`;
    const known = this.#types.indexOf(key);
    if (known >= 0) return known;
    this.#typeBytes.push(0x60);
    for (const list of [parameters, results]) {
      unsigned(this.#typeBytes, list.length);
      append(this.#typeBytes, list);
    }
    return this.#types.push(key) - 1;
  }

  importFunction(
    module: string,
    name: string,
    parameters: readonly ValueType[],
    results: readonly ValueType[],
  ): Callable {
    if (this.#functions.length > 0)
      throw codedError(Error, 'AG_INTERNAL', 'assembler: imported functions must come before functions');
    const type = this.type(parameters, results);
    this.#import(module, name, 0);
    unsigned(this.#imports, type);
    return { index: this.#importedFunctions++ };
  }

  /** Sizes in pages of 64 KiB. A shared memory must state its maximum, equal to or above that of the memory given. */
  importMemory(module: string, name: string, initial: number, maximum?: number, shared = false): void {
    this.#import(module, name, 2);
    this.#imports.push((maximum === undefined ? 0 : 1) | (shared ? 2 : 0));
    unsigned(this.#imports, initial);
    if (maximum !== undefined) unsigned(this.#imports, maximum);
  }

  /** The table of functions that `callIndirect` uses. */
  importTable(module: string, name: string, initial: number): void {
    this.#import(module, name, 1);
    this.#imports.push(0x70, 0);
    unsigned(this.#imports, initial);
  }

  /** An immutable i32; the result is its number for `globalGet`. */
  importGlobal(module: string, name: string): number {
    this.#import(module, name, 3);
    this.#imports.push(w.i32, 0);
    return 0;
  }

  /** A new function, exported when it has a name. */
  function(
    name: string | null,
    parameters: readonly ValueType[],
    results: readonly ValueType[],
  ): FunctionBuilder {
    const index = this.#importedFunctions + this.#functions.length;
    const built = new FunctionBuilder(index, this.type(parameters, results), parameters.length);
    this.#functions.push(built);
    if (name !== null) {
      text(this.#exports, name);
      this.#exports.push(0);
      unsigned(this.#exports, index);
      this.#exportCount++;
    }
    return built;
  }

  /** A helper function that several kernels of the module call: built at its first use. */
  shared(
    name: string,
    parameters: readonly ValueType[],
    results: readonly ValueType[],
    build: (f: FunctionBuilder) => void,
  ): Callable {
    let f = this.#shared.get(name);
    if (!f) {
      f = this.function(null, parameters, results);
      this.#shared.set(name, f);
      build(f);
    }
    return f;
  }

  /** At instantiation the function is put into the imported table at `position`. */
  element(position: number, callee: Callable): void {
    this.#elements.push(0, 0x41);
    signed(this.#elements, position);
    this.#elements.push(0x0b, 1);
    unsigned(this.#elements, callee.index);
    this.#elementCount++;
  }

  /** The finished module; `own` is what one that runs by itself has beside its functions. */
  bytes(own?: OwnSections): Uint8Array<ArrayBuffer> {
    const bytes = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
    /** A section up to its content of `length` bytes. */
    const begin = (id: number, count: number, length: number) => {
      const head: number[] = [];
      unsigned(head, count);
      bytes.push(id);
      unsigned(bytes, head.length + length);
      append(bytes, head);
    };
    const section = (id: number, count: number, content: number[]) => {
      if (count === 0) return;
      begin(id, count, content.length);
      append(bytes, content);
    };
    const declarations: number[] = [];
    for (const f of this.#functions) unsigned(declarations, f.type);
    const bodies = this.#functions.map((f) => f.encode());
    const length = bodies.reduce((sum, body) => sum + body.length, 0);
    section(1, this.#types.length, this.#typeBytes);
    section(2, this.#importCount, this.#imports);
    section(3, this.#functions.length, declarations);
    if (own) append(bytes, own.beforeExports);
    section(
      7,
      this.#exportCount + (own?.exportCount ?? 0),
      own ? [...this.#exports, ...own.exports] : this.#exports,
    );
    section(9, this.#elementCount, this.#elements);
    if (bodies.length > 0) begin(10, bodies.length, length);
    const parts = [bytes, ...bodies, ...(own?.behindCode ?? [])];
    const module = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let end = 0;
    for (const part of parts) {
      module.set(part, end);
      end += part.length;
    }
    return module;
  }

  #import(module: string, name: string, kind: number): void {
    text(this.#imports, module);
    text(this.#imports, name);
    this.#imports.push(kind);
    this.#importCount++;
  }
}
