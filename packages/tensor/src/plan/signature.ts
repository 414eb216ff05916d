/**
 * The signature of a graph: its structure as integers. Two graphs with equal signatures differ only in what their leaves
 * hold, so one plan serves both. Signatures are compared whole; the hash only finds candidates.
 */
import { type DType, dtypes, storageDTypes } from '../dtype.ts';
import { sizesOf } from '../shape.ts';
import type { Tensor } from '../tensor.ts';

/** One walk over a graph, inputs first. Positions count all nodes in the order met. */
export interface Traversal {
  /** Increases with every walk; equals `visitMark` of the nodes that this walk met. */
  readonly visitMark: number;
  readonly nodes: readonly Tensor[];
  /** Leaves that a plan binds to memory, in the order met. */
  readonly leaves: readonly Tensor[];
  /** Values of literals, in the order met. */
  readonly literals: readonly Tensor[];
  /** Leaves that a plan kept because more was made of them: see `carried.ts`. */
  readonly carried: readonly Tensor[];
  /** Nodes that an earlier plan has computed and not kept, and that something new is made of. */
  readonly again: readonly Tensor[];
  /** The first `length` elements; the memory is reused by the next walk. */
  readonly signature: Int32Array;
  readonly length: number;
}

/** What a plan gives a new value to and the tensor that is the value; of a variable it knows no more than this. */
export interface PlannedUpdate {
  readonly variable: {
    /** Whether the new value may be written over the old one. */
    readonly inPlace: boolean;
    /** The leaf of the present value, null where nobody asked for it. */
    currentLeaf(): Tensor | null;
  };
  readonly value: Tensor;
}

let lastMark = 0;
let buffer = new Int32Array(4096);
let length = 0;
const textIds = new Map<string, number>();
const floatBits = new Float64Array(1);
const wordBits = new Int32Array(floatBits.buffer);

/** A number no other walk over nodes uses; walks outside of plans (differentiation) mark nodes with it too. */
export function nextMark(): number {
  return ++lastMark;
}

const literalCode = -1;
const leafCode = -2;
const outputCode = -3;
const updateCode = -4;

const dtypeCodes = Object.fromEntries([...dtypes, ...storageDTypes].map((dtype, i) => [dtype, i])) as Record<
  DType,
  number
>;

/** Walks from the outputs and the values of updates to the leaves, without recursion. */
export function traverse(outputs: readonly Tensor[], updates: readonly PlannedUpdate[]): Traversal {
  const mark = nextMark();
  length = 0;
  const nodes: Tensor[] = [];
  const leaves: Tensor[] = [];
  const literals: Tensor[] = [];
  const carried: Tensor[] = [];
  const again: Tensor[] = [];
  const stack: Tensor[] = [];
  const next: number[] = [];

  const visit = (root: Tensor): void => {
    if (root.visitMark === mark) return;
    root.visitMark = mark;
    stack.push(root);
    next.push(0);
    while (stack.length > 0) {
      const node = stack[stack.length - 1];
      const { inputs } = node;
      const i = next[next.length - 1];
      if (i < inputs.length) {
        next[next.length - 1] = i + 1;
        const input = inputs[i];
        if (input.visitMark !== mark) {
          input.visitMark = mark;
          stack.push(input);
          next.push(0);
        }
        continue;
      }
      stack.pop();
      next.pop();
      node.position = nodes.length;
      nodes.push(node);
      encode(node, leaves, literals);
      if (node.op === null) {
        if (node.computedAt > 0) carried.push(node);
      } else if (node.computedAt === 0) {
        for (let j = 0; j < node.inputs.length; j++) {
          const input = node.inputs[j];
          if (input.computedAt > 0 && input.op !== null) again.push(input);
        }
      }
    }
  };

  for (let i = 0; i < outputs.length; i++) visit(outputs[i]);
  for (let i = 0; i < updates.length; i++) visit(updates[i].value);
  push(outputCode);
  for (let i = 0; i < outputs.length; i++) push(outputs[i].position);
  for (let i = 0; i < updates.length; i++) {
    const { variable, value } = updates[i];
    push(updateCode);
    push(value.position);
    push(variable.inPlace ? 1 : 0);
    const leaf = variable.currentLeaf();
    push(leaf !== null && leaf.visitMark === mark ? leaf.position : -1);
  }
  return { visitMark: mark, nodes, leaves, literals, carried, again, signature: buffer, length };
}

/** A number that is equal for equal signatures and rarely for others. */
export function hashOf({ signature, length }: Traversal): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < length; i++) hash = Math.imul(hash ^ signature[i], 0x01000193) ^ (hash >>> 15);
  return hash;
}

function encode(node: Tensor, leaves: Tensor[], literals: Tensor[]): void {
  const op = node.op;
  if (op === null) {
    const kind = node.leaf!.kind;
    if (kind === 'literal') {
      push(literalCode);
      push(dtypeCodes[node.dtype]);
      literals.push(node);
      return;
    }
    push(leafCode);
    push(dtypeCodes[node.dtype]);
    const sizes = sizesOf(node.shape);
    push(sizes.length);
    for (let i = 0; i < sizes.length; i++) push(sizes[i]);
    leaves.push(node);
    return;
  }
  push(op.id);
  push(node.inputs.length);
  for (let i = 0; i < node.inputs.length; i++) push(node.inputs[i].position);
  if (node.attributes === undefined) push(0);
  else encodeAttribute(node.attributes);
}

/** Attributes are plain data: numbers, texts, booleans, arrays and objects of those. */
function encodeAttribute(value: unknown): void {
  if (typeof value === 'number') {
    if ((value | 0) === value && (value !== 0 || 1 / value > 0)) {
      push(1);
      push(value);
    } else {
      floatBits[0] = value;
      push(2);
      push(wordBits[0]);
      push(wordBits[1]);
    }
  } else if (Array.isArray(value)) {
    push(3);
    push(value.length);
    for (let i = 0; i < value.length; i++) encodeAttribute(value[i]);
  } else if (typeof value === 'string') {
    push(4);
    push(textId(value));
  } else if (typeof value === 'object' && value !== null) {
    push(5);
    for (const key in value) {
      push(textId(key));
      encodeAttribute((value as Record<string, unknown>)[key]);
    }
    push(-1);
  } else {
    push(value === true ? 6 : value === false ? 7 : 8);
  }
}

function textId(text: string): number {
  let id = textIds.get(text);
  if (id === undefined) {
    id = textIds.size;
    textIds.set(text, id);
  }
  return id;
}

function push(value: number): void {
  if (length === buffer.length) {
    const larger = new Int32Array(2 * buffer.length);
    larger.set(buffer);
    buffer = larger;
  }
  buffer[length++] = value;
}

/** Whether a stored signature equals that of a walk. */
export function sameSignature(stored: Int32Array, traversal: Traversal): boolean {
  if (stored.length !== traversal.length) return false;
  const current = traversal.signature;
  for (let i = 0; i < stored.length; i++) if (stored[i] !== current[i]) return false;
  return true;
}
