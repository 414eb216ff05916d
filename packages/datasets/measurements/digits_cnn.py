"""Test accuracy of a small convolutional network on the generated digits, in JAX.

Usage: python digits_cnn.py FOLDER SEED, with the files of exportDigits.ts. Prints the accuracy after each epoch.
"""

import sys

import jax
import jax.numpy as jnp
import numpy as np

folder, seed = sys.argv[1], int(sys.argv[2])
epochs, batch, rate = 6, 64, 2e-3


def load(split):
    images = np.fromfile(f"{folder}/{split}-x-{seed}.bin", np.uint8).reshape(-1, 28, 28, 1)
    return images.astype(np.float32) / 255, np.fromfile(f"{folder}/{split}-y-{seed}.bin", np.uint8).astype(np.int32)


def he(*shape):
    return jnp.array(random.normal(0, np.sqrt(2 / np.prod(shape[:-1])), shape).astype(np.float32))


def convolve(x, weights, bias):
    x = jax.lax.conv_general_dilated(x, weights, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
    return jax.lax.reduce_window(jax.nn.relu(x + bias), -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")


def logits(p, x):
    x = convolve(convolve(x, p[0], p[1]), p[2], p[3]).reshape(len(x), -1)
    return jax.nn.relu(x @ p[4] + p[5]) @ p[6] + p[7]


def loss(p, x, y):
    return -jnp.take_along_axis(jax.nn.log_softmax(logits(p, x)), y[:, None], 1).mean()


@jax.jit
def step(p, first, second, t, x, y):
    gradients = jax.grad(loss)(p, x, y)
    learning_rate = rate * 0.5 * (1 + jnp.cos(jnp.pi * t / steps))
    first = [0.9 * m + 0.1 * g for m, g in zip(first, gradients)]
    second = [0.999 * v + 0.001 * g * g for v, g in zip(second, gradients)]
    corrected = [
        (m / (1 - 0.9 ** (t + 1))) / (jnp.sqrt(v / (1 - 0.999 ** (t + 1))) + 1e-8) for m, v in zip(first, second)
    ]
    return [w - learning_rate * c for w, c in zip(p, corrected)], first, second


random = np.random.default_rng(0)
(x, y), (test_x, test_y) = load("train"), load("test")
steps = epochs * (len(x) // batch)
parameters = [he(3, 3, 1, 16), jnp.zeros(16), he(3, 3, 16, 32), jnp.zeros(32)]
parameters += [he(7 * 7 * 32, 64), jnp.zeros(64), he(64, 10), jnp.zeros(10)]
first = second = [jnp.zeros_like(p) for p in parameters]
t = 0
for epoch in range(epochs):
    order = random.permutation(len(x))
    for start in range(0, len(x) - batch + 1, batch):
        rows = order[start : start + batch]
        parameters, first, second = step(parameters, first, second, float(t), x[rows], y[rows])
        t += 1
    predicted = np.array(jnp.argmax(jax.jit(logits)(parameters, test_x), 1))
    print(f"epoch {epoch + 1}: {(predicted == test_y).mean() * 100:.1f} %", flush=True)
