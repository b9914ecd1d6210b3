"""hls4ml_flow.py SNUG: power-of-two exports of a small MLP and a small convolutional net through hls4ml.

SNUG is the executable. Needs hls4ml and qonnx in an environment of its own, and a C++ compiler. Prints one
JSON object a net: how far it got, and how far hls4ml's C simulation lies from `snug run`.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import traceback
import warnings

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

warnings.filterwarnings("ignore")
F = np.float32


def model(nodes, shapes, x, y):
    rng = np.random.default_rng(7)
    held = [numpy_helper.from_array((rng.standard_normal(s) * 0.4).astype(F), n)
            for n, s in shapes.items()]  # fmt: skip
    graph = helper.make_graph(
        nodes, "net", [helper.make_tensor_value_info("x", TensorProto.FLOAT, x)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, y)], held)  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def mlp():
    return model(
        [helper.make_node("MatMul", ["x", "w1"], ["a"], name="fc1"),
         helper.make_node("Relu", ["a"], ["b"], name="relu1"),
         helper.make_node("MatMul", ["b", "w2"], ["c"], name="fc2"),
         helper.make_node("Relu", ["c"], ["d"], name="relu2"),
         helper.make_node("MatMul", ["d", "w3"], ["y"], name="fc3")],
        {"w1": (16, 24), "w2": (24, 24), "w3": (24, 5)}, [1, 16], [1, 5])  # fmt: skip


def convolutional():
    return model(
        [helper.make_node("Conv", ["x", "k1"], ["a"], name="conv1", kernel_shape=[3, 3], strides=[1, 1], pads=[0, 0, 0, 0]),
         helper.make_node("Relu", ["a"], ["b"], name="relu1"),
         helper.make_node("Conv", ["b", "k2"], ["c"], name="conv2", kernel_shape=[3, 3], strides=[1, 1], pads=[0, 0, 0, 0]),
         helper.make_node("Relu", ["c"], ["d"], name="relu2"),
         helper.make_node("Conv", ["d", "k3"], ["y"], name="conv3", kernel_shape=[1, 1], strides=[1, 1], pads=[0, 0, 0, 0])],
        {"k1": (6, 2, 3, 3), "k2": (8, 6, 3, 3), "k3": (4, 8, 1, 1)}, [1, 2, 8, 8],
        [1, 4, 4, 4])  # fmt: skip


def through(name, net, snug, folder):
    result = {"net": name, "reached": "nothing", "error": None}
    shape = [d.dim_value for d in net.graph.input[0].type.tensor_type.shape.dim]
    rng = np.random.default_rng(3)
    data = rng.standard_normal([32] + shape[1:]).astype(F)
    np.save(folder / "data.npy", data)
    onnx.save(net, folder / f"{name}.onnx")
    exported = folder / f"{name}-w4a4.onnx"
    subprocess.run([snug, "convert", folder / f"{name}.onnx", "-o", exported, "--data",
                    folder / "data.npy", "--scale-type", "power-of-two", "--accumulator-bits",
                    "12", "--bias-correction", "off", "--quiet"], check=True, stdout=subprocess.DEVNULL)  # fmt: skip
    result["reached"] = "snug convert"
    expected = []
    for sample in data[:8]:
        np.save(folder / "sample.npy", sample[None])
        subprocess.run([snug, "run", exported, "--input", f"x={folder / 'sample.npy'}",
                        "--output-dir", folder, "--quiet"], check=True,
                       stdout=subprocess.DEVNULL)  # fmt: skip
        expected.append(np.load(folder / "y.npy")[0])
    try:
        import hls4ml
        from qonnx.core.modelwrapper import ModelWrapper
        from qonnx.transformation.channels_last import ConvertToChannelsLastAndClean
        from qonnx.transformation.gemm_to_matmul import GemmToMatMul
        from qonnx.util.cleanup import cleanup_model

        wrapped = cleanup_model(ModelWrapper(str(exported)))
        if len(shape) == 4:
            wrapped = wrapped.transform(ConvertToChannelsLastAndClean(make_input_channels_last=True))
        wrapped = cleanup_model(wrapped.transform(GemmToMatMul()))
        result["reached"] = "qonnx clean-up"
        config = hls4ml.utils.config.config_from_onnx_model(
            wrapped, granularity="name", backend="Vivado", default_precision="fixed<32,16>")
        project = hls4ml.converters.convert_from_onnx_model(
            wrapped, output_dir=str(folder / f"hls-{name}"), backend="Vivado", hls_config=config)
        result["reached"] = "conversion"
        project.compile()
        result["reached"] = "compile"
        x = data[:8] if len(shape) == 2 else data[:8].transpose(0, 2, 3, 1)
        y = np.asarray(project.predict(np.ascontiguousarray(x))).reshape(8, -1)
        wanted = np.stack(expected)
        if len(shape) == 4:
            wanted = wanted.transpose(0, 2, 3, 1)
        wanted = wanted.reshape(8, -1)
        result["reached"] = "C simulation"
        result["largest"] = float(np.abs(wanted).max())
        result["deviation"] = float(np.abs(y - wanted).max())
        result["equal"] = int((y == wanted).sum())
        result["outputs"] = int(y.size)
    except Exception:
        text = traceback.format_exc()
        print(text, file=sys.stderr)
        result["error"] = text.strip().splitlines()[-1][:300]
    return result


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        for name, net in (("mlp", mlp()), ("convolutional", convolutional())):
            print(json.dumps(through(name, net, sys.argv[1], pathlib.Path(folder)), indent=1),
                  flush=True)  # fmt: skip
