// A wrong width inside a module of one's own
// AG_SHAPE_MISMATCH: in model.head.2: linear(32, 2)

import { linear, Module, relu, sequential } from '@ag/nn';
import { zeros } from '@ag/tensor';

class Classifier extends Module {
  body = linear(8, 16);
  head = sequential(linear(16, 16), relu(), linear(32, 2));
  forward(x) {
    return this.head.forward(this.body.forward(x).relu());
  }
}
new Classifier().forward(zeros([4, 8]));
