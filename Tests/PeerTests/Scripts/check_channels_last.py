"""check_channels_last.py JOBS.json RESULTS.json: runs channels-last exports by qonnx against the QONNX files.

Each job names a QONNX file, an export of it and an input of the QONNX file. Reported: attributes that a convolution
or pooling of the domain lacks, whether qonnx's clean-up takes the file, and the largest deviation of its outputs.
"""

import json
import os
import sys
import warnings

import numpy as np
import onnx
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.util.cleanup import cleanup_model

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
warnings.filterwarnings("ignore")

from export_execution import clear_inferred, with_shapes

DOMAIN = "qonnx.custom_op.channels_last"
WINDOW = {"kernel_shape", "strides", "pads"}
REQUIRED = {"Conv": WINDOW | {"dilations", "group"}, "MaxPool": WINDOW, "BatchNormalization": {"epsilon"}}


def fixed(path):
    """The model with a batch of one in place of symbols."""
    model = onnx.load(path)
    for value in [*model.graph.input, *model.graph.output, *model.graph.value_info]:
        for dim in value.type.tensor_type.shape.dim:
            if not dim.HasField("dim_value"):
                dim.Clear()
                dim.dim_value = 1
    return model


def compare(job):
    model, data = onnx.load(job["qonnx"]), np.load(job["input"])
    held = {i.name for i in model.graph.initializer}
    name = next(i.name for i in model.graph.input if i.name not in held)
    wrapped = clear_inferred(ModelWrapper(with_shapes(model, {name: data})))
    expected = execute_onnx(wrapped, {name: data})

    exported = fixed(job["exported"])
    found = []
    for node in exported.graph.node:
        if node.domain != DOMAIN:
            if node.op_type in REQUIRED and job["all"]:
                found.append(f"{node.name} ({node.op_type}) is not channels last")
            continue
        missing = REQUIRED[node.op_type] - {a.name for a in node.attribute}
        if missing:
            found.append(f"{node.name} has no {sorted(missing)}")
    clean = cleanup_model(ModelWrapper(exported))
    value = clean.graph.input[0]
    shape = [d.dim_value for d in value.type.tensor_type.shape.dim]
    if list(data.shape) != shape:
        data = np.moveaxis(data, 1, -1)
    results = execute_onnx(clean, {value.name: np.ascontiguousarray(data)})
    deviation = 0.0
    for theirs, mine in zip(expected.values(), results.values()):
        if theirs.shape != mine.shape:
            mine = np.moveaxis(mine, -1, 1)
        largest = float(np.abs(theirs).max()) or 1.0
        deviation = max(deviation, float(np.abs(theirs - mine).max()) / largest)
    transposes = sum(n.op_type == "Transpose" for n in exported.graph.node)
    return {"violations": found, "deviation": deviation, "transposes": transposes}


def main():
    with open(sys.argv[1]) as file:
        jobs = json.load(file)
    with open(sys.argv[2], "w") as file:
        json.dump([compare(job) for job in jobs], file)


main()
