#!/usr/bin/env python3
"""Certifies that no accumulator of a quantized ONNX network can overflow, or says why it can't be certified.

This is a second implementation of docs/certificate.md, for those who don't want to trust `snug verify` alone. It shares
no code with it, needs the packages onnx and numpy, and refuses what it doesn't know. One pass over the nodes finds the
integers q that each tensor can hold, where its elements are scale x q. Types and shapes come from onnx's own
inference; those that the file states are only compared with them.

Exit status: 0 certified, 1 refuted or not certifiable, 2 a file that can't be used.
"""
import argparse
import json
import math
import sys
from dataclasses import dataclass, replace
import numpy as np
import onnx
from onnx import TensorProto, checker, defs, helper, numpy_helper, shape_inference

OPSETS = range(7, 24)  # of the standard domain; others may give an operator another meaning
FLOAT, ONE = TensorProto.FLOAT, np.float32(1)
RANGES = {getattr(TensorProto, f"INT{b}"): (-(1 << b - 1), (1 << b - 1) - 1) for b in (4, 8, 16, 32, 64)}
RANGES |= {getattr(TensorProto, f"UINT{b}"): (0, (1 << b) - 1) for b in (4, 8, 16, 32, 64)}
GENERAL, LAST, MICROSOFT = "qonnx.custom_op.general", "qonnx.custom_op.channels_last", "com.microsoft"
ALIASES = {"ai.onnx": "", "onnx.brevitas": GENERAL, "finn.custom_op.general": GENERAL}
# Sums of products, with the inputs that hold the right operand, the zero points of both operands and the bias.
LAYERS = {"Conv": (1, None, None, 2), "ConvTranspose": (1, None, None, 2), "Gemm": (1, None, None, 2),
          "MatMul": (1, None, None, None), "ConvInteger": (1, 2, 3, None), "MatMulInteger": (1, 2, 3, None),
          "QLinearConv": (3, 2, 5, 8), "QLinearMatMul": (3, 2, 5, None), "QGemm": (3, 2, 5, 6)}
# Operators of other domains: least and greatest number of inputs, attributes. Channels-last ones are as in ONNX.
OTHERS = {(GENERAL, "Quant"): (4, 4, "signed narrow rounding_mode"), (GENERAL, "BipolarQuant"): (2, 2, ""),
          (GENERAL, "IntQuant"): (4, 4, "signed narrow rounding_mode"),
          (GENERAL, "MultiThreshold"): (2, 2, "data_layout out_bias out_dtype out_scale"),
          (MICROSOFT, "QGemm"): (6, 9, "alpha transA transB"), (MICROSOFT, "QLinearAdd"): (7, 8, ""),
          (MICROSOFT, "QLinearAveragePool"): (4, 5, "auto_pad ceil_mode channels_last count_include_pad "
                                                    "kernel_shape pads strides")}
CHANNELS_LAST = {"Conv", "MaxPool", "BatchNormalization"}
# Operators whose results are elements of their first input, so that they hold the same integers.
MOVES = set("""DepthToSpace Dropout Expand Flatten Gather GatherElements GatherND GlobalMaxPool Identity MaxPool Resize
    Reshape Slice SpaceToDepth Split Squeeze Tile Transpose Unsqueeze Upsample""".split())
# Operators whose results can hold integers where an input does.
ON_GRID = MOVES | set("""BipolarQuant Cast CastLike Clip Concat DequantizeLinear Div IntQuant Max Min Mul MultiThreshold
    Neg Pad Quant QuantizeLinear ReduceMax ReduceMin Relu ScatterElements ScatterND TopK Trilu Where""".split())
