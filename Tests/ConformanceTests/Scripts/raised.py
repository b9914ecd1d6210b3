"""Runs models in onnxruntime on recorded inputs and compares with the recorded outputs.

usage: raised.py LIST, whose lines are MODEL FOLDER
"""
import os
import sys

import numpy
import onnx
import onnxruntime
from onnx import numpy_helper


def tensor(path):
    with open(path, "rb") as file:
        return numpy_helper.to_array(onnx.TensorProto.FromString(file.read()))


def outputs(path, folder):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    feed = {
        value.name: tensor(os.path.join(folder, f"input_{index}.pb"))
        for index, value in enumerate(session.get_inputs())
    }
    return session.run(None, feed)


def mismatch(found, expected):
    for index, (actual, wanted) in enumerate(zip(found, expected)):
        if actual.shape != wanted.shape or actual.dtype != wanted.dtype:
            return f"output {index}: {actual.dtype} {actual.shape}"
        if wanted.dtype.kind in "fc":
            scale = numpy.abs(wanted[numpy.isfinite(wanted)]).max(initial=0)
            if not numpy.allclose(actual, wanted, rtol=1e-3, atol=1e-5 * scale, equal_nan=True):
                return f"output {index} differs"
        elif not numpy.array_equal(actual, wanted):
            return f"output {index} differs"
    return None


def difference(path, folder):
    """What is wrong with a model; None where its outputs are the recorded ones."""
    onnx.checker.check_model(path, full_check=True)
    found = outputs(path, folder)
    recorded = [tensor(os.path.join(folder, f"output_{index}.pb")) for index in range(len(found))]
    problem = mismatch(found, recorded)
    if problem is None:
        return None
    # Processors without VNNI saturate pairs of 8-bit products (docs/registers.md), in the original model as in this one.
    original = outputs(os.path.join(folder, "model.onnx"), folder)
    saturates = mismatch(original, recorded) is not None
    return None if saturates and mismatch(found, original) is None else problem


onnxruntime.set_default_logger_severity(4)
agreeing = 0
with open(sys.argv[1]) as lines:
    for line in lines:
        path, folder = line.split()
        try:
            problem = difference(path, folder)
        except Exception as error:
            problem = str(error).splitlines()[0]
        if problem is None:
            agreeing += 1
        else:
            print(f"{'/'.join(folder.split('/')[-2:])}: {problem}", file=sys.stderr)
print(f"{agreeing} models agree")
sys.exit(0 if agreeing else 1)
