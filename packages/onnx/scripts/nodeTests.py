"""Writes fixtures/nodeTests.bin.gz: the backend tests of the onnx package whose inputs and outputs are tensors.

    pip install onnx==1.23.2 numpy
    python packages/onnx/scripts/nodeTests.py packages/onnx/fixtures/nodeTests.bin.gz

After gzip: the length of a header (uint32, little-endian), the header as JSON, then the parts that it points to by offset and
length. Models are ModelProto, inputs and outputs TensorProto. Equal parts are written once. The tests, Apache-2.0, are
those of the onnx project.
"""

import glob
import gzip
import json
import os
import struct
import sys

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper
from onnx.backend.test.case.node import collect_testcases
from onnx.backend.test.loader import load_model_tests

TYPES = {
    TensorProto.FLOAT,
    TensorProto.DOUBLE,
    TensorProto.INT32,
    TensorProto.INT64,
    TensorProto.UINT32,
    TensorProto.UINT8,
    TensorProto.BOOL,
}
LARGEST = 200_000

blobs = bytearray()
known: dict[bytes, list[int]] = {}
cases = []
left_out: dict[str, str] = {}


def blob(data: bytes) -> list[int]:
    if data not in known:
        known[data] = [len(blobs), len(data)]
        blobs.extend(data)
    return known[data]


def reason_against(protos) -> str | None:
    for proto in protos:
        if proto is None:
            return "a sequence, an optional or nothing is fed or comes out"
        if proto.data_type not in TYPES:
            return f"{TensorProto.DataType.Name(proto.data_type).lower()} is fed or comes out"
    return None


def tensor_of(value):
    if isinstance(value, TensorProto):
        return value
    if isinstance(value, np.ndarray) or np.isscalar(value):
        array = np.asarray(value)
        if array.dtype == object or array.dtype.kind in "US":
            return onnx.helper.make_tensor("", TensorProto.STRING, [], [b""])
        return numpy_helper.from_array(array)
    return None


def add(name, kind, model, sets, rtol, atol):
    protos = [p for inputs, outputs in sets for p in (*inputs, *outputs)]
    reason = reason_against(protos)
    size = model.ByteSize() + sum(p.ByteSize() for p in protos if p is not None)
    if reason is None and size > LARGEST:
        reason = "large"
    if reason is not None:
        left_out[name] = reason
        return
    model.doc_string = ""
    cases.append(
        {
            "name": name,
            "kind": kind,
            "model": blob(model.SerializeToString()),
            "sets": [
                {side: [blob(p.SerializeToString()) for p in part] for side, part in zip(("inputs", "outputs"), one)}
                for one in sets
            ],
            "rtol": rtol,
            "atol": atol,
        }
    )


def read(path):
    proto = TensorProto()
    with open(path, "rb") as file:
        data = file.read()
    try:
        proto.ParseFromString(data)
        return proto if proto.data_type else None
    except Exception:
        return None


for case in collect_testcases():
    # Values of inputs that stand for "none" are left out of feeds by the runners, too.
    sets = [([tensor_of(x) for x in ins], [tensor_of(y) for y in outs]) for ins, outs in case.data_sets]
    add(case.name, "node", case.model, sets, case.rtol, case.atol)

for kind in ("pytorch-converted", "pytorch-operator", "simple"):
    for case in sorted(load_model_tests(kind=kind), key=lambda c: c.name):
        if kind == "simple" and case.model_dir is None:
            continue
        model = onnx.load(os.path.join(case.model_dir, "model.onnx"))
        sets = []
        for folder in sorted(glob.glob(os.path.join(case.model_dir, "test_data_set_*"))):
            count = len(glob.glob(os.path.join(folder, "input_*.pb")))
            outs = len(glob.glob(os.path.join(folder, "output_*.pb")))
            sets.append(
                (
                    [read(os.path.join(folder, f"input_{i}.pb")) for i in range(count)],
                    [read(os.path.join(folder, f"output_{i}.pb")) for i in range(outs)],
                )
            )
        add(case.name, kind, model, sets, case.rtol, case.atol)

header = json.dumps({"onnx": onnx.__version__, "cases": cases, "leftOut": left_out}, separators=(",", ":")).encode()
with open(sys.argv[1], "wb") as file:
    file.write(gzip.compress(struct.pack("<I", len(header)) + header + bytes(blobs), 9, mtime=0))

from collections import Counter

print(len(cases), Counter(c["kind"] for c in cases), len(blobs))
print(Counter(left_out.values()))
