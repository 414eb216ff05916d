"""The workloads in NumPy, with gradients written by hand: what a careful NumPy user would have.

Answers the same lines as participant.ts; the only argument is the task as JSON. Weights come from the same counter
generator, data from the same files.
"""
import json
import os
import sys
import time

import numpy as np

F = np.float32
task = json.loads(sys.argv[1])


def random_at(seed, count):
    """`count` numbers of a stream, in [0, 1): see numbers.ts."""
    mask = np.uint64(0xFFFFFFFF)
    t = (np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x6D2B79F5)) & mask
    t = ((t ^ (t >> np.uint64(15))) * (t | np.uint64(1))) & mask
    t ^= (t + (((t ^ (t >> np.uint64(7))) * (t | np.uint64(61))) & mask)) & mask
    return ((t ^ (t >> np.uint64(14))) & mask).astype(np.float64) / 2.0**32


def parameter(shape, seed, scale):
    return ((2 * random_at(seed, int(np.prod(shape))) - 1) * scale).astype(F).reshape(shape)


def read(name, dtype):
    return np.fromfile(os.path.join(task["data"], name), dtype)


def images():
    x = read("mnist-images.u8", np.uint8).reshape(-1, 784).astype(F) / F(255)
    return x, np.eye(10, dtype=F)[read("mnist-labels.u8", np.uint8)]


def sigmoid(x):
    return F(1) / (F(1) + np.exp(-x))


class Sgd:
    def __init__(self, parameters, rate):
        self.parameters, self.rate = parameters, F(rate)

    def step(self, gradients):
        for p, g in zip(self.parameters, gradients):
            p -= self.rate * g


class Adam:
    def __init__(self, parameters, rate=1e-3):
        self.parameters, self.rate, self.steps = parameters, rate, 0
        self.means = [np.zeros_like(p) for p in parameters]
        self.squares = [np.zeros_like(p) for p in parameters]

    def step(self, gradients):
        self.steps += 1
        size = F(self.rate / (1 - 0.9**self.steps))
        factor = F(1 / np.sqrt(1 - 0.999**self.steps))
        for p, g, m, v in zip(self.parameters, gradients, self.means, self.squares):
            m *= F(0.9)
            m += F(0.1) * g
            v *= F(0.999)
            v += F(0.001) * g * g
            p -= size * m / (np.sqrt(v) * factor + F(1e-8))


def cross_entropy(scores, target):
    """The loss, computed when it is called, and the gradient at the scores."""
    shifted = scores - scores.max(-1, keepdims=True)
    e = np.exp(shifted)
    total = e.sum(-1, keepdims=True)
    count = scores.shape[0]
    return lambda: -((shifted - np.log(total)) * target).sum() / count, (e / total - target) / F(count)


def training(step, loss_at):
    """A run from `step(i, wanted)`, which returns the loss where it is wanted."""
    check = {}
    for i in range(max(loss_at) + 1):
        loss = step(i, i in loss_at)
        if i in loss_at:
            check["loss %d" % i] = float(loss)
    position = [max(loss_at)]

    def go_on():
        position[0] += 1
        step(position[0], False)

    return check, go_on


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


