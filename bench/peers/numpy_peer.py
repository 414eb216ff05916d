"""The workloads in NumPy, with gradients written by hand: what a careful NumPy user would have.

Answers the same lines as participant.ts; the only argument is the task as JSON. Weights come from the same counter
generator, data from the same files.
"""
import json
import sys

import numpy as np

from numpy_kit import Adam, F, Sgd, cross_entropy, images, parameter, random_at, read, sigmoid, task, time_chunk, training
from numpy_kernels import kernel_cases, w7, w8
from numpy_transformer import w9


def w1():
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], F)
    y = np.array([[0], [1], [1], [0]], F)
    a, b, c, d = parameter((2, 2), 11, 1), parameter((2,), 12, 1), parameter((2, 1), 13, 1), parameter((1,), 14, 1)
    rate = F(0.1)

    def step(i, wanted):
        nonlocal a, b, c, d
        h = sigmoid(x @ a + b)
        o = sigmoid(h @ c + d)
        e = o - y
        go = 2 * e * o * (1 - o)
        gh = go @ c.T * h * (1 - h)
        c -= rate * (h.T @ go)
        d -= rate * go.sum(0)
        a -= rate * (x.T @ gh)
        b -= rate * gh.sum(0)
        return (e * e).sum() if wanted else 0

    return training(step, [0, 10, 1000, 10000])


def w2():
    x, y = parameter((64, 1000), 21, 1), parameter((64, 10), 22, 1)
    a, b = parameter((1000, 100), 23, 0.05), parameter((100, 10), 24, 0.1)
    rate = F(1e-4)

    def step(i, wanted):
        nonlocal a, b
        h = sigmoid(x @ a)
        e = h @ b - y
        go = 2 * e
        gh = go @ b.T * h * (1 - h)
        b -= rate * (h.T @ go)
        a -= rate * (x.T @ gh)
        return (e * e).sum() if wanted else 0

    return training(step, [0, 10, 100, 300])


def w3():
    x = read("boston-x.f32", F).reshape(-1, 13)
    y = read("boston-y.f32", F).reshape(-1, 1)
    a, b = parameter((13, 10), 31, 13**-0.5), parameter((10,), 32, 13**-0.5)
    c, d = parameter((10, 1), 33, 10**-0.5), parameter((1,), 34, 10**-0.5)
    rate = F(1e-2)
    rows = np.floor(random_at(77, 4096 * 16) * len(y)).astype(int).reshape(-1, 16)

    def step(i, wanted):
        nonlocal a, b, c, d
        chosen = rows[i % 4096]
        xs, ys = x[chosen], y[chosen]
        h = sigmoid(xs @ a + b)
        e = h @ c + d - ys
        go = e * F(2 / 16)
        gh = go @ c.T * h * (1 - h)
        c -= rate * (h.T @ go)
        d -= rate * go.sum(0)
        a -= rate * (xs.T @ gh)
        b -= rate * gh.sum(0)
        return (e * e).mean() if wanted else 0

    return training(step, [0, 10, 100, 1000])


def perceptron(sizes, size, activation, seed, optimizer, loss_at):
    x, y = images()
    weights = [parameter((m, n), seed + i, m**-0.5) for i, (m, n) in enumerate(zip(sizes, sizes[1:]))]
    biases = [np.zeros(n, F) for n in sizes[1:]]
    chosen = optimizer([p for pair in zip(weights, biases) for p in pair])
    count, depth = len(x) // size, len(weights)

    def step(i, wanted):
        start = i % count * size
        values = [x[start : start + size]]
        for layer, (w, b) in enumerate(zip(weights, biases)):
            z = values[-1] @ w
            z += b
            if layer < depth - 1:
                z = sigmoid(z) if activation == "sigmoid" else np.maximum(z, 0, out=z)
            values.append(z)
        loss, g = cross_entropy(values[-1], y[start : start + size])
        gradients = [None] * (2 * depth)
        for layer in reversed(range(depth)):
            h = values[layer]
            gradients[2 * layer] = h.T @ g
            gradients[2 * layer + 1] = g.sum(0)
            if layer > 0:
                g = g @ weights[layer].T
                g *= h * (1 - h) if activation == "sigmoid" else h > 0
        chosen.step(gradients)
        return loss() if wanted else 0

    return training(step, loss_at)


def w4():
    return perceptron([784, 50, 100, 10], 100, "sigmoid", 41, lambda p: Sgd(p, 0.1), [0, 10, 100, 300])


