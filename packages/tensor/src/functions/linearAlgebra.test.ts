/**
 * Linear algebra against NumPy. Each row has the NumPy expression, ours, and what NumPy 2 printed for the former:
 *
 * ```python
 * def seq(*shape): return ((np.arange(np.prod(shape)) * 7 + 3) % 11 - 5).astype(np.float64).reshape(shape)
 * a, b, c, t, w = seq(3, 3) + 3 * np.eye(3), seq(3, 2), seq(2, 3, 3) + 3 * np.eye(3), seq(4, 2), seq(2, 4)
 * p, cp = t @ t.T + 4 * np.eye(4), c @ c.swapaxes(-1, -2) + np.eye(3)
 * ```
 */
import { describe, expect, it } from 'vitest';
import {
  cholesky,
  det,
  eye,
  inverse,
  logdet,
  qr,
  slogdet,
  solve,
  solveTriangular,
  svd,
  type Tensor,
  tensor,
  zeros,
} from '../index.ts';

function sequence(shape: readonly number[]): Tensor {
  const size = shape.reduce((product, n) => product * n, 1);
  return tensor(
    Float64Array.from({ length: size }, (_, n) => ((n * 7 + 3) % 11) - 5),
    { shape },
  );
}

const [a, c] = [sequence([3, 3]).add(eye(3).mul(3)), sequence([2, 3, 3]).add(eye(3).mul(3))];
const [b, t, w] = [sequence([3, 2]), sequence([4, 2]), sequence([2, 4])];
const p = t.matmul(t.transpose()).add(eye(4).mul(4));
const cp = c.matmul(c.transpose()).add(eye(3));

type Row = readonly [
  numpy: string,
  ours: () => Tensor,
  shape: readonly number[],
  elements: readonly number[],
];