def w9():
    width, layers, heads, length, size, vocabulary = 128, 4, 4, 64, 8, 256
    per_head = width // heads
    parameters, index = [], {}

    def add(name, shape, scale=None, value=0):
        index[name] = len(parameters)
        made = np.full(shape, value, F) if scale is None else parameter(shape, 900 + len(parameters), scale)
        parameters.append(made)

    add("tokens", (vocabulary, width), 0.05)
    add("positions", (length, width), 0.05)
    for i in range(layers):
        add("gain1 %d" % i, (width,), value=1)
        add("shift1 %d" % i, (width,))
        add("attention %d" % i, (width, 3 * width), 0.08)
        add("projection %d" % i, (width, width), 0.08)
        add("gain2 %d" % i, (width,), value=1)
        add("shift2 %d" % i, (width,))
        add("up %d" % i, (width, 4 * width), 0.08)
        add("up bias %d" % i, (4 * width,))
        add("down %d" % i, (4 * width, width), 0.04)
        add("down bias %d" % i, (width,))
    add("gain", (width,), value=1)
    add("shift", (width,))
    add("head", (width, vocabulary), 0.08)
    optimizer = Adam(parameters)
    scale, slope = F(per_head**-0.5), F(np.sqrt(2 / np.pi))
    mask = np.triu(np.full((length, length), -1e9, F), 1)
    starts = np.floor(random_at(5, 64 * size) * vocabulary).astype(int).reshape(64, size)

    def value(name):
        return parameters[index[name]]

    def normalize(x, gain, shift):
        centered = x - x.mean(-1, keepdims=True)
        factor = 1 / np.sqrt((centered * centered).mean(-1, keepdims=True) + F(1e-5))
        scaled = centered * factor

        def back(g, into):
            into[gain] = (g * scaled).sum(0)
            into[shift] = g.sum(0)
            g = g * value(gain)
            return factor * (g - g.mean(-1, keepdims=True) - scaled * (g * scaled).mean(-1, keepdims=True))

        return scaled * value(gain) + value(shift), back

    def split_heads(x):
        return x.reshape(size, length, heads, per_head).transpose(0, 2, 1, 3)

    def join_heads(x):
        return x.transpose(0, 2, 1, 3).reshape(size * length, width)

    def block(h, i):
        n1, back1 = normalize(h, "gain1 %d" % i, "shift1 %d" % i)
        q, k, v = (split_heads(part) for part in np.split(n1 @ value("attention %d" % i), 3, 1))
        weights = q @ k.swapaxes(2, 3) * scale + mask
        weights -= weights.max(-1, keepdims=True)
        np.exp(weights, out=weights)
        weights /= weights.sum(-1, keepdims=True)
        attended = join_heads(weights @ v)
        middle = h + attended @ value("projection %d" % i)
        n2, back2 = normalize(middle, "gain2 %d" % i, "shift2 %d" % i)
        u = n2 @ value("up %d" % i) + value("up bias %d" % i)
        t = np.tanh(slope * (u + F(0.044715) * u * u * u))
        inner = F(0.5) * u * (1 + t)

        def back(g, into):
            into["down bias %d" % i] = g.sum(0)
            into["down %d" % i] = inner.T @ g
            slope_here = F(0.5) * (1 + t) + F(0.5) * u * (1 - t * t) * slope * (1 + F(3 * 0.044715) * u * u)
            gu = g @ value("down %d" % i).T * slope_here
            into["up bias %d" % i] = gu.sum(0)
            into["up %d" % i] = n2.T @ gu
            g = g + back2(gu @ value("up %d" % i).T, into)
            into["projection %d" % i] = attended.T @ g
            ga = split_heads(g @ value("projection %d" % i).T)
            gv = weights.swapaxes(2, 3) @ ga
            gw = ga @ v.swapaxes(2, 3)
            gs = weights * (gw - (gw * weights).sum(-1, keepdims=True)) * scale
            parts = [join_heads(gs @ k), join_heads(gs.swapaxes(2, 3) @ q), join_heads(gv)]
            gqkv = np.concatenate(parts, 1)
            into["attention %d" % i] = n1.T @ gqkv
            return g + back1(gqkv @ value("attention %d" % i).T, into)

        return middle + inner @ value("down %d" % i) + value("down bias %d" % i), back

    def step(i, wanted):
        tokens = np.empty((size, length + 1), int)
        tokens[:, 0] = starts[i % 64]
        for t in range(length):
            tokens[:, t + 1] = (3 * tokens[:, t] + 1) % vocabulary
        current, following = tokens[:, :-1].reshape(-1), tokens[:, 1:].reshape(-1)
        h = (value("tokens")[current].reshape(size, length, width) + value("positions")).reshape(-1, width)
        backs, into = [], {}
        for layer in range(layers):
            h, back = block(h, layer)
            backs.append(back)
        n, back = normalize(h, "gain", "shift")
        loss, g = cross_entropy(n @ value("head"), np.eye(vocabulary, dtype=F)[following])
        into["head"] = n.T @ g
        g = back(g @ value("head").T, into)
        for back in reversed(backs):
            g = back(g, into)
        into["positions"] = g.reshape(size, length, width).sum(0)
        into["tokens"] = np.zeros((vocabulary, width), F)
        np.add.at(into["tokens"], current, g)
        optimizer.step([into[name] for name in index])
        return loss() if wanted else 0

    return training(step, [0, 3, 10])


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
    if workload == "W7":
        return {name: lambda name=name: w7(name) for name in w7_cases()}
    if workload == "W8":
        names = [kind + size for size in ("1M", "10M") for kind in ("sigmoid(a·b+c) ", "sum ")] + ["softmax 1024×1024"]
        return {name: lambda name=name: w8(name) for name in names}
    return {}


def time_chunk(step, milliseconds):
    start, used = time.perf_counter(), time.process_time()
    steps, burst, elapsed = 0, 1, 0.0
    while elapsed < milliseconds:
        for _ in range(burst):
            step()
        steps += burst
        elapsed = (time.perf_counter() - start) * 1e3
        burst = max(1, min(2 * burst, int((milliseconds - elapsed) / (elapsed / steps) / 2)))
    cpu = (time.process_time() - used) * 1e3
    return {"ms": elapsed / steps, "cpu": cpu / steps, "steps": steps}


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
