"""A builder of small quantized graphs that remembers what each sum of products adds.

Every sum of products is recorded as a `Sum`: which tensors hold its operands, their zero points and the
summands that count by docs/certificate.md, and the step of each. The observed integers follow from the
values of these tensors when the graph is executed.
"""

from dataclasses import dataclass, field

import numpy as np
import onnx
from onnx import TensorProto, helper

FLOAT, FLOAT16, DOUBLE = TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE
INT8, UINT8, INT32, INT64 = TensorProto.INT8, TensorProto.UINT8, TensorProto.INT32, TensorProto.INT64
INT16, UINT16, INT4, UINT4 = TensorProto.INT16, TensorProto.UINT16, TensorProto.INT4, TensorProto.UINT4
RANGES = {
    INT4: (-8, 7),
    UINT4: (0, 15),
    INT8: (-128, 127),
    UINT8: (0, 255),
    INT16: (-32768, 32767),
    UINT16: (0, 65535),
    INT32: (-(1 << 31), (1 << 31) - 1),
    INT64: (-(1 << 63), (1 << 63) - 1),
}
GENERAL, LAST, MICROSOFT = "qonnx.custom_op.general", "qonnx.custom_op.channels_last", "com.microsoft"


@dataclass
class Value:
    """A tensor of the graph: its elements are meant to be `step` times integers."""

    name: str
    shape: tuple
    element: int = FLOAT
    step: float = 1.0
    constant: bool = False


@dataclass
class Summand:
    """What is added to a sum and counts: `sign` x value / step."""

    name: str
    step: float
    sign: int = 1
    channels: bool = False  # a vector along the second dimension of the result


@dataclass
class Sum:
    """A node that sums products, or one that an executor can't show but that sums them in the same way."""

    op: str
    output: str
    left: str
    right: str
    attributes: dict = field(default_factory=dict)
    left_step: float = 1.0
    right_step: float = 1.0
    left_zero: str = None
    right_zero: str = None
    summands: list = field(default_factory=list)
    channels_last: bool = False
    tile: int = None
    target: int = None
    outer: int = None

    @property
    def step(self):
        return self.left_step * self.right_step


