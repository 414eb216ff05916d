"""W9 in NumPy: the transformer, with its gradient written by hand."""
import numpy as np

from numpy_kit import Adam, F, cross_entropy, parameter, random_at, training


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