# Operators that hide no sum of products; without a rule their results are real, or any integers of their type.
HARMLESS = ON_GRID | set("""Abs Add And ArgMax ArgMin AveragePool BatchNormalization Ceil Celu Constant ConstantOfShape
    Cos CumSum DynamicQuantizeLinear Elu Equal Erf Exp Floor Gelu GlobalAveragePool Greater GreaterOrEqual
    GroupNormalization HardSigmoid HardSwish InstanceNormalization LRN LayerNormalization LeakyRelu Less LessOrEqual Log
    LogSoftmax LpNormalization Mean Mish Mod Not OneHot Or PRelu Pow Range Reciprocal ReduceL1 ReduceL2 ReduceMean
    ReduceProd ReduceSum ReduceSumSquare Round Selu Shape Sigmoid Sign Sin Size Softmax Softplus Softsign Sqrt Sub Sum
    Tanh ThresholdedRelu Xor""".split()) - {"BipolarQuant", "IntQuant", "MultiThreshold", "Quant"}
ROUNDING = {"ROUND": np.rint, "HALF_EVEN": np.rint, "CEIL": np.ceil, "FLOOR": np.floor, "DOWN": np.trunc,
            "UP": lambda x: np.sign(x) * np.ceil(abs(x)), "HALF_UP": lambda x: np.sign(x) * np.floor(abs(x) + 0.5),
            "HALF_DOWN": lambda x: np.sign(x) * np.ceil(abs(x) - 0.5)}


class Unusable(Exception):
    """The file is malformed."""


class Refusal(Exception):
    """Why something has no certificate."""


@dataclass
class Fact:
    """What is known of a tensor: its elements are scale x q for integers q in low...high, where low is known."""
    kind: onnx.TypeProto
    low: int = None
    high: int = None
    scale: np.ndarray = ONE  # one number, or of a constant one for each element
    integers: np.ndarray = None  # of a constant
    floats: np.ndarray = None  # of a constant that isn't quantized
    vague: bool = False  # whether it may hold integers that no rule here finds

    element = property(lambda self: self.kind.tensor_type.elem_type)

    @property
    def shape(self):
        """The sizes, None for those that aren't known; an empty list where nothing is."""
        return [d.dim_value if d.HasField("dim_value") else None for d in self.kind.tensor_type.shape.dim]


def of_type(kind):
    """Any integer of an integer type, or a real number."""
    return Fact(kind, *RANGES.get(kind.tensor_type.elem_type, ()))


def grid(kind, low, high, step):
    """Integers that are computed when the model runs; single precision must hold them."""
    usable = step is not None and np.isfinite(step) and step != 0 and max(-low, high) <= 2**24
    return Fact(kind, low, high, np.float32(step)) if usable else of_type(kind)


def constant(kind, integers, scale=ONE):
    if not integers.size or not np.all(np.isfinite(scale)) or not np.all(scale):
        return of_type(kind)
    scale = scale.reshape(()) if scale.size == 1 else np.broadcast_to(scale, integers.shape)
    return Fact(kind, int(integers.min()), int(integers.max()), scale, integers)


def from_tensor(tensor):
    kind = helper.make_tensor_type_proto(tensor.data_type, list(tensor.dims))
    if tensor.data_type in RANGES and tensor.data_type != TensorProto.UINT64:
        return constant(kind, numpy_helper.to_array(tensor).astype(np.int64))
    return replace(of_type(kind), floats=numpy_helper.to_array(tensor) if tensor.data_type == FLOAT else None)


def number(fact):
    """The one float of a constant, else None."""
    return fact.floats.item() if fact and fact.floats is not None and fact.floats.size == 1 else None


def along(values, rank, axis):
    """A parameter for all elements, or one for each index of an axis, against a tensor of some rank."""
    if values.size == 1 or values.ndim != 1:
        return values.reshape(()) if values.size == 1 else values
    return values.reshape([-1 if i == axis % rank else 1 for i in range(rank)])


def less_zero_point(x, zero, axis):
    """Codes less their zero point: element by element of constants, or the extremes of both."""
    if zero is None or x.low is None or zero.low is None:
        return x if zero is None else Fact(x.kind)
    if x.integers is not None and zero.integers is not None:
        return constant(x.kind, x.integers - along(zero.integers, x.integers.ndim, axis))
    return Fact(x.kind, x.low - zero.high, x.high - zero.low, x.scale)


