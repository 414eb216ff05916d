"""The participant in PyTorch: trains the networks of `networks.json`, does W7 and W8, and answers the lines of `src/protocol.ts`.

The only argument is the task as JSON. With a variant that begins with `compiled`
a step's forward and backward pass are compiled, with one that has `fused` Adam is one kernel.
"""
import json
import os
import sys
import time

import torch

from numpy_kit import task, time_chunk
from torch_kernels import first_step, kernels
from torch_network import batches_of, loss_of, model_of

torch.set_num_threads(task["threads"])


def open_network(network):
    """What is compared, the milliseconds of the first step, and a function that does the next one."""
    model = model_of(network["layers"])
    batches = batches_of(network)
    position = 0
    if network["loss"] == "none":
        model.eval()

        def compute(x, y):
            return model(x).max()
    else:
        optimizer = make_optimizer(network, model.parameters())

        def compute(x, y):
            return loss_of(network, model(x), y)

    if task["variant"].startswith("compiled"):
        compute = torch.compile(compute)

    def infer(x, y):
        with torch.inference_mode():
            return compute(x, y).item()

    def train(x, y):
        optimizer.zero_grad()
        loss = compute(x, y)
        loss.backward()
        optimizer.step()
        return loss.item()

    run = infer if network["loss"] == "none" else train

    def step():
        nonlocal position
        x, y = batches[position % len(batches)]
        position += 1
        return run(x, y)

    check = {}
    start = time.perf_counter()
    first = 0
    for i in range(max(network["lossAt"]) + 1):
        loss = step()
        if i == 0:
            first = (time.perf_counter() - start) * 1e3
        if i in network["lossAt"]:
            check["loss %d" % i] = loss
    return {"check": check, "first": first}, step


def make_optimizer(network, parameters):
    rate = network["learningRate"]
    if network["optimizer"] == "sgd":
        return torch.optim.SGD(parameters, rate)
    return torch.optim.Adam(parameters, rate, fused="fused" in task["variant"] or None)


# What a library writes on the output would be taken for an answer.
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)


def say(answer):
    print(json.dumps(answer), file=answers, flush=True)


def by_name():
    """Case → how it is opened, for the workload of the task."""
    if task["workload"] in ("W7", "W8"):
        return kernels(task["workload"])
    with open(os.path.join(task["data"], "networks.json"), encoding="utf8") as file:
        networks = json.load(file).get(task["workload"], {})
    return {name: lambda network=network: open_network(network) for name, network in networks.items()}


if task["workload"] == "W11":
    first_step()
    sys.exit()
cases = by_name()
say({"cases": list(cases), "engine": "PyTorch %s, Python %s" % (torch.__version__, sys.version.split()[0])})
go_on = None
for line in sys.stdin:
    request = json.loads(line)
    if "open" in request:
        go_on = None
        opened, go_on = cases[request["open"]]()
        say(opened)
    else:
        say(time_chunk(go_on, request["chunk"]))
