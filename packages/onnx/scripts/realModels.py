"""Runs the models that PyPI packages ship in onnxruntime, and writes inputs and outputs for realModels.ts.

    pip install onnx==1.23.2 onnxruntime==1.32.0 numpy
    pip download --no-deps silero-vad==6.2.3 rapidocr-onnxruntime==1.4.4 magika==1.0.3   # and unpack the wheels
    python packages/onnx/scripts/realModels.py FOLDER cases.json
    npm run ts -- packages/onnx/scripts/realModels.ts cases.json
"""

import glob
import json
import os
import sys

import numpy as np
import onnx
import onnxruntime

folder, target = sys.argv[1:]
light = os.path.join(os.path.dirname(onnx.__file__), "backend", "test", "data", "light", "light_*.onnx")
files = sorted(glob.glob(os.path.join(folder, "**", "*.onnx"), recursive=True)) + sorted(glob.glob(light))
rng = np.random.default_rng(0)


def shape_of(name, value):
    """Sizes for those that the models leave open."""
    for part, shape in (("_det_", [1, 3, 64, 96]), ("_rec_", [1, 3, 48, 96]), ("_cls_", [1, 3, 48, 192])):
        if part in name:
            return shape
    if "silero" in name and value.name in ("input", "state", "sr"):
        return {"input": [1, 576], "state": [2, 1, 128], "sr": []}[value.name]
    return [d if isinstance(d, int) and d > 0 else 1 for d in value.shape]


cases = []
for file in files:
    if os.path.getsize(file) < 4000:
        continue
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    feeds = {}
    for value in session.get_inputs():
        shape = shape_of(os.path.basename(file), value)
        if value.name == "sr":
            feeds[value.name] = np.array(16000, dtype=np.int64)
        elif "int" in value.type:
            feeds[value.name] = rng.integers(0, 200, shape).astype(np.int64 if "64" in value.type else np.int32)
        else:
            feeds[value.name] = (rng.standard_normal(shape) * 0.3).astype(np.float32)
    outputs = session.run(None, feeds)
    cases.append(
        {
            "file": os.path.abspath(file),
            "inputs": {
                name: {
                    "shape": list(x.shape),
                    "dtype": "int32" if x.dtype.kind == "i" else "float32",
                    "data": x.ravel().tolist(),
                }
                for name, x in feeds.items()
            },
            "outputs": [{"shape": list(y.shape), "data": y.astype(float).ravel().tolist()} for y in outputs],
        }
    )
with open(target, "w") as out:
    json.dump(cases, out)
