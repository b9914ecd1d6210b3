"""make_models.py FOLDER: writes small float models, one trait each, and models.json about them."""

import json
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

folder = sys.argv[1]
random = np.random.default_rng(7)
models = []
SHAPE = [4, 6, 6]


def tensor(name, values):
    return numpy_helper.from_array(np.array(values, order="C"), name)


def weight(name, *shape):
    values = random.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))
    return tensor(name, values.astype(np.float32))


def node(kind, inputs, output, **attributes):
    attributes.setdefault("name", f"{output}_node")
    return helper.make_node(kind, inputs.split(), [output], **attributes)


def model(name, nodes, constants, shape=SHAPE, out=("N", 3), batch="N", dtype=TensorProto.FLOAT,
          opset=13, ir=8, extra=(), inputs=(), **info):  # fmt: skip
    graph = helper.make_graph(
        nodes, name,
        [helper.make_tensor_value_info("x", dtype, [batch] + shape), *inputs],
        [helper.make_tensor_value_info("y", dtype, out)]
        + [helper.make_tensor_value_info(n, dtype, s) for n, s in extra], constants)  # fmt: skip
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir)
    onnx.checker.check_model(made, full_check=True)
    onnx.save(made, f"{folder}/{name}.onnx", **info)
    models.append({"name": name, "shape": shape, "is_batch_fixed": batch != "N"})


def net():
    """x -> conv -> relu -> conv -> relu -> flatten -> fully connected."""
    nodes = [
        node("Conv", "x w1 b1", "c1", pads=[1, 1, 1, 1]), node("Relu", "c1", "r1"),
        node("Conv", "r1 w2", "c2", pads=[1, 1, 1, 1]), node("Relu", "c2", "r2"),
        node("Flatten", "r2", "f"), node("Gemm", "f w3 b3", "y", transB=1),
    ]  # fmt: skip
    return nodes, [weight("w1", 8, 4, 3, 3), weight("b1", 8), weight("w2", 5, 8, 3, 3),
                   weight("w3", 3, 180), weight("b3", 3)]  # fmt: skip


def converted(constants, change):
    return [tensor(c.name, change(numpy_helper.to_array(c))) for c in constants]


# Element types, each with a twin of the same values in float32.
nodes, constants = net()
halves = converted(constants, lambda a: a.astype(np.float16))
model("float16", nodes, halves, dtype=TensorProto.FLOAT16)
model("float16-twin", nodes, converted(halves, lambda a: a.astype(np.float32)))
nodes, constants = net()
model("double", nodes, converted(constants, lambda a: a.astype(np.float64)), dtype=TensorProto.DOUBLE)
model("double-twin", nodes, constants)
nodes, constants = net()
cut = converted(constants, lambda a: (a.view(np.uint32) & 0xFFFF0000).view(np.float32))
casts = [node("Cast", f"{c.name}_16", c.name, to=TensorProto.FLOAT) for c in cut]
brief = [helper.make_tensor(f"{c.name}_16", TensorProto.BFLOAT16, c.dims, raw=True, vals=(
    numpy_helper.to_array(c).view(np.uint32) >> 16).astype(np.uint16).tobytes()) for c in cut]  # fmt: skip
model("bfloat16", casts + nodes, brief)
model("bfloat16-twin", nodes, cut)

# A batch of 1 in the graph's inputs and in the target of a Reshape.
nodes, constants = net()
nodes[4] = node("Reshape", "r2 target", "f")
model("fixed-batch", nodes, constants + [tensor("target", np.array([1, 180]))], batch=1, out=(1, 3))
nodes, constants = net()
nodes[4] = node("Reshape", "r2 target", "f")
model("open-reshape", nodes, constants + [tensor("target", np.array([-1, 180]))])

# Initializers as the file format allows them.
nodes, constants = net()
as_inputs = [helper.make_tensor_value_info(c.name, TensorProto.FLOAT, c.dims) for c in constants]
model("initializers-as-inputs", nodes, constants, ir=3, opset=8, inputs=as_inputs)
nodes, constants = net()
held = [helper.make_node("Constant", [], [c.name], value=c, name=f"{c.name}_node") for c in constants]
model("constant-nodes", held + nodes, [])
nodes, constants = net()
model("external-data", nodes, constants, save_as_external_data=True, location="external.data",
      size_threshold=64)  # fmt: skip
nodes, constants = net()
model("newer-format", nodes, constants, opset=21, ir=10)

# Names that the conversion would give, and none at all.
nodes, constants = net()
names = {"c1": "zero_point", "r1": "bit_width_4", "w2": "x_scale", "c2": "x_quantized",
         "r2": "w1_quantizer", "f": "w1_scale", "w3": "bit_width_8"}  # fmt: skip
for n in nodes:
    n.input[:] = [names.get(i, i) for i in n.input]
    n.output[:] = [names.get(o, o) for o in n.output]
    n.name = ""
