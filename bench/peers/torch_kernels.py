"""W7 and W8 in PyTorch, and the first step of a process for W11."""
import torch

from numpy_kernels import kernel_cases, w7_cases
from numpy_kit import parameter


def w7(name):
    m, k, n, transposed = w7_cases()[name]
    a = torch.from_numpy(parameter((k, m) if transposed == "a" else (m, k), 71, 1))
    b = torch.from_numpy(parameter((n, k) if transposed == "b" else (k, n), 72, 1))

    def product():
        return (a.T if transposed == "a" else a) @ (b.T if transposed == "b" else b)

    c = product()
    return {"c[0, 1]": c[0, 1].item(), "c[m−1, n−1]": c[-1, -1].item()}, product


def w8(name):
    if name.startswith("softmax"):
        x = torch.from_numpy(parameter((1024, 1024), 84, 1))
        return ends(lambda: x.softmax(-1))
    count = 10**6 if name.endswith(" 1M") else 10**7
    a = torch.from_numpy(parameter((count,), 81, 1))
    if name.startswith("sum"):
        return {"sum": a.sum().item()}, a.sum
    b, c = (torch.from_numpy(parameter((count,), seed, 1)) for seed in (82, 83))
    return ends(lambda: torch.sigmoid(a * b + c))


def ends(compute):
    flat = compute().flatten()
    return {"first": flat[0].item(), "last": flat[-1].item()}, compute


def kernels(workload):
    """Case → how it is opened."""
    run = {"W7": w7, "W8": w8}[workload]

    def opened(name):
        check, step = run(name)
        return {"check": check}, step

    return {name: lambda name=name: opened(name) for name in kernel_cases(workload)}


def first_step():
    """As in `src/measuring/minimal.ts`: one step of 784-128-10 by Adam."""
    model = torch.nn.Sequential(torch.nn.Linear(784, 128), torch.nn.ReLU(), torch.nn.Linear(128, 10))
    optimizer = torch.optim.Adam(model.parameters())
    loss = torch.nn.functional.cross_entropy(model(torch.full((32, 784), 0.1)), torch.full((32,), 3))
    loss.backward()
    optimizer.step()
    return loss.item()
