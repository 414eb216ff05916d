/** Adapters of low rank: against PyTorch and peft, merged and not, saved, swapped, and in everything that trains models. */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { backward, checkGradients, compile, gradients, vmap } from '@ag/graph';
import { adam, sgd } from '@ag/optim';
import { key, manualSeed, normal, type Tensor, tensor, Variable } from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import * as nn from '../index.ts';

const fixture = (name: string) =>
  JSON.parse(readFileSync(new URL(`../../fixtures/${name}.json`, import.meta.url), 'utf8'));
const peft = fixture('lora') as {
  before: number[];
  files: { 'adapter_model.safetensors': string; 'adapter_config.json': string };
  prediction: number[];
  gradients: Record<string, number[]>;
  trained: number[];
  attention: { prediction: number[]; gradients: number[][] };
};
const written = fixture('loraWritten') as { sha256: string; prediction: number[] };
const files: nn.AdapterFiles = {
  'adapter_model.safetensors': Uint8Array.from(
    Buffer.from(peft.files['adapter_model.safetensors'], 'base64'),
  ),
  'adapter_config.json': peft.files['adapter_config.json'],
};

const float64 = { dtype: 'float64' } as const;

/** That of `fixtures/lora.py`. */
class Net extends nn.Module {
  embed = nn.embedding(7, 6, float64);
  block = nn.transformerEncoderLayer(6, 2, { feedForward: 5, dropout: 0, ...float64 });
  conv = nn.conv1d(6, 4, 3, { padding: 1, ...float64 });
  rnn = nn.gru(4, 3, float64);
  head = nn.linear(3, 2, float64);

  forward(x: Tensor): Tensor {
    const y = this.conv.forward(this.block.forward(this.embed.forward(x)).permute([0, 2, 1]));
    return this.head.forward(this.rnn.forward(y.permute([0, 2, 1])).mean(1));
  }
}

/** scale · sin(1 + seed + 12.9898 i), as `common.py` has it. */
function pattern(shape: readonly number[], seed: number, scale = 1): Tensor {
  const size = shape.reduce((product, axis) => product * axis, 1);
  const data = Float64Array.from({ length: size }, (_, i) => scale * Math.sin(1 + seed + 12.9898 * i));
  return tensor(data, { shape, ...float64 });
}

function patternedNet(): Net {
  const net = new Net();
  net.parameters().forEach((variable, i) => {
    variable.assign(pattern(variable.shape, i, 0.5));
  });
  return net;
}

const x = tensor(
  [
    [0, 3, 6, 1],
    [2, 2, 5, 4],
  ],
  { dtype: 'int32' },
);
const flat = (t: Tensor): number[] => [...t.dataSync()].map(Number);
const bits = (state: nn.StateDict): Record<string, number[]> =>
  Object.fromEntries(
    Object.entries(state).map(([name, t]) => [name, [...new Uint8Array(t.dataSync().slice().buffer)]]),
  );
function expectClose(found: Tensor | readonly number[], expected: Tensor | readonly number[], digits = 9) {
  const [a, b] = [found, expected].map((one) => (Array.isArray(one) ? one : flat(one as Tensor)));
  expect(a.length).toBe(b.length);
  b.forEach((value, i) => {
    expect(a[i]).toBeCloseTo(value, digits);
  });
}