for c in constants:
    c.name = names.get(c.name, c.name)
model("taken-names", nodes, constants)

# Weights: one for two layers, zero and constant channels, channels of one weight, other layouts.
nodes, constants = net()
nodes[2:4] = [
    node("Conv", "r1 w2", "c2", pads=[1, 1, 1, 1]), node("Relu", "c2", "r2a"),
    node("Conv", "r2a w2", "c3", pads=[1, 1, 1, 1]), node("Relu", "c3", "r2"),
]  # fmt: skip
constants[2], constants[3] = weight("w2", 8, 8, 3, 3), weight("w3", 3, 288)
model("shared-weight", nodes, constants)
nodes, constants = net()
values = numpy_helper.to_array(constants[2]).copy()
values[0], values[1] = 0, 0.25
constants[2] = tensor("w2", values)
model("degenerate-channels", nodes, constants)
nodes, constants = net()
nodes[2] = node("Conv", "r1 w2", "c2", group=8)
constants[2], constants[3] = weight("w2", 8, 1, 1, 1), weight("w3", 3, 288)
model("one-weight-channels", nodes, constants)
nodes, constants = net()
nodes[5] = node("Gemm", "f w3 b3", "y", alpha=0.5, beta=2.0)
constants[3] = weight("w3", 180, 3)
model("gemm-factors", nodes, constants)
model("sequences", [
    node("Conv", "x w1", "c1", pads=[1, 1], strides=[2]), node("Relu", "c1", "r1"),
    node("Transpose", "r1", "t", perm=[0, 2, 1]), node("MatMul", "t w2", "m"),
    node("Add", "m b2", "a"), node("Sigmoid", "a", "s"), node("MatMul", "s w3", "y"),
], [weight("w1", 8, 4, 3), weight("w2", 8, 6), weight("b2", 6), weight("w3", 6, 3)],
    shape=[4, 12], out=("N", 6, 3))  # fmt: skip

# Structure: transposed and grouped convolutions, concatenation, pooling, clips, inner outputs.
model("upsampling", [
    node("Conv", "x w1", "c1", pads=[1, 1, 1, 1]), node("Relu", "c1", "r1"),
    node("ConvTranspose", "r1 w2 b2", "c2", strides=[2, 2], group=2), node("Relu", "c2", "r2"),
    node("ConvTranspose", "r2 w3", "c3", strides=[2, 2]), node("Relu", "c3", "r3"),
    node("Conv", "r3 w4", "y"),
], [weight("w1", 8, 4, 3, 3), weight("w2", 8, 3, 2, 2), weight("b2", 6), weight("w3", 6, 4, 2, 2),
    weight("w4", 3, 4, 1, 1)], out=("N", 3, 24, 24))  # fmt: skip
model("branches", [
    node("Conv", "x w1", "c1", pads=[1, 1, 1, 1]), node("Clip", "c1 zero six", "r1"),
    node("Conv", "r1 w2", "c2", pads=[1, 1, 1, 1], group=8), node("LeakyRelu", "c2", "r2"),
    node("Concat", "r1 r2", "k", axis=1), node("AveragePool", "k", "p", kernel_shape=[2, 2], strides=[2, 2]),
    node("Conv", "p w3", "c3"), node("MaxPool", "r1", "q", kernel_shape=[2, 2], strides=[2, 2]),
    node("Add", "c3 q", "s"), node("Relu", "s", "r3"), node("GlobalAveragePool", "r3", "g"),
    node("Flatten", "g", "f"), node("Gemm", "f w4", "y"),
], [weight("w1", 8, 4, 3, 3), weight("w2", 8, 1, 3, 3), weight("w3", 8, 16, 1, 1), weight("w4", 8, 3),
    tensor("zero", np.float32(0)), tensor("six", np.float32(6))])  # fmt: skip
nodes, constants = net()
model("inner-outputs", nodes, constants, extra=[("r1", ("N", 8, 6, 6)), ("c2", ("N", 5, 6, 6))])
model("normalisation", [
    node("Conv", "x w1", "c1", pads=[1, 1, 1, 1]),
    node("BatchNormalization", "c1 g1 b1 m1 v1", "n1"), node("Relu", "n1", "r1"),
    node("Conv", "r1 w2", "c2"), node("BatchNormalization", "c2 g2 b2 m2 v2", "n2"),
    node("Relu", "n2", "r2"), node("GlobalAveragePool", "r2", "p"), node("Flatten", "p", "f"),
    node("MatMul", "f w3", "y"),
], [weight("w1", 8, 4, 3, 3), weight("w2", 8, 8, 3, 3), weight("w3", 8, 3)] + [
    tensor(f"{n}{i}", (random.random(8) + (n in "gv") * 0.5).astype(np.float32))
    for n in "gbmv" for i in (1, 2)])  # fmt: skip

