"""Runs exported plans by wasmtime: what scripts/check-plans.ts compares. The class is that of docs/exporting.md."""
import hashlib
import json
import re
import sys
import time

import wasmtime

SIZES = {"float32": 4, "float64": 8, "int32": 4, "uint32": 4, "bool": 1, "uint8": 1}


def section(wasm, name):
    """The content of a custom section."""
    at = 8

    def number():
        nonlocal at
        value = shift = 0
        while True:
            byte = wasm[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(wasm):
        kind = wasm[at]
        at += 1
        size = number()
        end = at + size
        if kind == 0:
            length = number()
            if wasm[at : at + length] == name.encode():
                return wasm[at + length : end]
        at = end


class Plan:
    def __init__(self, wasm, weights=None):
        self.description = json.loads(section(wasm, "ag.plan"))
        self.store = wasmtime.Store()
        module = wasmtime.Module(self.store.engine, wasm)
        exports = wasmtime.Instance(self.store, module, []).exports(self.store)
        self.memory, self._run = exports["memory"], exports["run"]
        if weights:
            self.memory.write(self.store, weights, self.description["weights"]["offset"])

    def read(self, tensor, batch=1):
        size = SIZES[tensor["dtype"]]
        for axis in tensor["shape"]:
            size *= batch if axis is None else axis
        return bytes(self.memory.read(self.store, tensor["offset"], tensor["offset"] + size))

    def run(self, batch=0, **inputs):
        for tensor in self.description["inputs"]:
            self.memory.write(self.store, inputs[tensor["name"]], tensor["offset"])
        status = self._run(self.store, batch)
        if status != 0:
            raise ValueError(["", "an index outside its axis", "another batch", "no more steps"][status])
        return {tensor["name"]: self.read(tensor, batch) for tensor in self.description["outputs"]}


def main(folder, steps, batch):
    def content(name):
        with open(f"{folder}/{name}", "rb") as file:
            return file.read()

    first, images, labels = (content(f"{name}.bin") for name in ("first", "images", "labels"))
    predictor = Plan(content("predictor.wasm"))
    began = time.perf_counter()
    answer = predictor.run(x=first)["output"]
    ms = 1000 * (time.perf_counter() - began)
    step = Plan(content("step.wasm"))
    for i in range(steps):
        start = i * batch % 480
        x = images[start * 3136 : (start + batch) * 3136]
        step.run(x=x, y=labels[start * 4 : (start + batch) * 4])
    named = {tensor["name"]: tensor for tensor in step.description["state"]}
    weights = sorted(name for name in named if re.fullmatch(r"\d+\.(weight|bias)", name))
    hashes = [hashlib.sha256(step.read(named[name])).hexdigest() for name in weights]
    print(json.dumps({"ms": ms, "answer": hashlib.sha256(answer).hexdigest(), "weights": " ".join(hashes)}))


main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
