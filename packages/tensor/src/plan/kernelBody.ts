/**
 * The expression of one kernel and the operands it reads, collected while a cluster is emitted.
 *
 * An element of a node is reached through the views between it and the kernel; what is read twice along the same path is
 * one operand and one instruction.
 */
import { type DType, promote } from '../dtype.ts';
import { codedError } from '../errors.ts';
import { building, ExpressionBuilder, type Scalar } from '../kernel/expression.ts';
import type { Operand } from '../kernel/kernel.ts';
import type { Lowering } from '../ops/op.ts';
import type { Shape } from '../shape.ts';
import { contiguousView, type View } from '../view.ts';
import { type Access, direct, expanded, reshaped, resolve } from './access.ts';
import type { Cluster } from './cluster.ts';
import type { PlanNode } from './lower.ts';

/** Where the nodes that need memory lie: positions in the program's buffers. */
export type BufferPositions = ReadonlyMap<PlanNode, number>;

/** An operand before axes are merged. */
export interface StridedOperand {
  readonly buffer: number;
  readonly view: View;
  readonly dtype: DType;
}

export interface BodyOptions {
  readonly domain: Shape;
  /** Nodes that are computed once for each position of `domain`; what the cluster absorbed is computed wherever it is read. */
  readonly members?: readonly PlanNode[];
  /** The root, whose finished element an epilogue starts from. */
  readonly accumulator?: PlanNode | null;
  /** Literals and operands of the same kernel so far; the body adds its own. */
  readonly literals?: number[];
  readonly operands?: StridedOperand[];
}

/** Collects the operands and instructions of one expression. */
export class KernelBody {
  readonly builder = new ExpressionBuilder();
  readonly operands: StridedOperand[];
  readonly literals: number[];
  readonly #keys = new Map<string, number>();
  readonly #values = new Map<string, Scalar>();
  readonly #members: ReadonlySet<PlanNode>;
  readonly #domain: Shape;
  readonly #absorbed: ReadonlySet<PlanNode>;
  readonly #bufferOf: BufferPositions;
  readonly #accumulator: PlanNode | null;

  constructor(
    { absorbed }: Cluster,
    bufferOf: BufferPositions,
    { domain, members = [], accumulator = null, literals = [], operands = [] }: BodyOptions,
  ) {
    this.#members = new Set(members);
    this.#domain = domain;
    this.#absorbed = absorbed;
    this.#bufferOf = bufferOf;
    this.#accumulator = accumulator;
    this.literals = literals;
    this.operands = operands;
  }

  /** The element of `node` that `access` reaches. */
  value(node: PlanNode, access: Access): Scalar {
    const resolved = resolve(node, access);
    const { base } = resolved;
    const path = this.#members.has(base) ? reshaped(base.shape, this.#domain, direct) : resolved.access;
    const key = `${base.index}#${path.key}`;
    let scalar = this.#values.get(key);
    if (scalar === undefined) {
      scalar = this.#make(base, path);
      this.#values.set(key, scalar);
    }
    return scalar;
  }

  #make(node: PlanNode, access: Access): Scalar {
    const { builder } = this;
    const { dtype } = node;
    if (node === this.#accumulator) return builder.emit({ op: 'accumulator', dtype });
    if (node.op === null && node.leaf!.kind === 'constant') return builder.constant(node.leaf!.value, dtype);
    if (node.op === null && node.leaf!.kind === 'scalar') {
      let literal = this.literals.indexOf(node.leaf!.scalar);
      if (literal < 0) literal = this.literals.push(node.leaf!.scalar) - 1;
      return builder.emit({ op: 'literal', literal, dtype });
    }
    if (this.#members.has(node) || this.#absorbed.has(node)) return this.#apply(node, access);
    const view = access.apply(contiguousView(node.shape));
    if (view === null)
      throw codedError(
        Error,
        'AG_INTERNAL',
        `plan: ${node.op?.name ?? 'leaf'} cannot be addressed; please report this graph`,
      );
    if (node.op?.lower.form === 'coordinates') {
      return builder.emit({ op: 'coordinate', operand: this.#read(-1, view, dtype), dtype: 'int32' });
    }
    return builder.emit({ op: 'load', operand: this.#read(this.#bufferOf.get(node)!, view, dtype), dtype });
  }

  #apply(node: PlanNode, access: Access): Scalar {
    const lowering = node.op!.lower as Extract<Lowering<unknown>, { form: 'map' }>;
    const { builder } = this;
    let operands = node.inputs.map((input) => this.value(input, expanded(input.shape, node.shape, access)));
    if (lowering.operands !== 'own') {
      const target =
        lowering.operands === 'promoted' ? node.inputs.map((x) => x.dtype).reduce(promote) : node.dtype;
      operands = operands.map((x) => builder.cast(x, target));
    }
    return building(builder, () => lowering.of(operands, node.attributes));
  }

  #read(buffer: number, view: View, dtype: DType): number {
    const key = `${buffer}|${view.offset}|${view.strides.join()}|${view.dynamic.map((d) => `${d.scalar}*${d.factor}`).join()}`;
    let position = this.#keys.get(key);
    if (position === undefined) {
      position = this.operands.push({ buffer, view, dtype }) - 1;
      this.#keys.set(key, position);
    }
    return position;
  }
}

/** The node in whose memory the elements of `node` lie. */
export function baseNode(node: PlanNode): PlanNode {
  return resolve(node, direct).base;
}

/** The operand of a launch, with the strides that are left after axes were merged. */
export function operandOf({ buffer, view }: StridedOperand, strides: readonly (number | null)[]): Operand {
  return {
    buffer,
    offset: view.offset,
    dynamic: view.dynamic,
    strides: strides.map((stride) => stride ?? 0),
  };
}
