// A loss that depends on no parameter
// AG_NO_GRADIENT: no trainable variable

import { backward } from '@ag/graph';
import { mseLoss } from '@ag/nn';
import { tensor } from '@ag/tensor';

const prediction = tensor([0.2, 0.4]);
backward(mseLoss(prediction, tensor([0, 1])));