describe('like peft', () => {
  it('reads its files, computes the same, and has the same gradients', () => {
    const net = patternedNet();
    expectClose(net.forward(x), peft.before);
    const tuned = nn.lora(net, files);
    const output = tuned.forward(x);
    expectClose(output, peft.prediction);
    const named = new Map([...tuned.namedParameters()].map(([path, variable]) => [peftName(path), variable]));
    expect([...named.keys()].sort()).toEqual(Object.keys(peft.gradients).sort());
    const variables = Object.keys(peft.gradients).map((name) => named.get(name) as Variable);
    const found = gradients(output.mul(pattern(output.shape, 99)).sum(), variables);
    Object.values(peft.gradients).forEach((expected, i) => {
      expectClose(found[i], expected);
    });
  });

  it('adapts attention as PyTorch does by hand', async () => {
    const net = patternedNet();
    const tuned = nn.lora(net, { rank: 2, alpha: 6, targets: ['self_attn'] });
    const variables = tuned.parameters();
    variables.forEach((variable, i) => {
      variable.assign(pattern(variable.shape, 60 + i, 0.4));
    });
    const output = tuned.forward(x);
    expectClose(output, peft.attention.prediction);
    gradients(output.mul(pattern(output.shape, 99)).sum(), variables).forEach((found, i) => {
      expectClose(found, peft.attention.gradients[i]);
    });
    const saved = await tuned.save();
    const { names } = nn.loadSafetensors(saved['adapter_model.safetensors']);
    const of = 'base_model.model.block.self_attn.';
    expect([...names].sort()).toEqual(
      ['base_layer.out_proj.lora_A', 'base_layer.out_proj.lora_B', 'lora_A', 'lora_B'].map(
        (name) => `${of}${name}.weight`,
      ),
    );
    expect(flat(nn.lora(patternedNet(), saved).forward(x))).toEqual(flat(output));
  });

  it('trains the same', () => {
    const tuned = nn.lora(patternedNet(), files);
    const optimizer = sgd(tuned.parameters(), { learningRate: 0.05 });
    for (let step = 0; step < 5; step++) {
      const output = tuned.forward(x);
      backward(output.mul(pattern(output.shape, 99)).sum());
      optimizer.step();
    }
    expectClose(tuned.forward(x), peft.trained);
  });

  it('writes files that peft reads, and computes the same with', async () => {
    const tuned = nn.lora(patternedNet(), {
      rank: 3,
      alpha: 4,
      rankStabilized: true,
      targets: ['embed', /conv|linear2$/],
      modulesToSave: ['head'],
    });
    tuned.parameters().forEach((variable, i) => {
      variable.assign(pattern(variable.shape, 20 + i, 0.3));
    });
    const saved = await tuned.save();
    const folder = process.env.AG_WRITE_LORA;
    if (folder) {
      mkdirSync(folder, { recursive: true });
      for (const [name, content] of Object.entries(saved)) writeFileSync(`${folder}/${name}`, content);
    }
    // Another hash: peft must read it again, see lora.py.
    const sha256 = createHash('sha256').update(saved['adapter_model.safetensors']).digest('hex');
    expect(sha256).toBe(written.sha256);
    expectClose(tuned.forward(x), written.prediction);
    const other = nn.lora(patternedNet(), saved);
    expect(bits(other.stateDict())).toEqual(bits(tuned.stateDict()));
    expect(flat(other.forward(x))).toEqual(flat(tuned.forward(x)));
  });
});

/** 'adapters.default.block.linear1.loraA' as 'block.linear1.lora_A.weight'. */
function peftName(path: string): string {
  if (path.startsWith('model.')) return path.slice('model.'.length);
  const [, name, factor] = /^adapters\.default\.(.*)\.lora([AB])$/.exec(path) as unknown as string[];
  if (name === 'embed') return `embed.lora_embedding_${factor}`;
  return `${name}.lora_${factor}.weight`;
}

class Own extends nn.Module {
  weight = new Variable(pattern([4, 3], 1), { name: 'weight' });
  conv = nn.conv2d(2, 4, 2, { groups: 2, stride: [2, 1], ...float64 });
  up = nn.convTranspose2d(4, 2, 2, float64);
  rnn = nn.lstm(3, 4, { bidirectional: true, ...float64 });

  forward(input: Tensor): Tensor {
    const y = this.up.forward(this.conv.forward(input)); // [n, 2, 3, 4]
    const z = y.reshape([y.shape[0], -1, 4]).matmul(this.weight.value);
    return this.rnn.forwardWithState(z).output;
  }
}

function started<I extends readonly unknown[], O>(tuned: nn.Lora<I, O>): nn.Lora<I, O> {
  tuned.parameters().forEach((variable, i) => {
    variable.assign(pattern(variable.shape, i, 0.4).cast(variable.dtype));
  });
  return tuned;
}

