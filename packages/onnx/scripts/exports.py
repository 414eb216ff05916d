"""Checks the exports that exports.ts wrote, runs them in onnxruntime and writes what comes out. See there."""

import json
import os
import sys

import numpy as np
import onnx
import onnxruntime

folder, target = sys.argv[1:]
results = {}
for case in json.load(open(os.path.join(folder, "cases.json"))):
    x = np.array(case["data"], dtype=case["dtype"]).reshape(case["shape"])
    outputs = []
    for file in case["files"]:
        path = os.path.join(folder, file)
        model = onnx.load(path)
        onnx.checker.check_model(model, full_check=True)
        inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        (y,) = session.run(None, {"x": x})
        declared = [d.dim_value or None for d in inferred.graph.output[0].type.tensor_type.shape.dim]
        assert len(declared) == y.ndim and all(a in (None, b) for a, b in zip(declared, y.shape)), case["name"]
        outputs.append(y)
        # An open batch takes any number of examples.
        if session.get_inputs()[0].shape[0] == "batch":
            twice = session.run(None, {"x": np.concatenate([x, x])})[0]
            if "without statistics" not in case["name"]:
                assert np.allclose(twice[: len(x)], y, atol=1e-5), case["name"]
    spread = max(float(np.abs(a - outputs[0]).max()) for a in outputs)
    assert spread < 1e-5, (case["name"], spread)
    results[case["name"]] = {"shape": outputs[1].shape, "data": [round(float(v), 8) for v in outputs[1].ravel()]}
    print(case["name"], outputs[1].shape)
with open(target, "w") as file:
    json.dump({"onnx": onnx.__version__, "onnxruntime": onnxruntime.__version__, "results": results}, file)
