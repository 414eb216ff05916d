"""W7 and W8 in NumPy: matrix products, elementwise work and reductions."""
import numpy as np

from numpy_kit import F, parameter


def w7_cases():
    cases = {str(n): (n, n, n, "") for n in (50, 64, 128, 256, 510, 512, 1000, 1024, 2048)}
    cases.update({
        "AB 128×784×512": (128, 784, 512, ""),
        "AᵀB 784×128×512": (784, 128, 512, "a"),
        "ABᵀ 128×512×784": (128, 512, 784, "b"),
        "AB 100×784×50": (100, 784, 50, ""),
        "AB 100×100×10": (100, 100, 10, ""),
    })
    for n in (512, 1024):
        cases["AᵀB %d" % n] = (n, n, n, "a")
        cases["ABᵀ %d" % n] = (n, n, n, "b")
    return cases


def w7(name):
    m, k, n, transposed = w7_cases()[name]
    a = parameter((k, m) if transposed == "a" else (m, k), 71, 1)
    b = parameter((n, k) if transposed == "b" else (k, n), 72, 1)
    left, right = a.T if transposed == "a" else a, b.T if transposed == "b" else b
    out = np.empty((m, n), F)
    np.matmul(left, right, out=out)
    check = {"c[0, 1]": float(out[0, 1]), "c[m−1, n−1]": float(out[-1, -1])}
    return check, lambda: np.matmul(left, right, out=out)


def w8(name):
    if name.startswith("softmax"):
        x = parameter((1024, 1024), 84, 1)
        out = np.empty_like(x)

        def softmax():
            np.subtract(x, x.max(1, keepdims=True), out=out)
            np.exp(out, out=out)
            np.divide(out, out.sum(1, keepdims=True), out=out)

        softmax()
        return {"first": float(out[0, 0]), "last": float(out[-1, -1])}, softmax
    count = 10**6 if name.endswith(" 1M") else 10**7
    a = parameter((count,), 81, 1)
    if name.startswith("sum"):
        return {"sum": float(a.sum())}, a.sum
    b, c = parameter((count,), 82, 1), parameter((count,), 83, 1)
    out = np.empty_like(a)

    def fused():
        np.multiply(a, b, out=out)
        np.add(out, c, out=out)
        np.negative(out, out=out)
        np.exp(out, out=out)
        np.add(out, F(1), out=out)
        np.reciprocal(out, out=out)

    fused()
    return {"first": float(out[0]), "last": float(out[-1])}, fused


def kernel_cases(workload):
    """The names of the cases: see `src/problems/kernels.ts`."""
    if workload == "W7":
        return list(w7_cases())
    return [kind + size for size in ("1M", "10M") for kind in ("sigmoid(a·b+c) ", "sum ")] + ["softmax 1024×1024"]