describe('merged and not', () => {
  const input = pattern([2, 2, 4, 4], 3);

  it.each([
    ['of every kind', /./],
    ['all linear', 'all-linear'],
    ['of weights inside', ['weight']],
  ] as const)('%s', (_, targets) => {
    const model =
      targets === 'all-linear'
        ? nn.sequential(nn.linear(4, 3, float64), nn.tanh(), nn.linear(3, 2, float64))
        : new Own();
    const before = model.forward(input);
    const plain = flat(before);
    const state = bits(model.stateDict());
    const tuned = nn.lora<[Tensor], Tensor>(model, { rank: 2, alpha: 3, targets });
    expect(flat(tuned.forward(input))).toEqual(plain);
    started(tuned);
    const adapted = flat(tuned.forward(input));
    expect(Math.max(...adapted.map((value, i) => Math.abs(value - plain[i])))).toBeGreaterThan(0.01);
    expect(bits(model.stateDict())).toEqual(state);
    tuned.merge();
    expect(tuned.merged).toBe(true);
    expectClose(tuned.forward(input), adapted, 12);
    expect(bits(model.stateDict())).not.toEqual(state);
    expect(() => tuned.train()).toThrow(/merged and would not train; call unmerge\(\) first/);
    tuned.unmerge();
    expect(bits(model.stateDict())).toEqual(state);
    expect(flat(tuned.forward(input))).toEqual(adapted);
    const merged = tuned.merge().unload();
    expect(merged).toBe(model);
    expectClose(model.forward(input), adapted, 12);
    expect(model.parameters().every((variable) => variable.trainable)).toBe(true);
    expect(Object.getOwnPropertyNames(model.parameters()[0])).not.toContain('value');
  });

  it('in float32 to 1e-6', () => {
    manualSeed(1);
    const model = nn.sequential(nn.linear(16, 32), nn.gelu(), nn.linear(32, 8));
    const tuned = nn.lora(model, { rank: 4, seed: 1 });
    for (const variable of tuned.parameters()) variable.assign(normal(variable.shape, { std: 0.1 }));
    const given = normal([5, 16]);
    const apart = flat(tuned.forward(given));
    expectClose(tuned.merge().forward(given), apart, 6);
  });

  it('a shared weight changes wherever it is read', () => {
    class Tied extends nn.Module {
      embed = nn.embedding(5, 4, float64);
      head = nn.linear(4, 5, { bias: false, ...float64 });
      constructor() {
        super();
        Reflect.set(this.head, 'weight', this.embed.weight);
      }
      forward(index: Tensor): Tensor {
        return this.head.forward(this.embed.forward(index));
      }
    }
    const tuned = started(nn.lora(new Tied(), { rank: 2, targets: ['embed'] }));
    const given = tensor([0, 4, 2], { dtype: 'int32' });
    const apart = flat(tuned.forward(given));
    expectClose(tuned.merge().forward(given), apart, 12);
  });

  it('a weight that a module reads of another one changes, too', () => {
    class Reading extends nn.Module {
      embed = nn.embedding(5, 4, float64);
      inner = nn.linear(4, 4, float64);
      forward(index: Tensor): Tensor {
        const y = this.inner.forward(this.embed.forward(index));
        return y.matmul(this.inner.weight.value).matmul(this.embed.weight.value.transpose());
      }
    }
    const tuned = started(nn.lora(new Reading(), { rank: 2, targets: /./ }));
    const given = tensor([0, 4, 2], { dtype: 'int32' });
    const apart = flat(tuned.forward(given));
    expectClose(tuned.merge().forward(given), apart, 12);
  });

  it('gradients are those of finite differences', () => {
    const tuned = started(nn.lora(new Own(), { rank: 2, targets: /./ }));
    const variables = tuned.parameters();
    checkGradients(
      ([given, ...values]) => {
        variables.forEach((variable, i) => {
          Object.defineProperty(variable, 'value', { get: () => values[i], configurable: true });
        });
        const output = tuned.forward(given).square().sum();
        for (const variable of variables) Reflect.deleteProperty(variable, 'value');
        return output;
      },
      [pattern([1, 2, 4, 4], 3), ...variables.map((variable) => variable.value)],
      { order: 1 },
    );
  });
});

