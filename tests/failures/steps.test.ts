/** Steps of every optimizer, as they are written and compiled: run into every failure, then on as if nothing had been. */
import { backward, customGradient } from '@ag/graph';
import * as optim from '@ag/optim';
import { evaluate, type Tensor, tensor, Variable, zeros } from '@ag/tensor';
import { commitUpdates } from '@ag/tensor/engine';
import { batch, bothWays, clean, type Entry, spoil, type Trigger, type World } from './kit.ts';
import { matrix, named } from './matrix.ts';

const optimizers: Record<
  string,
  (parameters: Variable[]) => { step(): void; state(): optim.OptimizerState }
> = {
  'sgd with momentum': (list) => optim.sgd(list, { learningRate: 0.05, momentum: 0.9 }),
  adagrad: (list) => optim.adagrad(list, { learningRate: 0.05 }),
  adadelta: (list) => optim.adadelta(list),
  rmsprop: (list) => optim.rmsprop(list, { momentum: 0.5, centered: true }),
  adam: (list) => optim.adam(list, { learningRate: optim.cosine(0.05, { steps: 20 }), amsgrad: true }),
  adamw: (list) => optim.adamw(list, { learningRate: 0.05 }),
  nadam: (list) => optim.nadam(list, { learningRate: 0.05 }),
  radam: (list) => optim.radam(list, { learningRate: 0.05 }),
  lion: (list) => optim.lion(list, { learningRate: 0.01 }),
  adamax: (list) => optim.adamax(list, { learningRate: 0.05 }),
  lamb: (list) => optim.lamb(list, { learningRate: 0.05 }),
  adafactor: (list) => optim.adafactor(list, { learningRate: 0.05 }),
  muon: (list) => optim.muon(list, { learningRate: 0.05 }),
};

/** A step of an optimizer of its own, with what it remembers. */
const stepOf = (make: (typeof optimizers)[string]) => (own: World) => {
  const optimizer = make(own.net.parameters());
  return (trigger: Trigger) => {
    const loss = own.lossOf(batch(2), trigger);
    backward(loss);
    optimizer.step();
    return loss;
  };
};

const ways: Record<string, (own: World) => (trigger: Trigger) => ReturnType<World['lossOf']>> = {
  'a failure in the backward pass alone': (own) => {
    const factor = new Variable(tensor(1), { name: 'factor' });
    const optimizer = optim.sgd([factor, ...own.net.parameters()], { learningRate: 0.1, momentum: 0.9 });
    // The loss itself is fine: the gradient of a parameter is what cannot be computed.
    const learn = customGradient(
      ([x, ..._triggers]: Tensor[]) => x,
      (g, [[, index, matrix, flag]]) => [
        [spoil(g, { ...clean, index: index, matrix: matrix, flag: flag }), null, null, null],
      ],
    );
    return (trigger) => {
      if (trigger.throws) throw new Error('before anything is built');
      const loss = own.lossOf(batch(2));
      const { index, matrix, flag } = trigger;
      backward(loss.add(learn([factor.value, index, matrix, flag])));
      optimizer.step();
      return loss;
    };
  },
  'clipped by the norm': (own) => (trigger) => {
    const loss = own.lossOf(batch(2), trigger);
    backward(loss);
    const norm = optim.clipGradNorm(own.net.parameters(), 0.1);
    own.optimizer.step();
    return loss.add(norm.detach().mul(0));
  },
  'clipped by value': (own) => (trigger) => {
    const loss = own.lossOf(batch(2), trigger);
    backward(loss);
    optim.clipGradValue(own.net.parameters(), 0.01);
    own.optimizer.step();
    return loss;
  },
  'a running average': (own) => {
    const average = optim.ema(own.net.parameters(), { warmup: true });
    return (trigger) => {
      const loss = own.lossOf(batch(2), trigger);
      backward(loss);
      own.optimizer.step();
      average.update();
      return loss;
    };
  },
  'commitUpdates by hand': (own) => {
    const total = new Variable(zeros([]), { name: 'total', trainable: false, inPlace: true });
    return (trigger) => {
      const loss = own.lossOf(batch(2), trigger);
      commitUpdates(new Map([[total, total.value.add(loss)]]), [loss]);
      return loss;
    };
  },
};