// biome-ignore format: a table
const rows: readonly Row[] = [
  ["np.linalg.cholesky(p)", () => cholesky(p), [4, 4], [5.74456264654, 0.0, 0.0, 0.0, -2.95932015125, 2.28963408483, 0.0, 0.0, -1.39262124765, -0.0529395164123, 4.24944743093, 0.0, 4.00378608698, -0.502925405917, -2.45934729677, 2.58231947668]],
  ["np.linalg.cholesky(cp)", () => cholesky(cp), [2, 3, 3], [5.29150262213, 0.0, 0.0, 6.04743156815, 4.73588127264, 0.0, 2.45676907456, 3.83093580653, 3.04765755302, 3.60555127546, 0.0, 0.0, 1.10940039245, 7.05473109121, 0.0, -1.66410058868, 3.52191366686, 1.68133677588]],
  ["np.linalg.solve(a, b)", () => solve(a, b), [3, 2], [-1.0, 1.44444444444, -0.285714285714, 0.190476190476, 0.428571428571, 2.60317460317]],
  ["np.linalg.solve(a, b[:, 0])", () => solve(a, b.index(':', 0)), [3], [-1.0, -0.285714285714, 0.428571428571]],
  ["np.linalg.solve(c, np.broadcast_to(b, (2, 3, 2)))", () => solve(c, b), [2, 3, 2], [-1.0, 1.44444444444, -0.285714285714, 0.190476190476, 0.428571428571, 2.60317460317, 0.692307692308, -1.0, -1.53846153846, -2.5, -1.23076923077, -4.0]],
  ["np.linalg.solve(a, c)", () => solve(a, c), [2, 3, 3], [1.0, -0.0, -0.0, 0.0, 1.0, 0.0, -0.0, -0.0, 1.0, -1.44444444444, 5.55111512313e-17, -5.55111512313e-17, 0.0952380952381, 0.571428571429, -0.428571428571, -1.03174603175, -0.857142857143, 0.142857142857]],
  ["np.linalg.solve(np.tril(p), t)", () => solveTriangular(p, t), [4, 2], [-0.0606060606061, 0.151515151515, -0.0021645021645, -0.030303030303, 0.17619047619, 0.0666666666667, 0.00637408568443, 0.00647857889237]],
  ["np.linalg.solve(np.triu(p), w.T)", () => solveTriangular(p, w.transpose(), { lower: false }), [4, 2], [0.142872070458, 0.0874309598448, 0.270443349754, 0.129556650246, -0.0327586206897, -0.11724137931, -0.103448275862, 0.103448275862]],
  ["np.linalg.inv(a)", () => inverse(a), [3, 3], [0.222222222222, -0.111111111111, -0.111111111111, 0.0952380952381, 0.0952380952381, -0.047619047619, 0.301587301587, -0.365079365079, 0.349206349206]],
  ["np.linalg.inv(cp)", () => inverse(cp), [2, 3, 3], [0.116749528544, -0.0910337733585, 0.049545688325, -0.0910337733585, 0.115035144865, -0.0870906908966, 0.049545688325, -0.0870906908966, 0.107663295045, 0.212684527064, -0.114816839803, 0.21760524877, -0.114816839803, 0.108255877529, -0.176599234554, 0.21760524877, -0.176599234554, 0.353745215965]],
  ["np.linalg.det(a)", () => det(a), [], [63.0]],
  ["np.linalg.det(c)", () => det(c), [2], [63.0, 26.0]],
  ["np.linalg.slogdet(c)[0]", () => slogdet(c).sign, [2], [1.0, 1.0]],
  ["np.linalg.slogdet(c)[1]", () => slogdet(c).logarithm, [2], [4.14313472639, 3.25809653802]],
  ["np.log(np.linalg.det(p))", () => logdet(p), [], [9.94424554501]],
  ["np.linalg.qr(a)[0]", () => qr(a).q, [3, 3], [-0.196116135138, -0.835943733678, 0.512578321491, 0.588348405415, -0.518496746206, -0.620489547068, 0.784464540553, 0.179886626235, 0.593511740674]],
  ["np.linalg.qr(a)[1]", () => qr(a).r, [3, 3], [-5.09901951359, 5.49125178387, 1.37281294597, 0.0, -7.26953601313, -0.476170481209, 0.0, 0.0, 1.69960180284]],
  ["np.linalg.qr(t)[0]", () => qr(t).q, [4, 2], [-0.328797974611, 0.714075846288, 0.164398987305, -0.454892761339, 0.657595949221, 0.528945071325, -0.657595949221, 0.0581839578457]],
  ["np.linalg.qr(t)[1]", () => qr(t).r, [2, 2], [6.0827625303, -4.10997468263, 0.0, 5.109609389]],
  ["np.linalg.qr(w)[0]", () => qr(w).q, [2, 2], [-0.4472135955, 0.894427191, 0.894427191, 0.4472135955]],
  ["np.linalg.qr(w)[1]", () => qr(w).r, [2, 4], [4.472135955, -2.2360679775, -4.0249223595, 4.0249223595, 0.0, 4.472135955, -0.894427191, -1.3416407865]],
  ["np.linalg.qr(c)[1]", () => qr(c).r, [2, 3, 3], [-5.09901951359, 5.49125178387, 1.37281294597, 0.0, -7.26953601313, -0.476170481209, 0.0, 0.0, 1.69960180284, 6.7082039325, 2.385139176, -2.2360679775, 0.0, -3.78300292243, 2.8196295074, 0.0, 0.0, -1.02454352811]],
  ["np.linalg.svd(a)[1]", () => svd(a).s, [3], [9.81114349783, 3.87181587772, 1.65846467375]],
  ["np.linalg.svd(t)[1]", () => svd(t).s, [2], [8.07337331133, 3.84975887245]],
  ["np.linalg.svd(w)[1]", () => svd(w).s, [2], [7.81177291283, 4.35616849518]],
  ["np.linalg.svd(c)[1]", () => svd(c).s, [2, 3], [9.81114349783, 3.87181587772, 1.65846467375, 7.86257320476, 4.06422652915, 0.813637093278]],
  ["np.abs(np.linalg.svd(w, full_matrices=False)[0])", () => svd(w).u.abs(), [2, 2], [0.690085085545, 0.723728246449, 0.723728246449, 0.690085085545]],
  ["np.abs(np.linalg.svd(t, full_matrices=False)[2])", () => svd(t).vt.abs(), [2, 2], [0.663647036979, 0.7480458611, 0.7480458611, 0.663647036979]],
  ["np.abs(np.linalg.svd(c)[0])", () => svd(c).u.abs(), [2, 3, 3], [0.441941746046, 0.69932187332, 0.561815281564, 0.768604116598, 0.027728437254, 0.639123498016, 0.462531301698, 0.71426889283, 0.525247316685, 0.0167319722053, 0.844975411439, 0.534543352002, 0.890477187346, 0.230542518572, 0.392301575255, 0.454720155616, 0.482562639659, 0.748573896741]],
];

