// A list of layers in place of layers
// AG_ARGUMENT_TYPE: sequential(...layers)

import { linear, relu, sequential } from '@ag/nn';

const layers = [linear(4, 8), relu(), linear(8, 2)];
sequential(layers);
