// A number read in a compiled function
// AG_READ_WHILE_TRACING: where

import { compile } from '@ag/graph';
import { tensor } from '@ag/tensor';

const step = compile((x) => ((x.sum().itemSync?.() ?? x.sum().dataSync()[0]) > 0 ? x : x.neg()));
step(tensor([1, 2]));