def w5():
    return perceptron([784, 512, 256, 10], 128, "relu", 51, Adam, [0, 10, 30])


def patches(x, size, pad):
    """[n, h, w, c] → [n·h·w, size·size·c]: what each place of a convolution sees."""
    n, h, w, c = x.shape
    padded = np.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    seen = np.lib.stride_tricks.sliding_window_view(padded, (size, size), (1, 2))
    return np.ascontiguousarray(seen.transpose(0, 1, 2, 4, 5, 3)).reshape(n * h * w, size * size * c)


def unpatch(g, shape, size, pad):
    """The transpose of `patches`."""
    n, h, w, c = shape
    g = g.reshape(n, h, w, size, size, c)
    out = np.zeros((n, h + 2 * pad, w + 2 * pad, c), F)
    for i in range(size):
        for j in range(size):
            out[:, i : i + h, j : j + w] += g[:, :, :, i, j]
    return out[:, pad : pad + h, pad : pad + w]


def pool(x):
    """Maxima of 2×2 windows, and a function from their gradient to that of `x`; the first maximum gets it."""
    corners = [(i, j) for i in (0, 1) for j in (0, 1)]
    parts = [x[:, i::2, j::2] for i, j in corners]
    y = np.maximum(np.maximum(parts[0], parts[1]), np.maximum(parts[2], parts[3]))

    def back(g):
        out = np.zeros_like(x)
        left = np.ones(y.shape, bool)
        for part, (i, j) in zip(parts, corners):
            here = (part == y) & left
            left &= ~here
            out[:, i::2, j::2] = g * here
        return out

    return y, back


def w6():
    x, y = images()
    n = 64
    a, b = parameter((25, 16), 61, 0.2), np.zeros(16, F)
    c, d = parameter((400, 32), 62, 0.05), np.zeros(32, F)
    e, f = parameter((1568, 10), 63, 0.025), np.zeros(10, F)
    optimizer = Adam([a, b, c, d, e, f])

    def step(i, wanted):
        start = i % 900 * n
        p1 = patches(x[start : start + n].reshape(n, 28, 28, 1), 5, 2)
        h1 = np.maximum(p1 @ a + b, 0).reshape(n, 28, 28, 16)
        m1, back1 = pool(h1)
        p2 = patches(m1, 5, 2)
        h2 = np.maximum(p2 @ c + d, 0).reshape(n, 14, 14, 32)
        m2, back2 = pool(h2)
        flat = m2.reshape(n, 1568)
        loss, g = cross_entropy(flat @ e + f, y[start : start + n])
        ge, gf = flat.T @ g, g.sum(0)
        g2 = back2((g @ e.T).reshape(n, 7, 7, 32))
        g2 *= h2 > 0
        g2 = g2.reshape(-1, 32)
        gc, gd = p2.T @ g2, g2.sum(0)
        g1 = back1(unpatch(g2 @ c.T, (n, 14, 14, 16), 5, 2))
        g1 *= h1 > 0
        g1 = g1.reshape(-1, 16)
        optimizer.step([p1.T @ g1, g1.sum(0), gc, gd, ge, gf])
        return loss() if wanted else 0

    return training(step, [0, 5, 30])


def by_name():
    """Case → how it is opened, for the workload of the task."""
    single = {
        "W1": ("2-2-1", w1),
        "W2": ("64×1000-100-10", w2),
        "W3": ("13-10-1", w3),
        "W4": ("784-50-100-10", w4),
        "W5": ("784-512-256-10", w5),
        "W6": ("conv 5×5×16, conv 5×5×32, dense", w6),
        "W9": ("d 128, 4 layers, 4 heads, 8×64 tokens", w9),
    }
    workload = task["workload"]
    if workload in single:
        name, run = single[workload]
        return {name: run}
    if workload in ("W7", "W8"):
        run = {"W7": w7, "W8": w8}[workload]
        return {name: lambda name=name: run(name) for name in kernel_cases(workload)}
    return {}


def say(answer):
    print(json.dumps(answer), flush=True)


cases = by_name()
say({"cases": list(cases), "engine": "NumPy %s, Python %s" % (np.__version__, sys.version.split()[0])})
run = None
for line in sys.stdin:
    request = json.loads(line)
    if "open" in request:
        run = None
        check, run = cases[request["open"]]()
        say({"check": check})
    else:
        say(time_chunk(run, request["chunk"]))
