import { describe, expect, it } from 'vitest';
import { userLine } from './userLine.ts';

/** A stack as Node writes it, with the frames given. */
const node = (...frames: string[]): string =>
  ['Error', ...frames.map((frame) => `    at ${frame}`)].join('\n');

describe('the first line outside of the library', () => {
  it('in a checkout: the library by its place, a project with the same folders by its own', () => {
    const own = 'file:///home/me/ag/packages/tensor/src/userLine.ts';
    const stack = node(
      'Tensor.add (file:///home/me/ag/packages/tensor/src/tensor.ts:10:3)',
      'Linear.forward (/home/me/ag/packages/nn/src/linear.ts:20:5)',
      'predict (/home/me/work/packages/nn/src/model.ts:7:9)',
      'main (/home/me/work/packages/train/src/main.ts:1:1)',
    );
    expect(userLine(stack, own)).toBe('predict (/home/me/work/packages/nn/src/model.ts:7:9)');
    // Applications and examples of the checkout are users too, and so are tests.
    expect(userLine(node('f (/home/me/ag/apps/cli/src/main.ts:3:4)'), own)).toBe(
      'f (/home/me/ag/apps/cli/src/main.ts:3:4)',
    );
    expect(userLine(node('/home/me/ag/packages/nn/src/linear.test.ts:3:4'), own)).toBe(
      '/home/me/ag/packages/nn/src/linear.test.ts:3:4',
    );
    expect(userLine(node('/home/me/ag/packages/tensor/examples/first.ts:3:4'), own)).toMatch(/first.ts:3:4/);
  });

  it('installed: by npm, by pnpm, prepared by Vite', () => {
    const mine = 'step (file:///home/me/app/src/train.js:12:24)';
    for (const [own, frame] of [
      [
        'file:///home/me/app/node_modules/@ag/tensor/dist/index.js',
        'file:///home/me/app/node_modules/@ag/nn/dist/index.js:5:6',
      ],
      [
        'file:///home/me/app/node_modules/.pnpm/@ag+tensor@1.0.0/node_modules/@ag/tensor/dist/index.js',
        'file:///home/me/app/node_modules/.pnpm/@ag+nn@1.0.0_x/node_modules/@ag/nn/dist/chunk-AB.js:5:6',
      ],
      [
        'http://localhost:5173/node_modules/.vite/deps/@ag_tensor.js?v=1',
        'http://localhost:5173/node_modules/.vite/deps/@ag_nn.js?v=1:5:6',
      ],
    ]) {
      expect(userLine(node(`Tensor.add (${own}:1:2)`, frame, mine), own)).toBe(
        'step (/home/me/app/src/train.js:12:24)',
      );
    }
    // Folders of a user who is called so, or a fork with another scope, are not the library.
    expect(
      userLine(node('/home/@ag/app/nn/src/a.js:1:1'), 'file:///x/node_modules/@ag/tensor/dist/index.js'),
    ).toBe('/home/@ag/app/nn/src/a.js:1:1');
  });

  it('on Windows, with spaces, in other engines', () => {
    expect(
      userLine(
        node(
          'Tensor.add (file:///C:/my%20code/ag/packages/tensor/dist/index.js:1:2)',
          'f (C:\\my code\\app\\a.ts:3:4)',
        ),
        'file:///C:/my%20code/ag/packages/tensor/dist/index.js',
      ),
    ).toBe('f (C:\\my code\\app\\a.ts:3:4)');
    expect(
      userLine(
        node('g (C:\\my code\\ag\\packages\\graph\\src\\gradients.ts:1:2)', 'f (C:\\my code\\app\\a.ts:3:4)'),
        'file:///C:/my%20code/ag/packages/tensor/src/userLine.ts',
      ),
    ).toBe('f (C:\\my code\\app\\a.ts:3:4)');
    // Firefox and Safari.
    expect(
      userLine(
        'add@http://localhost/node_modules/@ag/tensor/dist/index.js:1:2\nstep@http://localhost/src/train.js:12:24\n',
        'http://localhost/node_modules/@ag/tensor/dist/index.js',
      ),
    ).toBe('http://localhost/src/train.js:12:24');
  });

  it('is null without one, and skips what the engine adds', () => {
    const own = 'file:///x/packages/tensor/src/userLine.ts';
    expect(userLine(undefined, own)).toBeNull();
    expect(
      userLine(node('file:///x/packages/graph/src/a.ts:1:2', 'node:internal/process:1:2'), own),
    ).toBeNull();
    expect(userLine(node('new Promise (<anonymous>)', 'Array.map (<anonymous>)', '/y/a.ts:3:4'), own)).toBe(
      '/y/a.ts:3:4',
    );
  });

  it('is this one, here', () => {
    expect(userLine(new Error().stack)).toMatch(/userLine\.test\.ts:\d+:\d+/);
  });
});