/** What is only ever run as it is written. */
const asWritten: Record<string, Entry> = {
  'a read between backward and step': {
    make: (own) => async (trigger) => {
      const loss = own.lossOf(batch(2), trigger);
      backward(loss);
      const value = await loss.item();
      own.optimizer.step();
      return value;
    },
  },
  'a gradient that is read': {
    make: (own) => async (trigger) => {
      backward(own.lossOf(batch(2), trigger));
      const gradient = await own.net.head.weight.grad!.data();
      own.optimizer.step();
      return gradient;
    },
  },
  'a figure besides that fails': {
    // Where it throws, the forward pass has been made and nothing evaluated.
    spared: ['a function'],
    make: (own) => (trigger) => {
      const loss = own.lossOf(batch(2));
      backward(loss, { also: [spoil(loss.sqrt(), trigger)] });
      own.optimizer.step();
      return loss;
    },
  },
  'two micro-batches': {
    // Gradients of micro-batches wait for a step unless an evaluation fails; without memory the first batch fails as well.
    spared: ['a function', 'no memory'],
    // The first is computed before the second, with its running statistics.
    instead: (own) => own.lossOf(batch(2)).itemSync(),
    make: (own) => (trigger) => {
      backward(own.lossOf(batch(2)).div(2));
      const loss = own.lossOf(batch(3), trigger);
      backward(loss.div(2));
      own.optimizer.step();
      return loss.dataSync();
    },
  },
  'a micro-batch that the next backward meets': {
    spared: ['a function', 'no memory'],
    // What waited before goes on waiting.
    instead: (own) => {
      backward(own.lossOf(batch(1)));
      evaluate(own.net.parameters().map(({ grad }) => grad!));
    },
    make: (own) => (trigger) => {
      backward(own.lossOf(batch(1)));
      backward(own.lossOf(batch(2), trigger));
      backward(own.lossOf(batch(3)));
      own.optimizer.step();
    },
  },
  'two optimizers of one backward': {
    make: (own) => {
      const first = optim.sgd(own.net.head.parameters(), { learningRate: 0.1, momentum: 0.9 });
      const second = optim.adam([...own.net.table.parameters(), ...own.net.norm.parameters()]);
      return (trigger) => {
        const loss = own.lossOf(batch(2), trigger);
        backward(loss);
        first.step();
        second.step();
        return loss.dataSync();
      };
    },
  },
  lbfgs: {
    // Without any memory the parameters cannot be put back where they were.
    spared: ['no memory half-way'],
    make: () => {
      const weight = new Variable(tensor([2, -3]), { name: 'weight' });
      const optimizer = optim.lbfgs([weight], { maxIterations: 3 });
      return async (trigger) => {
        let evaluations = 0;
        const before = await optimizer.step(() => {
          // In the middle of the search for a step's length.
          const now = ++evaluations === 3 || trigger.granted < 3 ? trigger : clean;
          const loss = spoil(weight.value.sub(tensor([1, 1])).square(), now)
            .square()
            .sum();
          backward(loss);
          if (now.throws) throw new Error('after backward');
          return loss;
        });
        const { numbers, tensors } = optimizer.state();
        return [before, numbers, tensors, weight.value.dataSync()];
      };
    },
  },
  "a gradient map of one's own": {
    make: (own) => (trigger) => {
      const { weight } = own.net.head;
      own.optimizer.step(new Map([[weight, spoil(weight.value.mul(0.1), trigger)]]));
      return weight.value;
    },
  },
};

const groups: Record<string, Record<string, Entry>> = { 'as it is written': asWritten };
for (const [name, work] of Object.entries(ways)) groups[name] = bothWays(work);
groups.adam = bothWays(stepOf(optimizers.adam));
matrix(named(groups));

const { adam: _, ...others } = optimizers;
const kinds = Object.entries(others).map(([name, make]) => [name, bothWays(stepOf(make))] as const);
// They are expressions of the same operations, and differ in what they remember.
matrix(named(Object.fromEntries(kinds)), ['reference']);
