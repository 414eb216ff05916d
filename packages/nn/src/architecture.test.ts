import { concat, normal, stats, type Tensor, tensor, zeros } from '@ag/tensor';
import { describe, expect, it } from 'vitest';
import * as nn from './index.ts';
import { Net, Tied } from './testModels.ts';

describe('plain data', () => {
  it('holds an architecture that comes back, dtype and options included', () => {
    const model = nn.sequential(
      nn.conv2d(1, 4, [3, 2], { padding: 'same', groups: 1, bias: false }),
      nn.batchNorm2d(4, { momentum: null }),
      nn.leakyRelu(0.2),
      nn.residual(nn.sequential(nn.conv2d(4, 4, 3, { padding: 1 }), nn.gelu('tanh'))),
      nn.avgPool2d(2, { stride: 1 }),
      nn.flatten(),
      nn.linear(100, 6),
      nn.dropout(0.1),
      nn.layerNorm(6),
      nn.softmax(),
    );
    const text = JSON.stringify(model);
    const copy = nn.fromJSON(JSON.parse(text)) as nn.Sequential;
    expect(JSON.stringify(copy)).toBe(text);
    copy.loadStateDict(model.stateDict());
    const x = normal([2, 1, 6, 6]);
    expect([...copy.eval().forward(x).dataSync()]).toEqual([...model.eval().forward(x).dataSync()]);
  });

  it('describes modules written as classes, but does not make them', () => {
    const data = new Net().toJSON();
    expect(data.layer).toBe('Net');
    expect(Object.keys(data.children!)).toEqual(['hidden', 'blocks.0', 'blocks.1.0']);
    expect(() => nn.fromJSON(data)).toThrow(/'Net' is no layer of this library/);
    class Doubled extends nn.Module {
      forward(x: Tensor): Tensor {
        return x.mul(2);
      }
      override describe() {
        return ['doubled'] as const;
      }
    }
    const made = nn.fromJSON(nn.sequential(new Doubled()).toJSON(), { doubled: () => new Doubled() });
    expect((made as nn.Sequential).forward(tensor([2])).itemSync()).toBe(4);
  });
});

describe('summary', () => {
  it('counts by hand', () => {
    const model = nn.sequential(nn.conv2d(1, 2, 3), nn.relu(), nn.flatten(), nn.linear(32, 10));
    (model.at(0) as nn.Conv2d).freeze();
    const before = stats().plansMade;
    const found = nn.summary(model, [5, 1, 6, 6]);
    expect(stats().plansMade).toBe(before);
    // 5 images of 2 · 4 · 4 places with 9 products each; 5 rows of 32 · 10 products.
    expect(
      found.rows.map(({ path, layer, outputShape, parameters, flops }) => [
        path,
        layer,
        outputShape,
        parameters,
        flops,
      ]),
    ).toEqual([
      ['', 'sequential', [5, 10], 350, 2 * 5 * 32 * 9 + 2 * 5 * 320],
      ['0', 'conv2d', [5, 2, 4, 4], 20, 2 * 5 * 32 * 9],
      ['1', 'relu', [5, 2, 4, 4], 0, 0],
      ['2', 'flatten', [5, 32], 0, 0],
      ['3', 'linear', [5, 10], 330, 3200],
    ]);
    expect([found.parameters, found.trainable, found.flops]).toEqual([350, 330, 6080]);
    expect(model.training).toBe(true);
    const text = String(found);
    expect(text).toContain('350 parameters (20 frozen), 6,080 FLOPs');
    expect(text.split('\n')).toHaveLength(9);
    expect(model.forward(zeros([5, 1, 6, 6])).shape).toEqual([5, 10]);
    expect(Object.getOwnPropertyNames(model.at(0))).not.toContain('forward');
  });

  it('names what is inside modules of one’s own, and shared weights once', () => {
    const found = nn.summary(new Tied(), [1, 2]);
    expect(found.rows.map((row) => [row.path, row.layer, row.parameters])).toEqual([
      ['', 'Tied', 8],
      ['first', 'linear', 6],
      ['second', 'linear', 2],
    ]);
    expect(nn.summary(nn.embedding(5, 3), [2, 4], { dtype: 'int32' }).rows[0].outputShape).toEqual([2, 4, 3]);
  });

  it('goes through models of several inputs and outputs', () => {
    class Two extends nn.Module<[{ tokens: Tensor; meta: Tensor }], { class: Tensor; box: [Tensor] }> {
      words = nn.embedding(5, 3);
      head = nn.linear(5, 4);
      override forward({ tokens, meta }: { tokens: Tensor; meta: Tensor }): { class: Tensor; box: [Tensor] } {
        const x = concat([this.words.forward(tokens).mean(1), meta], 1);
        return { class: this.head.forward(x), box: [x.sum(1)] };
      }
    }
    const found = nn.summary(new Two(), { tokens: zeros([2, 7], { dtype: 'int32' }), meta: [2, 2] });
    const [whole, , head] = found.rows;
    expect(whole.outputShape).toBeNull();
    expect(whole.outputShapes).toEqual({ class: [2, 4], 'box/0': [2] });
    expect(head.outputShapes).toBeNull();
    // 2 · batch 2 · 5 inputs · 4 outputs
    expect([whole.flops, head.flops]).toEqual([80, 80]);
    expect(String(found)).toContain('class [2, 4], box/0 [2]');
  });
});
