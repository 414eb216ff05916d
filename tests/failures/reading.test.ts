/** Everything that computes a value when it is asked for one: run into every failure, then on as if nothing had been. */
import { Graph, inspect, placeholder } from '@ag/graph';
import { saveNpz, saveSafetensors } from '@ag/nn';
import { evaluate, tensor, Variable, zeros } from '@ag/tensor';
import { batch, type Entry, spoil, type World } from './kit.ts';
import { matrix } from './matrix.ts';

/** A forward pass in training mode, which queues running statistics and draws numbers. */
const output = (own: World, trigger: Parameters<typeof spoil>[1]) => own.net.forward(batch(1).x, trigger);
const loss = (own: World, trigger: Parameters<typeof spoil>[1]) => own.lossOf(batch(1), trigger);

const entries: Record<string, Entry> = {
  data: { make: (own) => (trigger) => output(own, trigger).data() },
  dataSync: { make: (own) => (trigger) => output(own, trigger).dataSync() },
  item: { make: (own) => (trigger) => loss(own, trigger).item() },
  itemSync: { make: (own) => (trigger) => loss(own, trigger).itemSync() },
  toArray: { make: (own) => (trigger) => output(own, trigger).toArray() },
  print: { make: (own) => (trigger) => output(own, trigger).print() },
  evaluate: {
    make: (own) => (trigger) => {
      const both = [output(own, trigger), loss(own, trigger)];
      evaluate(both);
      return both;
    },
  },
  keep: {
    make: (own) => async (trigger) => {
      const kept = await output(own, trigger).keep();
      const values = await kept.data();
      kept.dispose();
      return values;
    },
  },
  'inspect with values': {
    make: (own) => (trigger) => inspect(loss(own, trigger), { values: true }).nodes.map(({ value }) => value),
  },
  'inspect with gradients': {
    make: (own) => (trigger) =>
      inspect(loss(own, trigger), { gradients: 'compute' }).nodes.map(({ gradient }) => gradient),
  },
  'Variable.assign, trained': {
    make: () => {
      const variable = new Variable(zeros([2]), { name: 'trained' });
      return (trigger) => {
        variable.assign(spoil(variable.value.add(1), trigger));
        return variable.value;
      };
    },
  },
  'Variable.assign, then read': {
    make: () => {
      const variable = new Variable(zeros([2]), { name: 'counter', trainable: false });
      return (trigger) => {
        variable.assign(spoil(variable.value.add(1), trigger));
        return variable.value.dataSync();
      };
    },
  },
  'the 64th assignment': {
    make: () => {
      const variable = new Variable(zeros([2]), { name: 'counter', trainable: false });
      return (trigger) => {
        for (let i = 0; i < 70; i++) variable.assign(spoil(variable.value.add(1), trigger));
        return variable.value.dataSync();
      };
    },
  },
  'Graph.run': {
    keepsKeys: true,
    spared: ['a function'],
    make: () => {
      const x = placeholder([2], { name: 'x' });
      const index = placeholder([1], { name: 'index', dtype: 'int32' });
      const flag = placeholder([1], { name: 'flag' });
      const square = placeholder([2, 2], { name: 'matrix' });
      const total = new Variable(zeros([2]), { name: 'total' });
      const y = spoil(x.square(), { index, flag, matrix: square, throws: false, granted: 0 });
      const graph = new Graph({
        inputs: [x, index, flag, square],
        outputs: { y },
        updates: new Map([[total, total.value.add(y)]]),
      });
      return (trigger) => {
        const result = graph.run({
          x: [1, 2],
          index: trigger.index,
          flag: trigger.flag,
          matrix: trigger.matrix,
        });
        return [result.y, total.value];
      };
    },
  },
  stateDict: {
    make: (own) => (trigger) => {
      const running = own.net.norm.runningMean!;
      running.assign(spoil(running.value.mul(0.5), trigger));
      return own.net.stateDict();
    },
  },
  'safetensors of lazy tensors': {
    make: (own) => (trigger) => saveSafetensors({ y: output(own, trigger), z: tensor([1]).add(1) }),
  },
  'npz of lazy tensors': { make: (own) => (trigger) => saveNpz({ y: output(own, trigger) }) },
};
matrix(entries);