describe('what trains', () => {
  it('is under 2 % of a network as large as GPT-2', () => {
    class Gpt2 extends nn.Module {
      tokens = nn.embedding(50257, 768);
      positions = nn.embedding(1024, 768);
      blocks = Array.from({ length: 12 }, () =>
        nn.transformerEncoderLayer(768, 12, { normFirst: true, causal: true, activation: 'gelu' }),
      );
      norm = nn.layerNorm(768);
      forward(index: Tensor): Tensor {
        return this.blocks.reduce((y, block) => block.forward(y), this.tokens.forward(index));
      }
    }
    const model = new Gpt2();
    const all = model.parameters().reduce((sum, { size }) => sum + size, 0);
    expect(all).toBe(124_439_808); // that of GPT-2 with its head tied to the tokens
    const tuned = nn.lora(model, { rank: 8 });
    // Of each block (768 + 2304) + (768 + 768) + 2 · (768 + 3072), times the rank.
    const trained = tuned.parameters().reduce((sum, { size }) => sum + size, 0);
    expect(trained).toBe(12 * 8 * (3072 + 1536 + 2 * 3840));
    expect(trained / all).toBeLessThan(0.02);
    expect(nn.lora(tuned.unload(), { targets: ['inputWeight'] }).parameters()).toHaveLength(24);
  });

  it('leaves frozen weights and gives them back as they were', () => {
    const model = nn.sequential(nn.linear(3, 4), nn.batchNorm1d(4), nn.linear(4, 2));
    model.parameters()[0].trainable = false;
    const tuned = nn.lora(model, { rank: 1, targets: ['0'], modulesToSave: ['2'], seed: 4 });
    expect([...tuned.namedParameters().keys()]).toEqual([
      'model.2.weight',
      'model.2.bias',
      'adapters.default.0.loraA',
      'adapters.default.0.loraB',
    ]);
    const before = bits(model.stateDict());
    manualSeed(2);
    const optimizer = adam(tuned.parameters(), { learningRate: 0.1 });
    const given = normal([8, 3]);
    for (let step = 0; step < 3; step++) {
      backward(tuned.forward(given).square().mean());
      optimizer.step();
    }
    const after = bits(model.stateDict());
    const changed = Object.keys(before).filter((name) => String(before[name]) !== String(after[name]));
    expect(changed).toEqual(['1.runningMean', '1.runningVariance', '2.weight', '2.bias']);
    // What its state holds is what has changed, and no frozen weight.
    expect(Object.keys(tuned.stateDict())).toEqual([
      'model.1.runningMean',
      'model.1.runningVariance',
      'model.2.weight',
      'model.2.bias',
      'adapters.default.0.loraA',
      'adapters.default.0.loraB',
    ]);
    tuned.unload();
    expect(model.parameters().map(({ trainable }) => trainable)).toEqual([false, ...new Array(5).fill(true)]);
  });

  it('starts from a seed, and drops inputs while training', () => {
    const make = (dropout: number) => {
      const tuned = nn.lora(nn.sequential(nn.linear(20, 20)), { rank: 3, dropout, seed: 7 });
      tuned.parameters()[1].assign(normal([20, 3], { key: key(1) }));
      return tuned;
    };
    expect(bits(make(0).stateDict())).toEqual(bits(make(0).stateDict()));
    const a = flat(make(0).parameters()[0].value);
    expect(Math.max(...a.map(Math.abs))).toBeLessThanOrEqual(1 / Math.sqrt(20));
    expect(Math.max(...a.map(Math.abs))).toBeGreaterThan(0.9 / Math.sqrt(20));
    const [dropping, given] = [make(0.5), normal([4, 20], { key: key(2) })];
    expect(flat(dropping.forward(given))).not.toEqual(flat(dropping.forward(given)));
    dropping.eval();
    expect(flat(dropping.forward(given))).toEqual(flat(dropping.forward(given)));
  });
});

