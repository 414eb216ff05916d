/**
 * Models that several tests look at: nested fields, a buffer, a weight that two layers share.
 */
import { type Tensor, tensor, Variable, zeros } from '@ag/tensor';
import * as nn from './index.ts';

export class Net extends nn.Module {
  hidden = nn.linear(3, 4);
  blocks = [nn.sequential(nn.linear(4, 4), nn.relu()), [nn.linear(4, 4, { bias: false })]] as const;
  scale = new Variable(tensor([1]), { name: 'scale' });
  counter = nn.buffer(zeros([], { dtype: 'int32' }), 'counter');
  readonly note = 'not a variable';

  forward(x: Tensor): Tensor {
    const y = this.blocks[0].forward(this.hidden.forward(x).tanh());
    return this.blocks[1][0].forward(y).mul(this.scale.value);
  }
}

/** Two layers that share one weight. */
export class Tied extends nn.Module {
  first = nn.linear(2, 2);
  second = nn.linear(2, 2);
  constructor() {
    super();
    (this.second as { weight: Variable }).weight = this.first.weight;
  }
  forward(x: Tensor): Tensor {
    return this.second.forward(this.first.forward(x));
  }
}
