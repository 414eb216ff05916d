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

# Rosenbrock from (-1.5, 2): Newton's method by the derivatives on paper, and L-BFGS as PyTorch has it.
import torch

def newton(p):
    x, y = p
    g = np.array([-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)])
    h = np.array([[2 - 400 * (y - 3 * x * x), -400 * x], [-400 * x, 200.0]])
    return p - np.linalg.solve(h, g)

p, points = np.array([-1.5, 2.0]), {}
for t in range(1, 7):
    p = newton(p)
    points[t] = [float(x) for x in p]
print(f"  newton: {points},")

p, points = torch.tensor([-1.5, 2.0], dtype=torch.float64, requires_grad=True), {}
optimizer = torch.optim.LBFGS([p], lr=1, max_iter=1, max_eval=25, line_search_fn="strong_wolfe")
for t in range(1, 41):
    def closure():
        optimizer.zero_grad()
        loss = (1 - p[0]) ** 2 + 100 * (p[1] - p[0] ** 2) ** 2
        loss.backward()
        return loss
    optimizer.step(closure)
    if t in (1, 10, 40):
        points[t] = p.detach().tolist()
print(f"  lbfgs: {points},")

# Himmelblau: 500 steps of gradient descent with rate 0.01 from a lattice of 12 x 12 starts, and which minimum is nearest.
minima = np.array([[3, 2], [-2.805118, 3.131312], [-3.77931, -3.283186], [3.584428, -1.848126]])
axis = np.linspace(-5, 5, 12)
x, y = np.meshgrid(axis, axis)
for _ in range(500):
    a, b = x * x + y - 11, x + y * y - 7
    x, y = x - 0.01 * (4 * x * a + 2 * b), y - 0.01 * (2 * a + 4 * y * b)
away = np.hypot(x[..., None] - minima[:, 0], y[..., None] - minima[:, 1])
print("  basins:", "".join(str(i) for i in away.argmin(-1).ravel()), "farthest", away.min(-1).max())
