/** The operands of an expression where vectors go along memory. */

import type { I32 } from '../assembler/values.ts';
import type { Lanes, Sources } from './expression.ts';
import { coordinates, loadVector, type Place } from './lanes.ts';
import { type LiteralFields, literalVector } from './literals.ts';
import type { VectorCode } from './vector.ts';

/** Those of the vector `ahead` of where operands stand, or of its first `part` elements there. */
export function sourcesAt(
  v: VectorCode,
  lanes: Lanes,
  placeOf: (operand: number) => Place,
  literals: LiteralFields,
  ahead: number,
  part: I32 | null,
): Sources {
  return {
    load: (operand) => loadVector(v, lanes, placeOf(operand), ahead, part),
    coordinate: (operand) => coordinates(v, placeOf(operand), lanes, ahead),
    literal: (literal, dtype) => literalVector(v, literals, literal, dtype),
  };
}
