"""Start-up and inspection cost of the command, as a user meets them.

usage: command_line.py SNUG

Times `snug --version`, and `snug inspect` of a 100 MB model, a float one and a quantized one, each as a whole
process: median wall-clock time of several runs, and peak resident memory over the file's size. Needs the
Python packages onnx and numpy.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time

LAYERS, WIDTH = 25, 1000  # 25 million float32 weights


def write_model(path, quantized):
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(0)
    nodes, tensors, value = [], [], "x"
    if quantized:
        for name, number in (("scale", 0.01), ("zero", 0), ("bits", 4)):
            tensors.append(numpy_helper.from_array(np.float32(number), name))

    def quant(source, signed):
        attributes = {"signed": signed, "narrow": signed, "rounding_mode": "ROUND"}
        nodes.append(
            helper.make_node(
                "Quant", [source, "scale", "zero", "bits"], [source + "_q"],
                domain="qonnx.custom_op.general", **attributes))
        return source + "_q"

    for index in range(LAYERS):
        weight = rng.integers(-7, 8, (WIDTH, WIDTH)).astype(np.float32) * np.float32(0.01)
        tensors.append(numpy_helper.from_array(weight, f"w{index}"))
        operands = [quant(value, 0), quant(f"w{index}", 1)] if quantized else [value, f"w{index}"]
        nodes.append(helper.make_node("MatMul", operands, [f"m{index}"], f"layer{index}"))
        nodes.append(helper.make_node("Relu", [f"m{index}"], [f"r{index}"]))
        value = f"r{index}"
    shape = ["n", WIDTH]
    graph = helper.make_graph(
        nodes, "mlp", [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(value, TensorProto.FLOAT, shape)], tensors)
    opsets = [helper.make_opsetid("", 13), helper.make_opsetid("qonnx.custom_op.general", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)


def measure(arguments, runs):
    """Median seconds and the greatest peak memory in bytes."""
    seconds, memory = [], 0
    for _ in range(runs):
        start = time.perf_counter()
        process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        seconds.append(time.perf_counter() - start)
        memory = max(memory, usage.ru_maxrss * 1024)
        if os.waitstatus_to_exitcode(status) != 0:
            sys.exit(f"{' '.join(arguments)} failed")
    return statistics.median(seconds), memory


def main():
    if len(sys.argv) == 4 and sys.argv[1] == "--write":
        return write_model(sys.argv[2], sys.argv[3] == "quantized")
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    snug = sys.argv[1]
    print("| command | seconds | peak memory / file |\n| --- | --- | --- |")
    seconds, _ = measure([snug, "--version"], 50)
    print(f"| --version | {seconds:.4f} | - |")
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("float", "quantized"):
            path = os.path.join(folder, kind + ".onnx")
            # A child's peak memory starts from its parent's, so the parent must stay small.
            subprocess.run([sys.executable, __file__, "--write", path, kind], check=True)
            size = os.path.getsize(path)
            seconds, memory = measure([snug, "inspect", path], 5)
            print(f"| inspect, {kind}, {size / 1e6:.0f} MB | {seconds:.3f} | {memory / size:.2f} |")


main()