describe('against NumPy', () => {
  for (const [name, ours, shape, elements] of rows) {
    it(name, () => {
      const result = ours();
      expect(result.shape).toEqual(shape);
      const found = result.dataSync();
      expect(found.length).toBe(elements.length);
      elements.forEach((value, n) => {
        expect(Math.abs(found[n] - value), `element ${n}: ${found[n]}, NumPy ${value}`).toBeLessThan(
          1e-9 * Math.max(1, Math.abs(value)),
        );
      });
    });
  }
});

describe('factors', () => {
  const distance = (x: Tensor, y: Tensor): number => x.sub(y).abs().max().itemSync();
  it('multiply to the matrix again and are orthonormal', () => {
    for (const x of [
      a,
      t,
      w,
      c,
      zeros([3, 2], { dtype: 'float64' }),
      tensor(
        [
          [1, 1],
          [1, 1],
          [1, 1],
        ],
        { dtype: 'float64' },
      ),
    ]) {
      const { u, s, vt } = svd(x);
      expect(distance(u.mul(s.unsqueeze(-2)).matmul(vt), x)).toBeLessThan(1e-13);
      expect(distance(u.transpose().matmul(u), eye(s.shape.at(-1)!))).toBeLessThan(1e-13);
      expect(distance(vt.matmul(vt.transpose()), eye(s.shape.at(-1)!))).toBeLessThan(1e-13);
      const { q, r } = qr(x);
      expect(distance(q.matmul(r), x)).toBeLessThan(1e-13);
      expect(distance(q.transpose().matmul(q), eye(q.shape.at(-1)!))).toBeLessThan(1e-13);
    }
  });

  it('keep float32 and make integers float32', async () => {
    const x = tensor([
      [4, 2],
      [2, 5],
    ]);
    expect(cholesky(x).dtype).toBe('float32');
    expect(await cholesky(x).toArray()).toEqual([
      [2, 0],
      [1, 2],
    ]);
    expect(det(x.cast('int32')).dtype).toBe('float32');
    expect(await det(x.cast('int32')).item()).toBe(16);
    expect(solve(x, tensor([1, 2], { dtype: 'float64' })).dtype).toBe('float64');
  });

  it('exist for empty and 1 × 1 matrices and empty batches', async () => {
    expect(await det(zeros([0, 0])).item()).toBe(1);
    expect(await inverse(zeros([2, 0, 0])).toArray()).toEqual([[], []]);
    expect(det(zeros([0, 3, 3])).shape).toEqual([0]);
    expect(await det(zeros([0, 3, 3])).toArray()).toEqual([]);
    expect(await inverse(tensor([[4]])).toArray()).toEqual([[0.25]]);
    expect(await svd(tensor([[-3]])).s.toArray()).toEqual([3]);
  });

  it('say what is wrong with a matrix', () => {
    expect(() =>
      cholesky(
        tensor([
          [1, 2],
          [2, 1],
        ]),
      ).dataSync(),
    ).toThrow('cholesky: matrix 0 is not positive definite: pivot 1 is -3');
    expect(() =>
      inverse(
        tensor([
          [
            [1, 0],
            [0, 1],
          ],
          [
            [1, 2],
            [2, 4],
          ],
        ]),
      ).dataSync(),
    ).toThrow('inverse: matrix 1 is singular: pivot 1 is 0');
    expect(() => solve(zeros([2, 2]), zeros([2])).dataSync()).toThrow('solve: matrix 0 is singular');
    expect(() => solveTriangular(zeros([2, 2]), zeros([2])).dataSync()).toThrow(
      'solveTriangular: matrix 0 is singular',
    );
    expect(() => det(zeros([2, 3]))).toThrow('det: needs square matrices in the last two axes, got [2, 3]');
    expect(() => cholesky(zeros([3]))).toThrow('cholesky: needs matrices in the last two axes, got [3]');
    expect(() => solve(zeros([2, 2]), zeros([3]))).toThrow('does not fit matrices [2, 2]');
    expect(() => svd(zeros([3]))).toThrow('svd: needs matrices');
  });

  it('of a singular matrix have determinant 0 and logarithm −∞', async () => {
    const x = tensor([
      [1, 2],
      [2, 4],
    ]);
    expect(await det(x).item()).toBe(0);
    expect(await slogdet(x).sign.item()).toBe(0);
    expect(await slogdet(x).logarithm.item()).toBe(Number.NEGATIVE_INFINITY);
    expect(await logdet(tensor([[-1]])).item()).toBeNaN();
  });
});
