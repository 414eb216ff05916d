// bceLoss without sigmoid
// AG_NOT_PROBABILITIES: bceWithLogits

import { bceLoss, linear, relu, sequential } from '@ag/nn';
import { tensor, zeros } from '@ag/tensor';

const model = sequential(linear(4, 8), relu(), linear(8, 1));
bceLoss(model.forward(zeros([2, 4])), tensor([[0], [1]]));
