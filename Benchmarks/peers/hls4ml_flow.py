"""hls4ml_flow.py SNUG [NET...]: exports of small nets through hls4ml, its C simulation against `snug run`.

SNUG is the executable. Each net is converted with `--scale-type power-of-two`, those with biases also with `--bias-bits`
(NAME-bias), and exported with `--format hls4ml`; hls4ml converts it and compiles its C simulation with the system's C++
compiler. Prints a Markdown table: how far each net got, and outputs that equal those of `snug run` bit for bit. Needs
hls4ml and qonnx in an environment of its own.
"""

import contextlib
import io
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
SAMPLES = 64
# Wide enough for every sum, so that nothing but the quantizers rounds.
PRECISION = "fixed<48,24>"


def model(nodes, tensors, x, y):
    graph = helper.make_graph(
        nodes, "net", [helper.make_tensor_value_info("x", TensorProto.FLOAT, x)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, y)],
        [numpy_helper.from_array(t.astype(F), n) for n, t in tensors.items()])  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def drawn(shapes):
    rng = np.random.default_rng(7)
    return {n: rng.standard_normal(s) * (0.4 if len(s) > 1 else 0.1) for n, s in shapes.items()}


def node(op, inputs, output, **attributes):
    return helper.make_node(op, inputs.split(), [output], name=f"{op.lower()}_{output}", **attributes)


def mlp():
    """Gemm with its weight transposed and a bias, as PyTorch writes linear layers, and MatMul."""
    return model(
        [node("Gemm", "x w1 b1", "a", transB=1), node("Relu", "a", "b"),
         node("MatMul", "b w2", "c"), node("Relu", "c", "d"),
         node("Gemm", "d w3 b3", "y", transB=1)],
        drawn({"w1": (24, 16), "b1": (24,), "w2": (24, 24), "w3": (5, 24), "b3": (5,)}),
        [1, 16], [1, 5])  # fmt: skip


def convolutional():
    """Convolutions with and without bias and padding, maximum pooling, and a linear layer."""
    return model(
        [node("Conv", "x k1 b1", "a", pads=[1, 1, 1, 1]), node("Relu", "a", "b"),
         node("MaxPool", "b", "c", kernel_shape=[2, 2], strides=[2, 2]),
         node("Conv", "c k2", "d", kernel_shape=[3, 3]), node("Relu", "d", "e"),
         node("Flatten", "e", "f"), node("Gemm", "f w3 b3", "y", transB=1)],
        drawn({"k1": (6, 2, 3, 3), "b1": (6,), "k2": (8, 6, 3, 3), "w3": (4, 32), "b3": (4,)}),
        [1, 2, 8, 8], [1, 4])  # fmt: skip


def normalized():
    """Batch normalisation kept behind convolutions."""
    rng = np.random.default_rng(5)
    tensors = drawn({"k1": (6, 2, 3, 3), "k2": (4, 6, 1, 1)})
    for channels, i in ((6, 1), (4, 2)):
        tensors |= {f"g{i}": rng.uniform(0.5, 1.5, channels), f"h{i}": rng.normal(0, 0.2, channels),
                    f"m{i}": rng.normal(0, 0.2, channels), f"v{i}": rng.uniform(0.5, 1.5, channels)}  # fmt: skip
    return model(
        [node("Conv", "x k1", "a"), node("BatchNormalization", "a g1 h1 m1 v1", "b"),
         node("Relu", "b", "c"), node("Conv", "c k2", "d"),
         node("BatchNormalization", "d g2 h2 m2 v2", "y")],
        tensors, [1, 2, 6, 6], [1, 4, 4, 4])  # fmt: skip


BIAS = ("--bias-bits", "12")
NETS = {
    "mlp": (mlp, ()), "mlp-bias": (mlp, BIAS), "convolutional": (convolutional, ()),
    "convolutional-bias": (convolutional, BIAS), "normalized": (normalized, ()),
}  # fmt: skip


def command(*arguments):
    subprocess.run([str(a) for a in arguments] + ["--quiet"], check=True, stdout=subprocess.DEVNULL)


def simulate(path, folder, samples):
    """hls4ml's outputs, after the clean-up that its documentation asks for."""
    import hls4ml
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.util.cleanup import cleanup_model

    yield "qonnx clean-up", None
    wrapped = cleanup_model(ModelWrapper(str(path)))
    yield "conversion", None
    config = hls4ml.utils.config.config_from_onnx_model(
        wrapped, granularity="name", backend="Vivado", default_precision=PRECISION)
    project = hls4ml.converters.convert_from_onnx_model(
        wrapped, output_dir=str(folder / "project"), backend="Vivado", hls_config=config)
    yield "compilation", None
    project.compile()
    yield "C simulation", np.asarray(project.predict(np.ascontiguousarray(samples)))


def through(name, snug, folder):
    build, options = NETS[name]
    net = build()
    shape = [d.dim_value for d in net.graph.input[0].type.tensor_type.shape.dim]
    data = np.random.default_rng(3).standard_normal([SAMPLES, *shape[1:]]).astype(F)
    np.save(folder / "data.npy", data)
    onnx.save(net, folder / "float.onnx")
    quantized, exported = folder / "quantized.onnx", folder / "hls4ml.onnx"
    command(snug, "convert", folder / "float.onnx", "-o", quantized, "--data", folder / "data.npy",
            "--scale-type", "power-of-two", "--accumulator-bits", "12", *options)  # fmt: skip
    command(snug, "export", quantized, "-o", exported, "--format", "hls4ml")
    command(snug, "verify", exported)
    expected = {}
    for file in (quantized, exported):
        outputs = []
        for sample in data:
            value = sample[None]
            if file == exported and value.ndim == 4:
                value = value.transpose(0, 2, 3, 1)
            np.save(folder / "sample.npy", np.ascontiguousarray(value))
            command(snug, "run", file, "--input", f"x={folder / 'sample.npy'}", "--output-dir", folder)
            outputs.append(np.load(folder / "y.npy"))
        expected[file] = np.concatenate(outputs)
    wanted = expected[exported]
    original = expected[quantized]
    if original.ndim == 4:
        original = original.transpose(0, 2, 3, 1)
    assert np.array_equal(original, wanted), "the export computes something else"
    samples = data if data.ndim == 2 else data.transpose(0, 2, 3, 1)
    reached, result, error = "export", None, ""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            for reached, result in simulate(exported, folder, samples):
                pass
    except Exception:
        text = traceback.format_exc()
        print(text, file=sys.stderr)
        error = " (fails)"
    if result is None:
        return f"| {name} | {reached}{error} | | |"
    result = result.reshape(wanted.shape)
    deviation = np.abs(result - wanted).max() / np.abs(wanted).max()
    return f"| {name} | {reached} | {(result == wanted).sum()} of {wanted.size} | {deviation:.1e} |"


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    print("| net | reached | outputs equal to `snug run` | largest deviation |\n| --- | --- | --- | --- |")
    for name in sys.argv[2:] or NETS:
        with tempfile.TemporaryDirectory() as folder:
            print(through(name, sys.argv[1], pathlib.Path(folder)), flush=True)


main()