class Graph:
    """Nodes in order, initializers, inputs and statements of one model."""

    def __init__(self, rng, opset=13, ir_version=8):
        self.rng, self.opset, self.ir_version = rng, opset, ir_version
        self.nodes, self.tensors, self.inputs, self.outputs = [], [], [], []
        self.value_info, self.functions, self.annotations, self.metadata = [], [], [], {}
        self.sums, self.replaceable, self.sparse, self.domains = [], [], [], {}
        self.limits = {}  # of inputs: the values that an adversary feeds
        self.hidden = False  # whether the file must not be certified at any width
        self.expected = None  # width at which the file has to be certified
        self.arrays, self.elements = {}, {}  # of constants; element types of results
        self.count = 0

    # Random choices

    def pick(self, *choices):
        return choices[int(self.rng.integers(len(choices)))]

    def chance(self, probability):
        return self.rng.random() < probability

    def integer(self, low, high):
        return int(self.rng.integers(low, high + 1))

    # Parts

    def name(self, hint):
        self.count += 1
        return f"{hint}{self.count}"

    def constant(self, values, element=None, hint="c", step=1.0):
        """An initializer, sometimes the output of a Constant node."""
        values = np.asarray(values)
        element = element or helper.np_dtype_to_tensor_dtype(values.dtype)
        name = self.name(hint)
        if element in (INT4, UINT4):
            tensor = helper.make_tensor(name, element, values.shape, values.astype(int).ravel().tolist())
        else:
            values = values.astype(helper.tensor_dtype_to_np_dtype(element))
            tensor = onnx.numpy_helper.from_array(values, name)
        self.arrays[name] = values
        if self.chance(0.05):
            self.nodes.append(helper.make_node("Constant", [], [name], value=tensor))
        else:
            self.tensors.append(tensor)
        return Value(name, values.shape, element, step, True)

    def input(self, shape, element=FLOAT, limits=(-1e6, 1e6)):
        name = self.name("x")
        self.inputs.append((name, element, tuple(shape)))
        self.limits[name] = limits
        return Value(name, tuple(shape), element)

    def op(self, op, inputs, shape, element=FLOAT, step=1.0, domain="", outputs=1, **attributes):
        """Adds a node; inputs are values, names or None. Gives its first output, or all of several."""
        names = [v.name if isinstance(v, Value) else v or "" for v in inputs]
        results = [self.name("t") for _ in range(outputs)]
        attributes = {key: value for key, value in attributes.items() if value is not None}
        self.nodes.append(
            helper.make_node(op, names, results, name=self.name(op), domain=domain, **attributes)
        )
        if domain:
            self.domains.setdefault(domain, 1)
        self.elements.update((name, element) for name in results)
        if outputs == 1:
            return Value(results[0], tuple(shape), element, step)
        return [Value(r, tuple(s), element, step) for r, s in zip(results, shape)]

    def last(self):
        return self.nodes[-1]

    # Quantizers

    def quant(self, x, scale=1.0, zero=0.0, bits=4, signed=1, narrow=0, mode="ROUND"):
        parameters = [self.constant(np.float32(v), hint="q") for v in (scale, zero, bits)]
        return self.op(
            "Quant",
            [x, *parameters],
            x.shape,
            step=float(np.float32(scale)),
            domain=GENERAL,
            signed=signed,
            narrow=narrow,
            rounding_mode=mode,
        )

    def quantize(self, x, scale=1.0, zero=0, element=UINT8, **attributes):
        scale, zero = self.constant(np.float32(scale), hint="s"), self.constant(zero, element, hint="z")
        return self.op("QuantizeLinear", [x, scale, zero], x.shape, element, **attributes)

    def dequantize(self, x, scale=1.0, zero=0, **attributes):
        parameters = [self.constant(np.float32(scale), hint="s")]
        if zero is not None:
            parameters.append(self.constant(zero, x.element, hint="z"))
        value = self.op(
            "DequantizeLinear", [x, *parameters], x.shape, step=float(np.float32(scale)), **attributes
        )
        value.constant = x.constant
        return value

    # Models

    def model(self):
        """The file to be verified."""
        graph = helper.make_graph(
            self.nodes,
            "graph",
            [self.info(*entry) for entry in self.inputs],
            self.output_infos(),
            self.tensors,
            value_info=self.value_info,
        )
        for name in self.sparse:
            array = self.arrays[name]
            values = onnx.numpy_helper.from_array(array.ravel(), name)
            indices = onnx.numpy_helper.from_array(np.arange(array.size), name + "_at")
            graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, array.shape))
            graph.initializer.remove(next(t for t in graph.initializer if t.name == name))
        for name in self.replaceable:
            graph.input.append(self.info(name, self.element_of(name), self.arrays[name].shape))
        graph.quantization_annotation.extend(self.annotations)
        imports = [helper.make_opsetid("", self.opset)]
        imports += [helper.make_opsetid(domain, version) for domain, version in self.domains.items()]
        model = helper.make_model(
            graph, opset_imports=imports, ir_version=self.ir_version, functions=self.functions
        )
        for key, value in self.metadata.items():
            entry = model.metadata_props.add()
            entry.key, entry.value = key, value
        return model

    def output_infos(self):
        if self.outputs:
            return self.outputs
        read = {name for node in self.nodes for name in node.input}
        ends = [node.output[0] for node in self.nodes if node.output[0] not in read]
        infos = []
        for name in ends:
            info = onnx.ValueInfoProto(name=name)
            info.type.tensor_type.elem_type = self.elements.get(name, FLOAT)
            infos.append(info)
        return infos

    def element_of(self, name):
        return next(t.data_type for t in self.tensors if t.name == name)

    @staticmethod
    def info(name, element, shape):
        return helper.make_tensor_value_info(name, element, shape)
