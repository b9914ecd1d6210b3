"""Time and peak memory of post-training conversion against onnxruntime's quantizer on the same file.

usage: conversion.py SNUG MODEL [ROUNDS] [OPTION ...]

Both quantize MODEL, an image network with one input, to W8A8 from the same 8 random samples and take turns, each in a
process of its own: `snug convert` at P = 24 with the given options, and `onnxruntime.quantization.quantize_static` with
a scale a channel. Prints wall-clock and processor seconds, the peak of resident memory, and the ratio of the medians.
"""

import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnx

PEER = """
import sys
import numpy as np
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
class Reader(CalibrationDataReader):
    def __init__(self):
        self.samples = iter(np.load(sys.argv[3]))
    def get_next(self):
        sample = next(self.samples, None)
        return None if sample is None else {sys.argv[4]: sample[None]}
quantize_static(sys.argv[1], sys.argv[2], Reader(), quant_format=QuantFormat.QDQ, per_channel=True,
                activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8)
"""


def measure(command):
    """Wall-clock seconds, processor seconds and peak bytes of a process that has to succeed."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{command[0]} failed: {errors.decode()[-500:]}")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def main():
    snug, model = sys.argv[1:3]
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 3
    graph = onnx.load(model, load_external_data=False).graph
    constants = {tensor.name for tensor in graph.initializer}
    value = next(value for value in graph.input if value.name not in constants)
    shape = [d.dim_value for d in value.type.tensor_type.shape.dim[1:]]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        data = folder / "samples.npy"
        np.save(data, np.random.default_rng(0).standard_normal((8, *shape), dtype=np.float32))
        commands = {
            "snug convert": [
                snug, "convert", model, "-o", str(folder / "snug.onnx"), "--data", str(data), "--quiet",
                "--weight-bits", "8", "--activation-bits", "8", "--accumulator-bits", "24", *sys.argv[4:]],
            "quantize_static": [
                sys.executable, "-W", "ignore", "-c", PEER, model, str(folder / "peer.onnx"), str(data), value.name],
        }
        results = {name: [] for name in commands}
        for _ in range(rounds):
            for name, command in commands.items():
                results[name].append(measure(command))
    medians = {name: [statistics.median(column) for column in zip(*rows)] for name, rows in results.items()}
    print("| | seconds | least | processor seconds | peak MB |\n| --- | --- | --- | --- | --- |")
    for name, (wall, cpu, memory) in medians.items():
        least = min(row[0] for row in results[name])
        print(f"| {name} | {wall:.2f} | {least:.2f} | {cpu:.2f} | {memory / 1e6:.0f} |")
    ours, peer = medians["snug convert"], medians["quantize_static"]
    print(f"| ratio | {peer[0] / ours[0]:.2f} | | {peer[1] / ours[1]:.2f} | {ours[2] / peer[2]:.2f} of it |")


if __name__ == "__main__":
    main()
