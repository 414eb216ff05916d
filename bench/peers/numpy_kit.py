"""What the participants in Python share: random numbers, data, optimizers, the loop of a training, and how turns are timed."""
import json
import os
import resource
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


def time_chunk(step, milliseconds):
    """Runs the step again and again for so long: milliseconds a step, those of the processors, and the most memory held."""
    start, used = time.perf_counter(), time.process_time()
    steps, burst, elapsed = 0, 1, 0.0
    while elapsed < milliseconds:
        for _ in range(burst):
            step()
        steps += burst
        elapsed = (time.perf_counter() - start) * 1e3
        burst = max(1, min(2 * burst, int((milliseconds - elapsed) / (elapsed / steps) / 2)))
    cpu = (time.process_time() - used) * 1e3
    peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"ms": elapsed / steps, "cpu": cpu / steps, "steps": steps, "peak": peak}
