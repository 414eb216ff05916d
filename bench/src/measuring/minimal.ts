/** W11: the smallest program that trains, from its start to the first finished step. */
import { backward } from '@ag/graph';
import { wasm } from '@ag/native-wasm';
import { crossEntropy, linear, relu, sequential } from '@ag/nn';
import { adam } from '@ag/optim';
import { tensor, use } from '@ag/tensor';

use(await wasm());
const model = sequential(linear(784, 128), relu(), linear(128, 10));
const optimizer = adam(model.parameters());
const x = tensor(new Float32Array(32 * 784).fill(0.1), { shape: [32, 784] });
const y = tensor(new Int32Array(32).fill(3));
const loss = crossEntropy(model.forward(x), y);
backward(loss);
optimizer.step();
console.log(loss.itemSync());
