/** The other two charts of a run's report: confusion matrix and image grid. */
import { inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { parse } from '../test/parse.ts';
import { confusion } from './confusion.ts';
import { imageGrid } from './imageGrid.ts';
import { themes, tints } from './theme.ts';

describe('confusion', () => {
  const svg = confusion(
    [
      [50, 2],
      [3, 45],
    ],
    { labels: ['cat', 'dog'], theme: 'light', id: 'c' },
  );

  it('writes counts with their share of the row, and the accuracy', () => {
    const texts = parse(svg)
      .all('text')
      .map((text) => text.text);
    // 50/52, 2/52, 3/48, 45/48, and 95/100 by hand.
    expect(texts).toEqual(
      expect.arrayContaining(['50', '96%', '2', '4%', '3', '6%', '45', '94%', '95 of 100 right, 95%']),
    );
    expect(texts.filter((text) => text === 'cat')).toHaveLength(2);
  });

  it('says something else in small print when asked to', () => {
    const texts = parse(confusion([[1]], { subtitle: '正确率 100 %' }))
      .all('text')
      .map(({ text }) => text);
    expect(texts).toContain('正确率 100 %');
    expect(texts.join()).not.toContain('right');
  });

  it('tints right and wrong differently, as strongly as their share', () => {
    const cells = parse(svg).one('g', { class: 'ag-cells' }).all('rect').slice(1);
    expect(cells.map((cell) => cell.attributes.fill)).toEqual([
      tints.positive,
      tints.negative,
      tints.negative,
      tints.positive,
    ]);
    // 0.08 + 0.92 · 50/52, and for a mistake 0.08 + 0.92 · √(2/52).
    expect(cells[0].number('fill-opacity')).toBeCloseTo(0.96, 2);
    expect(cells[1].number('fill-opacity')).toBeCloseTo(0.26, 2);
  });

  it('places cells on a square lattice', () => {
    const [, a, b, c] = parse(svg).one('g', { class: 'ag-cells' }).all('rect');
    expect(a.attributes.y).toBe(b.attributes.y);
    expect(c.attributes.x).toBe(a.attributes.x);
    expect(b.number('x') - a.number('x')).toBe(c.number('y') - a.number('y'));
  });

  it('shows an empty cell as a plain zero, and a class without examples without shares', () => {
    const empty = parse(
      confusion(
        [
          [0, 0],
          [0, 4],
        ],
        { theme: 'light' },
      ),
    );
    expect(
      empty.all('text').filter((text) => text.text === '0' && text.attributes.fill === themes.light.muted),
    ).toHaveLength(3);
    expect(empty.text).not.toContain('NaN');
  });

  it('has nothing to show without classes or without examples', () => {
    expect(parse(confusion([])).text).toContain('No data');
    expect(parse(confusion([[0]])).one('desc').text).toBe('A confusion matrix without examples.');
  });

  it('leaves out numbers that do not fit', () => {
    const many = Array.from({ length: 60 }, (_, i) =>
      Array.from({ length: 60 }, (_, j) => (i === j ? 1000 : 0)),
    );
    const cells = parse(confusion(many, { width: 400 })).one('g', { class: 'ag-cells' });
    expect(cells.all('text')).toHaveLength(0);
    expect(cells.all('rect')).toHaveLength(61);
  });

  it('rejects matrices that are not square, impossible counts and labels that do not match', () => {
    expect(() => confusion([[1, 2], [3]])).toThrow('row 1 of 2 has 1 columns');
    expect(() => confusion([[-1]])).toThrow('row 0 holds -1; counts are finite and not negative');
    expect(() => confusion([[1]], { labels: ['a', 'b'] })).toThrow('2 labels for 1 classes');
  });
});

describe('imageGrid', () => {
  /** Bytes of the pixels of the n-th image. */
  function pixels(svg: string, index = 0): number[] {
    const uri = parse(svg).all('image')[index].attributes.href;
    const file = Buffer.from(uri.replace('data:image/png;base64,', ''), 'base64');
    const at = file.indexOf('IDAT');
    return [...inflateSync(file.subarray(at + 4, at + 4 + file.readUInt32BE(at - 4)))];
  }

  it('embeds each image with its rows, black to white', () => {
    const svg = imageGrid([{ pixels: [0, 0.5, 1, Number.NaN], width: 2, height: 2, caption: 'checks' }]);
    expect(pixels(svg)).toEqual([0, 0, 128, 0, 255, 0]);
    expect(parse(svg).one('g', { class: 'ag-image' }).text).toContain('checks');
  });

  it('takes bytes as they are, and any range that is given', () => {
    expect(pixels(imageGrid([{ pixels: Uint8Array.of(3, 200), width: 2, height: 1 }]))).toEqual([0, 3, 200]);
    expect(pixels(imageGrid([{ pixels: [-1, 1], width: 2, height: 1 }], { range: [-1, 1] }))).toEqual([
      0, 0, 255,
    ]);
    expect(pixels(imageGrid([{ pixels: [1, 0, 0], width: 1, height: 1, channels: 3 }]))).toEqual([
      0, 255, 0, 0,
    ]);
  });

  it('keeps proportions and wraps rows', () => {
    const image = { pixels: new Float32Array(8), width: 4, height: 2 };
    const images = parse(imageGrid([image, image, image], { columns: 2, imageSize: 40, id: 'g' })).all(
      'image',
    );
    expect(images.map((element) => [element.number('width'), element.number('height')])).toEqual(
      Array(3).fill([40, 20]),
    );
    expect(images[2].attributes.x).toBe(images[0].attributes.x);
    expect(images[1].number('x') - images[0].number('x')).toBe(52);
    expect(images[2].number('y') - images[0].number('y')).toBe(52);
  });

  it('says in words, not by color alone, which are wrong', () => {
    const svg = imageGrid([{ pixels: [0], width: 1, height: 1, caption: '3', mark: 'wrong' }], {
      theme: 'light',
    });
    expect(
      parse(svg)
        .all('text')
        .map((text) => text.text),
    ).toEqual(['✗ 3']);
    expect(parse(svg).one('g').one('title').text).toBe('3 (wrong)');
    expect(parse(svg).one('desc').text).toBe('1 images, 1 of them marked as wrong.');
  });

  it('rejects pixels that do not match the size, and has nothing to show without images', () => {
    expect(() => imageGrid([{ pixels: [1, 2, 3], width: 2, height: 2 }])).toThrow(
      'image 0 has 3 samples, but 2×2×1 needs 4',
    );
    expect(() => imageGrid([], { columns: 0 })).toThrow('columns is 0, but must be a positive integer');
    expect(parse(imageGrid([])).text).toContain('No data');
  });
});
