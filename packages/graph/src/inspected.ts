/**
 * What an inspected graph consists of, as plain data: nodes, and the edges between them.
 */

/** A number, nested arrays of them as the shape says, or words for a tensor with too many. */
export type InspectedValue = number | boolean | string | readonly InspectedValue[];

/** What a node is: the result of an operation, a trainable variable, a number, a placeholder, or any other tensor. */
export type NodeKind = 'op' | 'parameter' | 'constant' | 'placeholder' | 'leaf';

/** One tensor of the graph. */
export interface InspectedNode {
  readonly id: string;
  /** A name to show: that of the variable or placeholder, the number, the operation. */
  readonly label: string;
  readonly kind: NodeKind;
  /** Name of the operation; absent for leaves. */
  readonly op?: string;
  /** null for a size that is fed later. */
  readonly shape: readonly (number | null)[];
  readonly dtype: string;
  /** null when it was not asked for or cannot be computed (a placeholder, a variable's value that is gone). */
  readonly value: InspectedValue | null;
  /** Gradient of the outputs with respect to this node; null until `backward` was called, and where nothing arrives. */
  readonly gradient: InspectedValue | null;
  /** Path of the module that made it; only of nodes made in `captureCreation`. */
  readonly module?: string;
  /** The user's line that made it; only of nodes made in `captureCreation`. */
  readonly site?: string;
}

/** One use of a tensor. */
export interface InspectedEdge {
  readonly from: string;
  readonly to: string;
  /** Which operand of `to`. */
  readonly index: number;
  /** What this use contributes to the gradient of `from`. */
  readonly gradient: InspectedValue | null;
}

/** Nodes, inputs first, and the edges between them. */
export interface InspectedGraph {
  readonly nodes: readonly InspectedNode[];
  readonly edges: readonly InspectedEdge[];
}
