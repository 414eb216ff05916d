"""Paths on x^2/20 + y^2 from (-7, 2), 30 steps, by the published update rules. Prints the points at steps 1, 10, 30."""
import numpy as np

def gradient(p):
    return np.array([p[0] / 10, 2 * p[1]])

def sgd(p, s, t, rate=0.95):
    return p - rate * gradient(p), s

def momentum(p, v, t, rate=0.1, mu=0.9):
    v = mu * v + gradient(p)
    return p - rate * v, v

def adagrad(p, h, t, rate=1.5, eps=1e-10):
    g = gradient(p)
    h = h + g * g
    return p - rate * g / (np.sqrt(h) + eps), h

def adam(p, s, t, rate=0.3, b1=0.9, b2=0.999, eps=1e-8):
    g = gradient(p)
    m, v = b1 * s[0] + (1 - b1) * g, b2 * s[1] + (1 - b2) * g * g
    return p - rate * (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t)) + eps), np.stack([m, v])

for name, step, state in [("sgd", sgd, 0.0), ("momentum", momentum, np.zeros(2)), ("adagrad", adagrad, np.zeros(2)), ("adam", adam, np.zeros((2, 2)))]:
    p, points = np.array([-7.0, 2.0]), {}
    for t in range(1, 31):
        p, state = step(p, state, t)
        if t in (1, 10, 30):
            points[t] = [float(x) for x in p]
    print(f"  {name}: {points},")
