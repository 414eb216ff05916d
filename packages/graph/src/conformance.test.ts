/**
 * The conformance suite on the reference backend, derivatives included, fused and not.
 */
import { reference } from '@ag/tensor';
import { conformance } from '@ag/tensor/testing';
import { describe, it } from 'vitest';
import * as gradients from './index.ts';

conformance(reference, { describe, it }, { name: 'reference', gradients });
conformance(reference, { describe, it }, { name: 'reference without fusion', fusion: false });
