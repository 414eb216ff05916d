/** What a kernel form makes of a launch: dispatches, each a text without sizes, its bindings and its arguments. */
import type { DType, DynamicOffset, Launch, Program } from '@ag/tensor';
import type { Facts } from '../device/facts.ts';

/** Where a storage binding comes from. */
export type Bound =
  | { readonly kind: 'buffer'; readonly buffer: number; readonly written: boolean }
  /** Memory of this step only, with undefined contents; areas are counted within the step. */
  | { readonly kind: 'scratch'; readonly area: number; readonly bytes: number; readonly written: boolean }
  /** Words for index errors. */
  | { readonly kind: 'status'; readonly written: true };

/** A word of the arguments that a run decides. */
export type Patch =
  | { readonly word: number; readonly kind: 'literal'; readonly scalar: number; readonly dtype: DType }
  | {
      readonly word: number;
      readonly kind: 'offset';
      readonly buffer: number;
      readonly offset: number;
      readonly dynamic: readonly DynamicOffset[];
    };

/** Words of the uniform block, filled when the plan is made, and those that each run fills. */
export interface ArgumentBlock {
  readonly words: Int32Array;
  readonly patches: readonly Patch[];
}

/** One dispatch. Sizes never stand in `code`: equal texts share a pipeline. */
export interface Dispatch {
  /** A whole module; its entry point is `main`. */
  readonly code: string;
  readonly workgroups: readonly [number, number, number];
  /** Bindings 1, 2, … of group 0. */
  readonly bindings: readonly Bound[];
  /** Binding 0 of group 0: `var<uniform> A: array<vec4<i32>, N>`. */
  readonly block: ArgumentBlock;
  /** Named in profiles. */
  readonly label: string;
}

/** What some launches become, run in order. */
export interface Step {
  /** How many launches, from the one asked about on, are done by it. */
  readonly launches: number;
  readonly dispatches: readonly Dispatch[];
}

export interface FormRequest {
  readonly program: Program;
  /** `program.launches[position]`. */
  readonly launch: Launch;
  readonly position: number;
  readonly facts: Facts;
  /** The buffer that stands for another one lying over it; of all others the buffer itself. */
  readonly bufferOf: (buffer: number) => number;
  /** Whether the program is the body of a loop: then bound buffers may start at any element of an operand. */
  readonly inLoop: boolean;
  /** Names the launch in errors of its indices. */
  readonly launchId: number;
}

/** Compiles a launch, or several from there on; null for what it does not do. */
export type Form = (request: FormRequest) => Step | null;