describe('several adapters', () => {
  it('swap, each with what trains whole', async () => {
    const model = nn.sequential(nn.linear(3, 4, float64), nn.tanh(), nn.linear(4, 2, float64));
    const given = pattern([5, 3], 1);
    const plain = flat(model.forward(given));
    const tuned = started(nn.lora(model, { rank: 2, targets: ['0'], modulesToSave: ['2'] }));
    const first = flat(tuned.forward(given));
    tuned.add('second', { rank: 1, alpha: 5 });
    expect(tuned.adapters).toEqual(['default', 'second']);
    tuned.swap('second');
    expect(flat(tuned.forward(given))).toEqual(plain);
    tuned.parameters().forEach((variable, i) => {
      variable.assign(pattern(variable.shape, 30 + i));
    });
    const second = flat(tuned.forward(given));
    expect(second).not.toEqual(first);
    expect(flat(tuned.swap('default').forward(given))).toEqual(first);
    expect(flat(tuned.swap(null).forward(given))).toEqual(plain);
    expect(tuned.active).toBe(null);
    expect(flat(tuned.swap('second').forward(given))).toEqual(second);
    const saved = await tuned.save();
    tuned.merge().swap('default');
    expect(tuned.merged).toBe(true);
    expectClose(tuned.forward(given), first, 12);
    tuned.unmerge().load(saved, { name: 'third' });
    expect(flat(tuned.swap('third').forward(given))).toEqual(second);
    tuned.remove('second');
    expect(tuned.adapters).toEqual(['default', 'third']);
    // In place: variables that an optimizer has keep their identity.
    const variables = tuned.swap('default').parameters();
    const own = await tuned.save();
    for (const variable of variables) variable.assign(variable.value.mul(2));
    tuned.load(own);
    expect(tuned.parameters()).toEqual(variables);
    expect(flat(tuned.forward(given))).toEqual(first);
  });
});

describe('with everything else', () => {
  it('compiles, and sees another adapter, merging and unmerging', () => {
    const tuned = started(nn.lora(nn.sequential(nn.linear(3, 3, float64)), { rank: 2 }));
    tuned.add('other');
    const f = compile((input: Tensor) => tuned.forward(input));
    const given = pattern([2, 3], 1);
    const states = [
      () => tuned,
      () => tuned.swap('other'),
      () => tuned.swap('default').merge(),
      () => tuned.unmerge(),
      () => tuned.swap(null),
    ];
    for (const to of states) {
      to();
      expectClose(f(given), flat(tuned.forward(given)), 12);
    }
  });

  it('maps over inputs', () => {
    const tuned = started(nn.lora(new Own(), { rank: 2, targets: /./ }));
    const given = pattern([3, 1, 2, 4, 4], 5);
    const one = (input: Tensor): Tensor => tuned.forward(input);
    expectClose(
      vmap(one)(given),
      [0, 1, 2].flatMap((i) => flat(one(given.slice(i, i + 1).squeeze(0)))),
      12,
    );
  });

  it('hooks of others come and go', () => {
    const model = new Own();
    const tuned = started(nn.lora(model, { rank: 2, targets: ['weight', 'rnn', 'conv'] }));
    const given = pattern([1, 2, 4, 4], 5);
    const expected = flat(tuned.forward(given));
    const seen: Tensor[] = [];
    const remove = [model.rnn, model.conv, model].map((module) =>
      module.onForward((output) => void seen.push(output)),
    );
    expect(flat(tuned.forward(given))).toEqual(expected);
    for (const one of remove) one();
    expect(flat(tuned.forward(given))).toEqual(expected);
    expect(seen.length).toBeGreaterThan(0);
    tuned.unload();
    for (const module of model.namedModules().values())
      expect(Object.getOwnPropertyNames(module)).not.toContain('forward');
  });

  it('goes on from its state to the bit', () => {
    const data = pattern([6, 3], 4);
    const run = (
      steps: number,
      from?: { state: nn.StateDict; optimizer: ReturnType<ReturnType<typeof adam>['state']> },
    ) => {
      manualSeed(3);
      const model = nn.sequential(
        nn.linear(3, 4, float64),
        nn.batchNorm1d(4, float64),
        nn.linear(4, 2, float64),
      );
      const tuned = nn.lora<[Tensor], Tensor>(model, { rank: 2, seed: 1 });
      const optimizer = adam(tuned.parameters(), { learningRate: 0.05 });
      if (from) {
        tuned.loadStateDict(from.state);
        optimizer.loadState(from.optimizer);
      }
      for (let i = 0; i < steps; i++) {
        backward(tuned.forward(data).square().mean());
        optimizer.step();
      }
      return { state: tuned.stateDict(), optimizer: optimizer.state() };
    };
    expect(bits(run(3, run(4)).state)).toEqual(bits(run(7).state));
  });
});