# What exporters write around the layers.
nodes, constants = net()
halves = converted(constants, lambda a: a.astype(np.float16))
nodes[0].input[0], nodes[5].output[0] = "x16", "y16"
model("half-inside", [node("Cast", "x", "x16", to=TensorProto.FLOAT16), *nodes,
                      node("Cast", "y16", "y", to=TensorProto.FLOAT)], halves)  # fmt: skip
nodes, constants = net()
nodes[4:5] = [
    node("Shape", "r2", "s"), node("Gather", "s first", "n", axis=0),
    node("Unsqueeze", "n axes", "n1"), node("Concat", "n1 rest", "target", axis=0),
    node("Reshape", "r2 target", "f"),
]  # fmt: skip
model("computed-shape", nodes, constants + [
    tensor("first", np.int64(0)), tensor("axes", np.array([0])), tensor("rest", np.array([-1]))])
nodes, constants = net()
whole = [np.rint(numpy_helper.to_array(c) * 100).astype(np.int8) for c in (constants[2], constants[3])]
steps = np.linspace(0.005, 0.02, 5, dtype=np.float32)
model("dequantized-weights", [
    node("DequantizeLinear", "w2i steps", "w2", axis=0), node("DequantizeLinear", "w3i step", "w3"),
    *nodes,
], constants[:2] + constants[4:] + [
    tensor("w2i", whole[0]), tensor("w3i", whole[1]), tensor("steps", steps),
    tensor("step", np.float32(0.01))])  # fmt: skip
model("left-weight", [
    node("MatMul", "w1 x", "a"), node("Relu", "a", "r"), node("MatMul", "w2 r", "b"),
    node("Relu", "b", "q"), node("MatMul", "w3 q", "y"),
], [weight("w1", 8, 6), weight("w2", 7, 8), weight("w3", 5, 7)], shape=[6, 4], out=("N", 5, 4))
model("residual-input", [
    node("Conv", "x w1", "c1", pads=[1, 1, 1, 1]), node("Add", "c1 x", "a"), node("Relu", "a", "r1"),
    node("Conv", "r1 w2", "c2", pads=[1, 1, 1, 1]), node("Add", "r1 c2", "b"),
    node("Flatten", "b", "f"), node("MatMul", "f w3", "y"),
], [weight("w1", 4, 4, 3, 3), weight("w2", 4, 4, 3, 3), weight("w3", 144, 3)])  # fmt: skip

# Recurrent layers, whose steps become layers: samples come first in the model, steps in the operator.
model("lstm", [
    node("Transpose", "x", "t", perm=[1, 0, 2]),
    helper.make_node("LSTM", ["t", "w1", "r1", "b1"], ["", "h"], name="lstm", hidden_size=8),
    node("Squeeze", "h axis", "f"), node("MatMul", "f w2", "y"),
], [weight("w1", 1, 32, 6), weight("r1", 1, 32, 8), weight("b1", 1, 64), weight("w2", 8, 3),
    tensor("axis", np.array([0]))], shape=[5, 6])  # fmt: skip
model("gru-both-ways", [
    node("Transpose", "x", "t", perm=[1, 0, 2]),
    helper.make_node("GRU", ["t", "w1", "r1", "b1"], ["s"], name="gru", hidden_size=8,
                     direction="bidirectional", linear_before_reset=1),
    node("Transpose", "s", "u", perm=[2, 0, 1, 3]), node("Reshape", "u flat", "f"),
    node("MatMul", "f w2", "y"),
], [weight("w1", 2, 24, 6), weight("r1", 2, 24, 8), weight("b1", 2, 48), weight("w2", 64, 3),
    tensor("flat", np.array([-1, 64]))], shape=[4, 6])  # fmt: skip

# What onnxruntime's default session takes for products of real numbers, or for a Gemm with a bias, where quantizers and
# additions stand as the exporter of the float model has put them.
model("moved-operands", [
    node("Flatten", "x", "f"), node("MatMul", "f w1", "m1"), node("Add", "m1 b1", "a1"), node("Relu", "a1", "r1"),
    helper.make_node("Split", ["r1", "halves"], ["s1", "s2"], name="split", axis=1),
    node("Concat", "s2 s1", "k", axis=1), node("MatMul", "k w2", "m2"), node("Add", "b2 m2", "a2"),
    node("Relu", "a2", "r2"), node("Reshape", "r2 wide", "u"), node("MatMul", "u w3", "m3"),
    node("Add", "m3 b3", "y"),
], [weight("w1", 24, 32), weight("b1", 32), weight("w2", 32, 24), weight("b2", 24), weight("w3", 8, 5),
    weight("b3", 5), tensor("halves", np.array([12, 20])), tensor("wide", np.array([-1, 3, 8]))],
    shape=[4, 6], out=("N", 3, 5))  # fmt: skip

with open(f"{folder}/models.json", "w") as file:
    json.dump(models, file)
