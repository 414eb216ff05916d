"""Test accuracy of a linear classifier and of the network 784-50-100-10 on the generated digits, in NumPy.

Usage: python digits.py FOLDER, where FOLDER holds train-x-SEED.bin, train-y-SEED.bin, test-x-SEED.bin and
test-y-SEED.bin for the seeds 0, 1, 2 as written by exportDigits.ts. Prints the table of docs/digits.md.
"""

import sys

import numpy as np


def load(folder, seed, split):
    images = np.fromfile(f"{folder}/{split}-x-{seed}.bin", np.uint8).reshape(-1, 784)
    return images.astype(np.float32) / 255, np.fromfile(f"{folder}/{split}-y-{seed}.bin", np.uint8)


def train(sizes, train_set, test_set, seed, epochs=20, batch=32, rate=3e-3):
    """Softmax cross-entropy, sigmoid hidden layers, Xavier uniform weights, Adam with a cosine schedule."""
    random = np.random.default_rng(seed)
    parameters = []
    for fan_in, fan_out in zip(sizes, sizes[1:]):
        bound = np.sqrt(6 / (fan_in + fan_out))
        parameters.append(random.uniform(-bound, bound, (fan_in, fan_out)).astype(np.float32))
        parameters.append(np.zeros(fan_out, np.float32))
    first, second = ([np.zeros_like(p) for p in parameters] for _ in range(2))
    x, y = train_set
    steps, step = epochs * (len(x) // batch), 0

    def forward(inputs):
        values = [inputs]
        for i in range(0, len(parameters), 2):
            z = values[-1] @ parameters[i] + parameters[i + 1]
            values.append(z if i + 2 == len(parameters) else 1 / (1 + np.exp(-z)))
        return values

    for _ in range(epochs):
        order = random.permutation(len(x))
        for start in range(0, len(x) - batch + 1, batch):
            rows = order[start : start + batch]
            values = forward(x[rows])
            z = values[-1] - values[-1].max(1, keepdims=True)
            delta = np.exp(z) / np.exp(z).sum(1, keepdims=True)
            delta[np.arange(batch), y[rows]] -= 1
            delta /= batch
            gradients = []
            for i in range(len(parameters) - 2, -1, -2):
                gradients[:0] = [values[i // 2].T @ delta, delta.sum(0)]
                if i:
                    h = values[i // 2]
                    delta = (delta @ parameters[i].T) * h * (1 - h)
            learning_rate = rate * 0.5 * (1 + np.cos(np.pi * step / steps))
            step += 1
            for p, g, m, v in zip(parameters, gradients, first, second):
                m += 0.1 * (g - m)
                v += 0.001 * (g * g - v)
                p -= learning_rate * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.999**step)) + 1e-8)
    return [(forward(s[0])[-1].argmax(1) == s[1]).mean() * 100 for s in (train_set, test_set)]


if __name__ == "__main__":
    folder = sys.argv[1]
    print("| seed | linear: train | linear: test | 784-50-100-10: train | 784-50-100-10: test |")
    print("| --- | --- | --- | --- | --- |")
    for seed in [int(s) for s in sys.argv[2:]] or [0, 1, 2]:
        sets = load(folder, seed, "train"), load(folder, seed, "test")
        linear = train([784, 10], *sets, seed)
        mlp = train([784, 50, 100, 10], *sets, seed)
        print(f"| {seed} | " + " | ".join(f"{a:.1f} %" for a in linear + mlp) + " |", flush=True)