def quant(kind, x, scale, zero, bits, signed=None, narrow=None, rounding_mode=b"ROUND"):
    """Quant of QONNX: (round(clip(x / scale + zero, low, high)) - zero) * scale, in single precision."""
    width, rounding = number(bits), ROUNDING.get(rounding_mode.decode().upper())
    if width not in range(1, 33) or {signed, narrow} - {0, 1} or rounding is None or scale.floats is None:
        return of_type(kind)
    if zero.floats is None or np.any(zero.floats % 1) or np.any(abs(zero.floats) > 2**23):
        return of_type(kind)
    bipolar, top = signed and width == 1, 1 << int(width) - signed
    low, high = (-1, 1) if bipolar else (narrow - top if signed else 0, top - 1 - (narrow and not signed))
    if x.floats is None:
        single = scale.floats.size == zero.floats.size == 1
        return grid(kind, low - int(number(zero)), high - int(number(zero)), number(scale)) if single else of_type(kind)
    codes = x.floats / scale.floats + zero.floats
    codes = np.where(codes >= 0, ONE, -ONE) if bipolar else rounding(np.clip(codes, low, high))
    codes -= zero.floats
    exact = codes.dtype == np.float32 and codes.shape == x.floats.shape and np.all(np.isfinite(codes))
    return constant(kind, codes.astype(np.int64), scale.floats) if exact else of_type(kind)


def quantize_linear(kind, x, scale, zero=None, axis=1, **unknown):
    """saturate(round(x / scale) + zero point), ties to even, in single precision."""
    if unknown or x.floats is None or scale.floats is None or (zero and zero.integers is None):
        return of_type(kind)
    codes = np.rint(x.floats / along(scale.floats, x.floats.ndim, axis)).astype(np.float64)
    codes = codes + (along(zero.integers, x.floats.ndim, axis) if zero else 0)
    codes = np.clip(codes, *RANGES[kind.tensor_type.elem_type])
    return constant(kind, codes.astype(np.int64)) if not np.any(np.isnan(codes)) else of_type(kind)


def dequantize_linear(kind, x, scale, zero=None, axis=1, **unknown):
    """(x - zero point) * scale."""
    codes = less_zero_point(x, zero, axis)
    if unknown or codes.low is None or scale.floats is None:
        return Fact(kind)
    if codes.integers is not None:
        return constant(kind, codes.integers, along(scale.floats, codes.integers.ndim, axis))
    return grid(kind, codes.low, codes.high, number(scale))


def picks_elements(op, a, x):
    """Whether all elements of a result are elements of the first input, and not of a border."""
    if op == "MaxPool":  # a window that lies in padding alone would hold another value
        kernel, ceil = a["kernel_shape"], a.get("ceil_mode", 0)
        pads, strides = a.get("pads", [0] * 2 * len(kernel)), a.get("strides", [1] * len(kernel))
        ends = zip(kernel, pads, pads[len(kernel):], strides)
        inside = all(max(b, e + (s - 1) * ceil) < k for k, b, e, s in ends) and set(a.get("dilations", [1])) == {1}
        return inside or not any(pads) and not ceil and not a.get("auto_pad", b"").startswith(b"SAME")
    if op in ("Resize", "Upsample"):
        crops = a.get("coordinate_transformation_mode") == b"tf_crop_and_resize"
        return a.get("mode", b"nearest") == b"nearest" and not crops
    return op in MOVES and not (op == "Dropout" and len(x) > 2)


