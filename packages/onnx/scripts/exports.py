"""Lets onnx.checker and shape inference look at exports, runs them in onnxruntime, and writes what comes out.

    npm run ts -- scripts/check-onnx.ts --write FOLDER
    pip install onnx==1.23.2 onnxruntime==1.32.0
    python packages/onnx/scripts/exports.py FOLDER packages/onnx/fixtures/onnxruntime.json
"""

import json
import os
import sys

import numpy as np
import onnx
import onnxruntime

folder, target = sys.argv[1:]
results = {}
checked = {}
for case in json.load(open(os.path.join(folder, "cases.json"))):
    path = os.path.join(folder, case["file"])
    read = lambda kind: np.fromfile(f"{path}.{kind}", case[kind]["dtype"]).reshape(case[kind]["shape"])
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    inferred = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    x = read("x")
    (y,) = session.run(None, {"x": x})
    own = read("y")
    assert own.shape == y.shape, case["name"]
    assert np.abs(own - y).max(initial=0) <= 1e-5 * max(1, np.abs(own).max(initial=0)), case["name"]
    declared = [d.dim_value or None for d in inferred.graph.output[0].type.tensor_type.shape.dim]
    assert len(declared) == y.ndim and all(a in (None, b) for a, b in zip(declared, y.shape)), case["name"]
    # An open batch takes any number of examples.
    if session.get_inputs()[0].shape[0] == "batch" and "without statistics" not in case["name"]:
        twice = session.run(None, {"x": np.concatenate([x, x])})[0]
        assert np.allclose(twice[: len(x)], y, atol=1e-5), case["name"]
    checked[case["name"]] = case["digest"]
    if case["name"].endswith(", opset 18"):
        name = case["name"].removesuffix(", opset 18")
        results[name] = {"shape": y.shape, "data": [round(float(v), 8) for v in y.ravel()]}
print(len(checked), "exports checked")
versions = {"onnx": onnx.__version__, "onnxruntime": onnxruntime.__version__}
with open(target, "w") as file:
    json.dump({**versions, "results": results, "checked": checked}, file, indent=0, ensure_ascii=False)