describe('says what is wrong', () => {
  const model = () => nn.sequential(nn.linear(3, 4), nn.relu(), nn.linear(4, 2));
  it.each<[string, () => unknown, RegExp]>([
    [
      'target',
      () => nn.lora(model(), { targets: ['query'] }),
      /lora: no weight matches 'query'; there are '0', '2'/,
    ],
    ['pattern', () => nn.lora(model(), { targets: /q/ }), /no weight matches \/q\/; there are '0', '2'/],
    [
      'no linear',
      () => nn.lora(nn.sequential(nn.conv1d(1, 1, 3))),
      /no linear layers; name targets among '0'/,
    ],
    ['nothing', () => nn.lora(nn.sequential(nn.relu())), /no weights with two axes/],
    [
      'no list',
      () => nn.lora(model(), { targets: [] }),
      /targets must be 'all-linear', a regular expression/,
    ],
    ['rank', () => nn.lora(model(), { rank: 0 }), /lora: .*rank/],
    ['dropout', () => nn.lora(model(), { dropout: 2 }), /lora: the probability must be in \[0, 1\]/],
    [
      'dropout inside',
      () => nn.lora(nn.gru(2, 2), { targets: /./, dropout: 0.1 }),
      /dropout needs a layer's input/,
    ],
    ['whole', () => nn.lora(model(), { modulesToSave: ['head'] }), /no parameter lies in 'head'.*'0.weight'/],
    [
      'groups',
      () => nn.lora(nn.conv1d(4, 4, 3, { groups: 4 }), { rank: 2, targets: /./ }),
      /has 4 groups, .*rank 2/,
    ],
    ['option', () => nn.lora(model(), { r: 3 } as object), /'r'/],
    ['twice', () => nn.lora(nn.lora(model()) as nn.Module), /no adapters yet/],
    [
      'unknown',
      () => nn.lora(model()).swap('french'),
      /swap: there is no adapter 'french'; there are 'default'/,
    ],
    ['in use', () => nn.lora(model()).remove('default'), /'default' is in use/],
    ['there', () => nn.lora(model()).add('default'), /there is an adapter 'default' already/],
    ['none', () => nn.lora(model()).swap(null).merge(), /merge: no adapter is in use/],
    [
      'files',
      () => nn.lora(model(), files),
      /adapts 'base_model\.model\..*', which this model does not have/,
    ],
  ])('%s', (_, call, message) => {
    expect(call).toThrow(message);
  });

  it('files of something else', async () => {
    const saved = await nn.lora(model(), { rank: 2 }).save();
    const config = JSON.parse(saved['adapter_config.json']);
    const changed = (change: object): nn.AdapterFiles => ({
      ...saved,
      'adapter_config.json': JSON.stringify({ ...config, ...change }),
    });
    const read = (given: unknown) => () => nn.lora(model(), given as nn.AdapterFiles);
    expect(read(changed({ peft_type: 'IA3' }))).toThrow(/peft_type "IA3", and only 'LORA'/);
    expect(read(changed({ use_dora: true }))).toThrow(/use_dora true, which is not supported/);
    expect(read(changed({ r: 'x' }))).toThrow(/no number as r/);
    expect(read({ ...saved, 'adapter_config.json': '{' })).toThrow(/is no JSON/);
    expect(read({ 'adapter_config.json': '{}' })).toThrow(/needs \{ 'adapter_model/);
    expect(() => nn.lora(model(), { rank: 3 }).load(saved)).toThrow(/with another rank or scale/);
    const wider = nn.sequential(nn.linear(3, 5), nn.relu(), nn.linear(5, 2));
    expect(() => nn.lora(wider, saved)).toThrow(/factor B of '0' is \[4, 2\], and should be \[5, 2\]/);
    const whole = await nn.lora(model(), { targets: ['0'], modulesToSave: ['2'] }).save();
    expect(() => nn.lora(model(), { targets: ['0'] }).load(whole)).toThrow(
      /whole weights '2\.bias', '2\.weight'; name/,
    );
  });

  it('saving it whole', async () => {
    await expect(nn.saveModel(nn.lora(model()))).rejects.toThrow(/Lora holds modules of its own/);
    expect(String(nn.lora(model()))).toContain('model: sequential(');
  });
});