def result(op, kind, a, x):
    """The fact of a node's outputs; x are those of its inputs, None where one is left out."""
    first = x[0] if x else None
    if op in ("Quant", "IntQuant"):
        return quant(kind, *x, **a)
    if op == "BipolarQuant" and x[1].floats is not None:
        if first.floats is not None:
            return constant(kind, np.where(first.floats >= 0, 1, -1), x[1].floats)
        return grid(kind, -1, 1, number(x[1]))
    if op == "MultiThreshold" and x[1].floats is not None and x[1].floats.ndim == 2:
        step, bias = a.get("out_scale", 1.0), a.get("out_bias", 0.0)
        if step and not bias / step % 1:
            return grid(kind, int(bias / step), int(bias / step) + x[1].floats.shape[1], step)
    if op in ("QuantizeLinear", "DequantizeLinear"):
        return (quantize_linear if op == "QuantizeLinear" else dequantize_linear)(kind, *x, **a)
    if op == "Constant" and list(a) == ["value"]:
        return from_tensor(a["value"])
    shape = Fact(kind).shape
    if op in ("Transpose", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity") and None not in shape:
        if first.floats is not None or first.integers is not None:
            move = (lambda v: v.transpose(a.get("perm"))) if op == "Transpose" else lambda v: v.reshape(shape)
            if first.floats is not None:
                return Fact(kind, floats=move(first.floats))
            return constant(kind, move(first.integers), move(np.broadcast_to(first.scale, first.integers.shape)))
    if picks_elements(op, a, x) and first.low is not None and first.scale.size == 1:
        return Fact(kind, first.low, first.high, first.scale)
    if op in ("Relu", "Clip") and kind.tensor_type.elem_type in RANGES:
        ends = [f and f.integers.item() for f in (x + [None, None])[1:3]]
        low = 0 if op == "Relu" else first.low if ends[0] is None else ends[0]
        high = max(low, first.high) if ends[1] is None else ends[1]
        if low <= high and first.integers is not None:
            return constant(kind, np.clip(first.integers, low, high))
        if low <= high:
            return Fact(kind, *(min(max(end, low), high) for end in (first.low, first.high)))
    if op in ("Concat", "Max", "Min", "Where"):
        of = x[op == "Where":]
        if all(f.low is not None and f.scale.size == 1 and f.scale == of[0].scale for f in of):
            return Fact(kind, min(f.low for f in of), max(f.high for f in of), of[0].scale)
    return of_type(kind)


def rows(op, values, is_right, a):
    """A constant operand with one row a channel, products in the order in which the file stores them."""
    if op == "ConvTranspose":
        groups, outputs = a.get("group", 1), values.shape[1]
        split = values.reshape(groups, len(values) // groups, outputs, -1)
        return split.transpose(0, 2, 1, 3).reshape(groups * outputs, -1)
    if "Conv" in op:
        return values.reshape(len(values), -1)
    if bool(a.get("transB" if is_right else "transA", 0)) != (is_right and values.ndim > 1):
        values = values.swapaxes(-1, -2)
    return values.reshape(-1, values.shape[-1])


def dot_length(op, left, right, a):
    """K of a sum without constant operand, from shapes that follow from the graph."""
    if "Conv" in op:
        inputs, kernel = (right[0] // a.get("group", 1), right[2:]) if op == "ConvTranspose" else (right[1], right[2:])
        return inputs * math.prod(kernel)
    sizes = left[0 if a.get("transA", 0) else -1], right[-1 if a.get("transB", 0) or len(right) == 1 else -2]
    return max(size for size in sizes if size is not None)


class Layer:
    """A sum of products, with bounds of what its counted biases add up to in each channel."""

    def __init__(self, node):
        self.name, self.op, self.output = node.name or node.output[0], node.op_type, node.output[0]
        self.reasons, self.required, self.target = [], None, None
        self.weights, self.bias = None, np.zeros((2, 1))

    def read(self, node, a, x):
        """Finds the operands' integers; gives the place of the channels in the result, counted from the end."""
        op, (at, left_zero, right_zero, _) = self.op, LAYERS[self.op]
        x = dict(enumerate(x))
        left = less_zero_point(x[0], x.get(left_zero), 0)
        right = less_zero_point(x[at], x.get(right_zero), 0 if "Conv" in op or a.get("transB", 0) else -1)
        if left.low is None or right.low is None:
            raise Refusal(f"its input '{node.input[0 if left.low is None else at]}' holds no integers that are known")
        is_right = right.integers is not None
        weight, other = (right, left) if is_right else (left, right)
        if weight.integers is not None and (is_right or "Conv" not in op):
            self.weights = rows(op, weight.integers, is_right, a)
            steps = rows(op, np.broadcast_to(weight.scale, weight.integers.shape), is_right, a)
            if np.any(steps != steps[:, :1]) or float(abs(self.weights).max()) * self.weights.shape[1] > 2**62:
                raise Refusal("the integers of one sum have different steps, or are too large")
            self.scale = steps[:, 0].astype(np.float64) * other.scale.item() * a.get("alpha", 1.0)
        else:
            ends = [p * q for p in (left.low, left.high) for q in (right.low, right.high)]
            length = dot_length(op, left.shape, right.shape, a)
            self.products = length * min(0, *ends), length * max(0, *ends)
            self.scale = np.float64([left.scale.item() * right.scale.item() * a.get("alpha", 1.0)])
        self.range, self.bias = (other.low, other.high), np.zeros((2, len(self.scale)))
        rank = len(x[at].shape)
        return (-1 if node.domain == LAST else 1 - rank) if "Conv" in op else -1 if is_right else -2

    def add(self, sums, fact, axis, factor):
        """What the biases in `sums` add up to with one more summand, which may not count."""
        if fact.vague or not fact.element:
            raise Refusal("what is added to its sums is not known")
        if fact.low is None or not factor:
            return sums
        channels, q = len(self.scale), np.array([fact.low, fact.high]) if fact.integers is None else fact.integers

        def by_channel(v):
            v = np.broadcast_to(v, q.shape)
            if fact.integers is None or axis is None or v.ndim < -axis or v.shape[axis] != channels:
                return v.reshape(1, -1).astype(np.float64)
            return np.moveaxis(v, axis, 0).reshape(channels, -1).astype(np.float64)

        ratio = by_channel(fact.scale) * factor / (np.unique(self.scale) if axis is None else self.scale)[:, None]
        multiple = np.rint(ratio)
        counts = (multiple != 0) & (abs(ratio - multiple) <= abs(multiple) * 2.0**-22)
        if not counts.all() and not (axis is None and counts.any()):
            return sums
        ends = multiple * by_channel(q)
        if not counts.all() or not abs(ends).max() < 2**52:
            raise Refusal("a bias that is added to its sums has no useful bounds")
        low, high = (ends.min(), ends.max()) if axis is None else (ends.min(axis=1), ends.max(axis=1))
        sums = sums + [np.minimum(low, 0) + 0 * self.scale, np.maximum(high, 0) + 0 * self.scale]
        self.bias = np.stack([np.minimum(self.bias[0], sums[0]), np.maximum(self.bias[1], sums[1])])
        return sums

    def widths(self, tile=None):
        """The least widths of the register of a tile (by default of the whole sum), and of the one that adds them."""
        low, high = (bias.astype(np.int64).astype(object) for bias in self.bias)
        if self.weights is None:
            return bits(low + self.products[0], high + self.products[1]), None
        starts = np.arange(0, self.weights.shape[1], tile or self.weights.shape[1])
        up, down = (np.add.reduceat(np.maximum(sign * self.weights, 0), starts, axis=1).astype(object) for sign in (1, -1))
        least, most = self.range
        a, b = max(most, 0), max(-least, 0)
        if not tile:
            return bits(low - a * down[:, 0] - b * up[:, 0], high + a * up[:, 0] + b * down[:, 0]), None
        # A tile of a convolution may miss products; that of another layer is finished with all of them.
        finished = (a, b) if "Conv" in self.op else (most, -least)
        below = np.maximum(finished[0] * down + finished[1] * up, 0).sum(axis=1)
        above = np.maximum(finished[0] * up + finished[1] * down, 0).sum(axis=1)
        return bits(-a * down - b * up, a * up + b * down), bits(low - below, high + above)


def bits(low, high):
    """The least width of a signed register that holds low...high."""
    return max(int(np.max(high)).bit_length(), int(-1 - min(-1, np.min(low))).bit_length()) + 1


class Checker:
    """One pass over the nodes of a model."""

    def __init__(self, model, assumed):
        self.model, self.assumed, self.facts, self.layers, self.findings = model, assumed, {}, [], []
        self.sums = {}  # results that summands may still be added to: layer, channel axis, sign, biases so far
        self.opsets = {}
        for entry in model.opset_import:
            domain = ALIASES.get(entry.domain, entry.domain)
            if self.opsets.setdefault(domain, entry.version) != entry.version:
                raise Unusable(f"the operator set '{domain}' is imported twice")
        self.context = checker.C.CheckerContext()
        self.context.ir_version, self.context.opset_imports = model.ir_version, {"": self.opsets.get("", 1)}

    def define(self, name, fact):
        if name in self.facts:
            raise Unusable(f"'{name}' is defined twice")
        self.facts[name] = fact

    def run(self):
        graph = self.model.graph
        for tensor in graph.initializer:
            self.define(tensor.name, from_tensor(tensor))
        self.small = {t.name: t for t in graph.initializer if math.prod(t.dims) <= 1024}
        for value in graph.input:
            if value.name not in self.facts:
                self.define(value.name, of_type(value.type))
        for value in graph.sparse_initializer:
            self.define(value.values.name, Fact(onnx.TypeProto(), vague=True))
        for node in graph.node:
            self.visit(node)
        for value in [*graph.value_info, *graph.output, *graph.input]:
            self.compare(value)
        if self.model.functions:
            self.findings.append("the model has functions of its own")

    def compare(self, value):
        """Refuses a stated type or shape that differs from what follows."""
        stated, fact = Fact(value.type), self.facts.get(value.name)
        if fact is None or not fact.element:
            return
        differs = stated.element != fact.element
        if value.type.tensor_type.HasField("shape") and fact.kind.tensor_type.HasField("shape"):
            pairs = list(zip(stated.shape, fact.shape))
            differs |= len(stated.shape) != len(fact.shape) or any(a != b and None not in (a, b) for a, b in pairs)
        if differs:
            self.findings.append(f"the stated type or shape of '{value.name}' is not what follows from the graph")

    def types(self, node, domain, a, x):
        """Types of the outputs; refuses what may hide a layer."""
        if len(a) != len(node.attribute) or any(v.ref_attr_name for v in node.attribute):
            raise Refusal("it repeats an attribute or takes it from elsewhere")
        entry = OTHERS.get((domain, node.op_type))
        if domain == MICROSOFT and entry or domain == GENERAL and entry:
            if not entry[0] <= len(node.input) <= entry[1] or set(a) - set(entry[2].split()) or len(node.output) != 1:
                raise Refusal("it has inputs or attributes that are not known")
            kind = onnx.TypeProto()
            if domain == GENERAL:
                kind.CopyFrom(x[0].kind)
                kind.tensor_type.elem_type = FLOAT
            else:
                zero = {"QGemm": 8, "QLinearAdd": 7, "QLinearAveragePool": 4}[node.op_type]
                given = x[zero] if zero < len(x) and x[zero] else None
                kind.tensor_type.elem_type = given.element if given else FLOAT if len(x) < 8 else x[0].element
            return [kind]
        plain = onnx.NodeProto()
        plain.CopyFrom(node)
        plain.domain = ""
        known = node.op_type in HARMLESS or node.op_type in LAYERS
        if not (domain == "" and known or domain == LAST and node.op_type in CHANNELS_LAST):
            raise Refusal("it is not known")
        opset = self.opsets.get("", 0)
        if opset not in OPSETS or opset > defs.onnx_opset_version():
            raise Refusal("its operator set is not known")
        checker.check_node(plain, self.context)
        if domain == LAST:
            return [helper.make_tensor_type_proto(FLOAT, None)]
        given = {name: fact.kind for name, fact in zip(node.input, x) if fact}
        if not all(fact.element for fact in x if fact):
            return [onnx.TypeProto() for _ in node.output]
        small = {name: self.small[name] for name in node.input if name in self.small}
        inferred = shape_inference.infer_node_outputs(
            defs.get_schema(node.op_type, opset, ""), plain, given, small,
            opset_imports=[helper.make_opsetid("", opset)], ir_version=self.model.ir_version)
        return [inferred.get(name, onnx.TypeProto()) for name in node.output]

    def visit(self, node):
        missing = [name for name in node.input if name and name not in self.facts]
        if missing:
            raise Unusable(f"'{missing[0]}' is read before it is defined")
        domain, x = ALIASES.get(node.domain, node.domain), [self.facts[name] if name else None for name in node.input]
        a = {v.name: helper.get_attribute_value(v) for v in node.attribute}
        layer = Layer(node) if (domain == "" or (domain, node.op_type) in ((MICROSOFT, "QGemm"), (LAST, "Conv"))) \
            and node.op_type in LAYERS else None
        facts = None
        try:
            kinds = self.types(node, domain, a, x)
            facts = [of_type(kind) for kind in kinds]
            if layer:
                self.visit_layer(layer, node, a, x)
            elif node.op_type == "DynamicQuantizeLinear":
                pass
            elif node.op_type == "Split" or len(node.output) == 1 or node.op_type in ("MaxPool", "Dropout"):
                facts[0] = result(node.op_type, kinds[0], a, x)
                if node.op_type == "Split":
                    facts = [replace(facts[0], kind=kind) for kind in kinds]
            if not layer:
                self.follow(node, facts, x)
        except (Refusal, checker.ValidationError, shape_inference.InferenceError, ArithmeticError, AttributeError,
                IndexError, KeyError, TypeError, ValueError, defs.SchemaError) as error:
            reason = str(error).strip().split("\n")[0]
            if layer:
                layer.reasons.append(reason)
            elif f"{domain}:{node.op_type}" not in self.assumed:
                self.findings.append(f"{domain}:{node.op_type} '{node.name or node.output[0]}' may hide a layer: {reason}")
            facts = facts or [Fact(onnx.TypeProto(), vague=True) for _ in node.output]
        if layer:
            self.layers.append(layer)
        if node.op_type == "Constant" and list(a) == ["value"] and math.prod(a["value"].dims) <= 1024:
            self.small[node.output[0]] = a["value"]
        gives = domain == GENERAL or node.op_type in ON_GRID and any(f and (f.low is not None or f.vague) for f in x)
        for name, fact in zip(node.output, facts):
            if name:
                known = fact.low is not None or fact.floats is not None
                self.define(name, replace(fact, vague=fact.vague or bool(gives and not known and not layer)))

    def visit_layer(self, layer, node, a, x):
        axis = layer.read(node, a, x)
        bias, sums = LAYERS[node.op_type][3], layer.bias
        if bias is not None and bias < len(x) and x[bias]:
            sums = layer.add(sums, x[bias], -1 if "Conv" in node.op_type else axis, a.get("beta", 1.0))
        self.sums[node.output[0]] = [(layer, axis, 1, sums)]

    def follow(self, node, facts, x):
        """Adds summands to the sums that a node reads, or hands the sums on where it moves elements alone."""
        states = []
        for i, name in enumerate(node.input):
            for layer, axis, sign, sums in self.sums.get(name, []):
                if node.op_type in ("Add", "Sub", "Sum"):
                    negated = node.op_type == "Sub" and i == 0
                    try:
                        for j, fact in enumerate(x):
                            before = sums
                            if j != i:
                                sums = layer.add(sums, fact, axis, -sign if negated else sign)
                            if node.op_type == "Sub" and i == 1 and sums is not before:
                                raise Refusal("its sums are subtracted from integers of their own step")
                    except Refusal as refusal:
                        layer.reasons.append(str(refusal))
                    states.append((layer, axis, -sign if node.op_type == "Sub" and i == 1 else sign, sums))
                elif node.op_type in MOVES - {"MaxPool", "GlobalMaxPool"} | {"Cast", "CastLike", "Concat", "Pad", "Where"}:
                    keeps = node.op_type in ("Cast", "CastLike", "Identity", "Dropout")
                    states.append((layer, axis if keeps else None, sign, sums))
        for name in node.output if states else []:
            self.sums[name] = states


def annotations(model):
    """What the file states of each layer's accumulator: entries, and widths by the names of outputs."""
    def once(pairs):
        if len({key for key, _ in pairs}) < len(pairs):
            raise Refusal("an annotation repeats a key")
        return dict(pairs)

    texts = [p.value for p in [*model.metadata_props, *getattr(model.graph, "metadata_props", [])]
             if p.key == "snug.accumulators"]
    if len(set(texts)) > 1:
        raise Refusal("the accumulators are annotated twice")
    entries = json.loads(texts[0], object_pairs_hook=once) if texts else []
    for key in ("layer", "output"):
        if len({entry[key] for entry in entries}) < len(entries):
            raise Refusal("an annotation names a layer twice")
    finn = {}
    for value in model.graph.quantization_annotation:
        pairs = once([(p.key, p.value) for p in value.quant_parameter_tensor_names])
        if value.tensor_name in finn:
            raise Refusal(f"'{value.tensor_name}' is annotated twice")
        finn[value.tensor_name] = pairs.get("finn_datatype", "")
    return entries, {k: int(v[10:-1]) for k, v in finn.items() if v.startswith("SCALEDINT<")}


def certify(path, width, strict, assumed):
    model = onnx.load(path)
    check = Checker(model, assumed)
    check.run()
    try:
        entries, finn = annotations(model)
    except (Refusal, ValueError, KeyError, TypeError) as error:
        entries, finn = [], {}
        check.findings.append(f"annotations: {error}")
    if not check.layers:
        check.findings.append("it has no layer to certify")
    initializers = {t.name for t in model.graph.initializer}
    replaceable = [v.name for v in model.graph.input if v.name in initializers]
    if replaceable and strict:
        check.findings.append(f"a caller can replace the initializer '{replaceable[0]}'")
    for layer in check.layers:
        entry = next((e for e in entries if e["output"] == layer.output), None) or next(
            (e for e in entries if e["layer"] == layer.name), {})
        layer.target = width or entry.get("target_bits") or finn.get(layer.output)
        tile, outer = entry.get("tile_size"), None
        if not layer.reasons:
            layer.required, outer = layer.widths(tile)
            if layer.target is None:
                layer.reasons.append("no accumulator width is given")
            elif layer.required > layer.target:
                layer.reasons.append(f"it can overflow {layer.target} bits")
            if tile and (outer is None or outer > entry["outer_bits"]):
                layer.reasons.append(f"the sum of its tiles needs {outer} bits")
            if entry.get("required_bits", layer.required) != layer.required:
                layer.reasons.append(f"the file states {entry['required_bits']} required bits")
    certified = not check.findings and not any(layer.reasons for layer in check.layers)
    return check, certified, replaceable


def main():
    parser = argparse.ArgumentParser(description="Certify that no accumulator of a quantized network can overflow.")
    parser.add_argument("model")
    parser.add_argument("--accumulator-bits", type=int, metavar="P", help="instead of the widths that the file states")
    parser.add_argument("--strict", action="store_true", help="refuse weights that a caller can replace")
    parser.add_argument("--assume-no-layers-in", action="append", default=[], metavar="DOMAIN:TYPE")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    try:
        check, certified, replaceable = certify(
            options.model, options.accumulator_bits, options.strict, options.assume_no_layers_in)
    except Exception as error:
        print(f"error: {options.model}: {error}", file=sys.stderr)
        return 2
    if options.json:
        print(json.dumps({"certified": certified, "findings": check.findings, "layers": [{
            "name": v.name, "target_bits": v.target, "required_bits": v.required, "certified": not v.reasons,
            "reasons": v.reasons} for v in check.layers]}))
        return 0 if certified else 1
    for v in check.layers:
        print(v.name, v.op, f"target {v.target}", f"required {v.required}", "; ".join(v.reasons) or "certified", sep="  ")
    for finding in check.findings:
        print(finding)
    print("certified" if certified else "not certified", *(["for the weights in the file"] if replaceable else []))
    return 0 if certified else 1


if __name__ == "__main__":
    sys.exit(main())
