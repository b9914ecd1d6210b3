#!/usr/bin/env python3
"""Certifies that no accumulator of a quantized ONNX network can overflow, or says why it can't be certified.

A second implementation of docs/certificate.md, for those who don't want to trust `snug verify` alone. It shares no
code with it, needs the packages onnx and numpy, and refuses what it has no rule for. One pass over the nodes finds
the integers q that each tensor can hold, where its elements are scale x q, from the constants of the file and the
definitions of its operators; types and shapes that the file states are never relied on.

Exit status: 0 certified, 1 refuted or not certifiable, 2 a file that can't be used.
"""
import argparse
import json
import sys
from dataclasses import dataclass, replace
import numpy as np
import onnx
from onnx import TensorProto, checker, helper, numpy_helper, shape_inference

OPSETS = range(7, 24)  # of the standard domain; in others an operator may have another meaning
FLOAT, INT32, ONE = TensorProto.FLOAT, TensorProto.INT32, np.float32(1)
RANGES = {getattr(TensorProto, f"INT{b}"): (-(1 << b - 1), (1 << b - 1) - 1) for b in (4, 8, 16, 32)}
RANGES |= {getattr(TensorProto, f"UINT{b}"): (0, (1 << b) - 1) for b in (4, 8, 16, 32)}
GENERAL, LAST, MICROSOFT = "qonnx.custom_op.general", "qonnx.custom_op.channels_last", "com.microsoft"
ALIASES = {"ai.onnx": "", "onnx.brevitas": GENERAL, "finn.custom_op.general": GENERAL}
# Sums of products: the inputs with the right operand, the zero points of both, the bias, and the result's zero point.
LAYERS = {"Conv": (1, 0, 0, 2, 0), "ConvTranspose": (1, 0, 0, 2, 0), "Gemm": (1, 0, 0, 2, 0), "MatMul": (1, 0, 0, 0, 0),
          "ConvInteger": (1, 2, 3, 0, 0), "MatMulInteger": (1, 2, 3, 0, 0), "QLinearConv": (3, 2, 5, 8, 7),
          "QLinearMatMul": (3, 2, 5, 0, 7), "QGemm": (3, 2, 5, 6, 8)}
# Operators of other domains, with the numbers of inputs and the attributes that they may have.
OTHERS = {(GENERAL, "Quant"): ((4,), "signed narrow rounding_mode"), (GENERAL, "BipolarQuant"): ((2,), ""),
          (GENERAL, "MultiThreshold"): ((2,), "data_layout out_bias out_dtype out_scale"),
          (MICROSOFT, "QGemm"): ((6, 7, 9), "alpha transA transB"), (MICROSOFT, "QLinearAdd"): ((8,), ""),
          (MICROSOFT, "QLinearAveragePool"): ((5,), "auto_pad ceil_mode channels_last count_include_pad "
                                                    "kernel_shape pads strides"),
          (LAST, "Conv"): ((2, 3), "dilations group kernel_shape pads strides"),
          (LAST, "MaxPool"): ((1,), "ceil_mode dilations kernel_shape pads storage_order strides"),
          (LAST, "BatchNormalization"): ((5,), "epsilon momentum training_mode")}
# Standard operators whose results are elements of their first input, so that they hold the same integers;
MOVES = set("""DepthToSpace Expand Flatten Gather GlobalMaxPool Identity MaxPool Reshape Resize Slice SpaceToDepth
    Split Squeeze Tile Transpose Unsqueeze Upsample""".split())
# others whose results may be integers in steps of a scale where their inputs are;
ON_GRID = MOVES | set("""BipolarQuant Cast CastLike Clip Compress Concat DequantizeLinear Div Dropout GatherElements
    GatherND Max Min MultiThreshold Mul Neg Pad Quant QuantizeLinear ReduceMax ReduceMin Relu ReverseSequence
    ScatterElements ScatterND TopK Trilu Where""".split())
# operators that hand sums of products on with their elements, those in KEEPS in the same arrangement;
KEEPS = {"Add", "Cast", "CastLike", "Dropout", "Identity", "Sub", "Sum"}
PASSES = MOVES | KEEPS | {"Compress", "Concat", "GatherElements", "GatherND", "Pad", "ReverseSequence", "Where"}
# and those that hide no sum of products.
HARMLESS = ON_GRID | set("""Abs Add And ArgMax ArgMin AveragePool BatchNormalization Ceil Celu Constant
    ConstantOfShape Cos CumSum DynamicQuantizeLinear Elu Equal Erf Exp Floor Gelu GlobalAveragePool Greater
    GreaterOrEqual GroupNormalization HardSigmoid HardSwish InstanceNormalization LRN LayerNormalization LeakyRelu
    Less LessOrEqual Log LogSoftmax LpNormalization Mean Mish Mod Not OneHot Or PRelu Pow Range Reciprocal ReduceL1
    ReduceL2 ReduceMean ReduceProd ReduceSum ReduceSumSquare Round Selu Shape Sigmoid Sign Sin Size Softmax Softplus
    Softsign Sqrt Sub Sum Tanh ThresholdedRelu Xor""".split())
ROUNDING = {b"ROUND": np.rint, b"CEIL": np.ceil, b"FLOOR": np.floor, b"DOWN": np.trunc}


@dataclass
class Fact:
    """What is known of a tensor: where `q` is given its elements are scale x integers, otherwise real numbers."""
    element: int = FLOAT  # the element type
    q: np.ndarray = None  # the integers of a constant, or the least and the greatest one
    scale: np.ndarray = ONE  # one number, or of a constant one for each element
    fixed: bool = False  # whether the tensor is a constant
    floats: np.ndarray = None  # elements of a constant that isn't quantized
    vague: bool = False  # whether it may be or hold integers that no rule here finds

    def number(self):
        """The one float of a constant, else None."""
        return self.floats.item() if self.floats is not None and self.floats.size == 1 else None


def on_grid(q, scale, fixed, element=FLOAT):
    """Elements scale x q; nothing is known where the scale or the integers are not usable."""
    scale = np.asarray(np.nan if scale is None else scale, np.float32)
    q = np.asarray(q)
    exact = q.size and abs(q).max() <= (2**53 if fixed else 2**24) and np.all(np.isfinite(scale)) and np.all(scale)
    if not exact or not fixed and scale.size > 1:
        return Fact(element, vague=True)
    return Fact(element, q, scale.reshape(()) if scale.size == 1 else np.broadcast_to(scale, q.shape), fixed)


def of_type(element):
    """Any element of a type."""
    if element in RANGES:
        return Fact(element, np.array(RANGES[element]))
    return Fact(element, vague=element not in (FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16))


def from_tensor(tensor):
    if tensor.data_type in RANGES or tensor.data_type == TensorProto.INT64:
        return on_grid(numpy_helper.to_array(tensor).astype(np.int64), 1, True, tensor.data_type)
    fact = of_type(tensor.data_type)
    return replace(fact, floats=numpy_helper.to_array(tensor)) if tensor.data_type == FLOAT else fact


def along(values, rank, axis):
    """A parameter for all elements, or for each index of an axis, against a tensor of some rank."""
    if values.size == 1 or values.ndim > 1:
        return values.reshape(()) if values.size == 1 else values
    return values.reshape([-1 if i == axis % rank else 1 for i in range(rank)])


def less_zero_point(x, zero, axis):
    """Codes less their zero point: element by element of constants, else the extremes of both."""
    if zero is None or x.q is None or zero.q is None:
        return x if zero is None else Fact(vague=True)
    if x.fixed and zero.fixed:
        return replace(x, q=x.q - along(zero.q, x.q.ndim, axis))
    return replace(x, q=np.array([x.q.min() - zero.q.max(), x.q.max() - zero.q.min()]), fixed=False)


def quant(x, scale, zero, bits, signed=None, narrow=None, rounding_mode=b"ROUND"):
    """Quant of QONNX: (round(clip(x / scale + zero, low, high)) - zero) * scale, in single precision."""
    width, rounding, shift = bits.number(), ROUNDING.get(rounding_mode), zero.floats
    if width not in range(1, 33) or {signed, narrow} - {0, 1} or rounding is None or scale.floats is None:
        return Fact(vague=True)
    if shift is None or np.any(shift % 1) or np.any(abs(shift) > 2**23):
        return Fact(vague=True)
    bipolar, top = signed and width == 1, 1 << int(width) - signed
    low, high = (-1, 1) if bipolar else (narrow - top if signed else 0, top - 1 - (narrow and not signed))
    if x.floats is None:
        return on_grid([low - int(shift.item()), high - int(shift.item())], scale.number(), False)
    codes = x.floats / scale.floats + shift
    codes = (np.where(codes >= 0, ONE, -ONE) if bipolar else rounding(np.clip(codes, low, high))) - shift
    exact = codes.dtype == np.float32 and codes.shape == x.floats.shape and np.all(np.isfinite(codes))
    return on_grid(codes.astype(np.int64), scale.floats, True) if exact else Fact(vague=True)


def quantize_linear(x, scale, zero=None, axis=1, **others):
    """saturate(round(x / scale) + zero point), halves to even, in single precision."""
    kind = of_type(zero.element if zero else TensorProto.UINT8)
    if others or kind.q is None:
        return Fact(vague=True)
    if x.floats is None or scale.floats is None or zero and not zero.fixed:
        return kind
    codes = np.rint(x.floats / along(scale.floats, x.floats.ndim, axis)).astype(np.float64)
    codes = np.clip(codes + (along(zero.q, x.floats.ndim, axis) if zero else 0), *kind.q)
    return kind if np.any(np.isnan(codes)) else on_grid(codes.astype(np.int64), 1, True, kind.element)


def dequantize_linear(x, scale, zero=None, axis=1, **others):
    """(x - zero point) * scale."""
    codes = less_zero_point(x, zero, axis)
    if others or codes.q is None or scale.floats is None:
        return Fact(vague=True)
    return on_grid(codes.q, along(scale.floats, codes.q.ndim, axis), codes.fixed)


def moves_alone(op, a):
    """Whether each element of the result is one of the first input."""
    if op == "MaxPool":  # a window that lies in padding alone holds another value
        least, pad = min(a["kernel_shape"]), max(a.get("pads", [0]))
        reach = pad + (max(a.get("strides", [1])) - 1 if a.get("ceil_mode", 0) else 0)
        return reach < least and set(a.get("dilations", [1])) == {1}
    crops = a.get("coordinate_transformation_mode") == b"tf_crop_and_resize"
    return op in MOVES and a.get("mode", b"nearest") in (b"nearest", b"DCR", b"CRD") and not crops


def result(op, a, x):
    """The fact of a node's first output, None without a rule; x are those of its inputs, None where left out."""
    first = x[0] if x else None
    if op == "Constant" and list(a) == ["value"]:
        return from_tensor(a["value"])
    if op in ("Quant", "QuantizeLinear", "DequantizeLinear"):
        return {"Quant": quant, "QuantizeLinear": quantize_linear}.get(op, dequantize_linear)(*x, **a)
    if op == "BipolarQuant":
        signs = [-1, 1] if first.floats is None else np.where(first.floats >= 0, 1, -1)
        return on_grid(signs, x[1].floats, first.floats is not None)
    if op == "MultiThreshold" and not a.get("out_bias", 0.0) / a.get("out_scale", 1.0) % 1:
        least, step = int(a.get("out_bias", 0.0) / a.get("out_scale", 1.0)), a.get("out_scale", 1.0)
        return on_grid([least, least + x[1].floats.shape[1]], step, False)
    if op in ("QLinearAdd", "QLinearAveragePool"):
        return first.vague and first or of_type(first.element)
    if op == "Cast" and a["to"] != FLOAT:
        return of_type(a["to"])
    if op == "DynamicQuantizeLinear":
        return of_type(TensorProto.UINT8)
    if op in ("ArgMax", "ArgMin", "Shape", "Size", "Constant"):
        return Fact(vague=True)
    if op == "Clip" and first.element in RANGES:
        low, high = (f.q.item() if f else end for f, end in zip((x + [None] * 2)[1:3], RANGES[first.element]))
        return replace(first, q=np.clip(first.q, low, high)) if low <= high else None
    if op == "Transpose" and first.fixed:
        scale = np.broadcast_to(first.scale, first.q.shape)
        return on_grid(first.q.transpose(a.get("perm")), scale.transpose(a.get("perm")), True, first.element)
    sources = x[:1] if moves_alone(op, a) else x if op == "Concat" else []
    if sources and all(f.q is not None and f.scale.size == 1 and f.scale == first.scale for f in sources):
        q = [min(f.q.min() for f in sources), max(f.q.max() for f in sources)]
        return replace(first, q=np.array(q), fixed=False)
    return None


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


def width(low, high):
    """The least width of a signed register that holds low...high."""
    return max(int(np.max(high)).bit_length(), int(-1 - min(-1, np.min(low))).bit_length()) + 1


class Layer:
    """A sum of products, with bounds of what its counted biases add up to in each channel."""

    def __init__(self, node, a, x):
        self.name, self.op, self.output = node.name or node.output[0], node.op_type, node.output[0]
        self.reasons, self.required, self.target, self.seen = [], None, None, set()
        try:
            self.read(node.domain, a, x)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            self.reasons.append(str(error))

    def read(self, domain, a, x):
        """Finds the integers of both operands and of a bias among the inputs."""
        op, (at, left_zero, right_zero, bias, _) = self.op, LAYERS[self.op]
        given = {i: fact for i, fact in enumerate(x) if fact and i}
        left = less_zero_point(x[0], given.get(left_zero), 0)
        right = less_zero_point(x[at], given.get(right_zero), 0 if "Conv" in op or a.get("transB", 0) else -1)
        weight, other = (right, left) if right.fixed else (left, right)
        if not weight.fixed or not right.fixed and "Conv" in op:
            raise ValueError("no operand is a constant of integers that are known")
        if other.q is None or other.scale.size > 1 or not left_zero and {left.element, right.element} != {FLOAT}:
            raise ValueError("its input holds no integers of one step")
        self.weights, self.range = rows(op, weight.q, right.fixed, a), (int(other.q.min()), int(other.q.max()))
        steps = rows(op, np.broadcast_to(weight.scale, weight.q.shape), right.fixed, a).astype(np.float64)
        self.scale = steps[:, 0] * other.scale.item() * (a.get("alpha", 1.0) if op == "Gemm" else 1)
        if np.any(steps != steps[:, :1]) or float(abs(self.weights).max()) * self.weights.shape[1] > 2**62:
            raise ValueError("the integers of one sum have different steps, or are too large")
        self.axis = (-1 if domain == LAST else 1 - weight.q.ndim) if "Conv" in op else -1 if right.fixed else -2
        self.bias = self.first = np.zeros((2, len(self.scale)))
        if bias in given:
            self.first = self.add(self.bias, given[bias], -1 if "Conv" in op else self.axis, a.get("beta", 1.0))

    def add(self, sums, fact, axis, factor):
        """Least and greatest of what biases add up to with one more summand, where that counts; axis is that of
        the channels, counted from the end, 0 where it is not known."""
        if fact.vague:
            raise ValueError("what is added to its sums is not known")
        if fact.q is None or not factor:
            return sums
        channels = len(self.scale)
        follows = fact.fixed and axis and fact.q.ndim >= -axis and fact.q.shape[axis] == channels

        def by_channel(values):
            values = np.broadcast_to(values, fact.q.shape).astype(np.float64)
            return np.moveaxis(values, axis, 0).reshape(channels, -1) if follows else values.reshape(1, -1)

        ratio = by_channel(fact.scale) * factor / (self.scale if axis else np.unique(self.scale))[:, None]
        multiple = np.rint(ratio)
        counts = (multiple != 0) & (abs(ratio - multiple) <= abs(multiple) * 2.0**-22)
        if not (counts.all() if axis else counts.any()):
            return sums
        ends = multiple * by_channel(fact.q)
        if not counts.all() or len(ends) not in (1, channels) or abs(ends).max() > 2**52:
            raise ValueError("a bias that is added to its sums can't be followed")
        sums = sums + [np.minimum(ends.min(axis=1), 0), np.maximum(ends.max(axis=1), 0)]
        self.bias = np.stack([np.minimum(self.bias[0], sums[0]), np.maximum(self.bias[1], sums[1])])
        return sums

    def follow(self, readers, facts, name, axis, sums):
        """Counts what is added to the sums, directly or behind operators that move elements alone."""
        if (name, axis, sums.tobytes()) in self.seen:
            return
        self.seen.add((name, axis, sums.tobytes()))
        for node in readers.get(name, []):
            op, after = node.op_type, sums
            if op in ("Add", "Sub", "Sum"):
                others = list(node.input)
                others.remove(name)
                if op == "Sub" and name == node.input[1] and (facts[others[0]].q is not None or facts[others[0]].vague):
                    raise ValueError("its sums are subtracted from integers")
                for other in others:
                    after = self.add(after, facts[other], axis, -1.0 if op == "Sub" else 1.0)
            elif op not in PASSES:
                continue
            for output in node.output:
                self.follow(readers, facts, output, axis if op in KEEPS else 0, after)

    def widths(self, tile):
        """The least widths of the register of a tile, or of the whole sum, and of the one that adds tiles."""
        low, high = (bias.astype(np.int64).astype(object) for bias in self.bias)
        starts = np.arange(0, self.weights.shape[1], tile or self.weights.shape[1])
        up, down = (np.add.reduceat(np.maximum(w, 0), starts, axis=1).astype(object)
                    for w in (self.weights, -self.weights))
        least, most = self.range
        a, b = max(most, 0), max(-least, 0)
        above, below = a * up + b * down, a * down + b * up
        if not tile:
            return width(low - below[:, 0], high + above[:, 0]), None
        # A tile of a convolution may miss products; one of another layer is finished with all of them.
        end, start = (a, b) if "Conv" in self.op else (most, -least)
        reach = [np.maximum(end * v + start * w, 0).sum(axis=1) for v, w in ((down, up), (up, down))]
        return width(-below, above), width(low - reach[0], high + reach[1])


def analyse(model, assumed):
    """The layers of a model, and what else stands against its certificate."""
    facts, layers, findings, readers = {}, [], [], {}
    if any(v.version not in OPSETS for v in model.opset_import if v.domain in ("", "ai.onnx")):
        findings.append("the operator set is not known")
    for value in model.graph.input:
        facts[value.name] = of_type(value.type.tensor_type.elem_type)
    for tensor in model.graph.initializer:
        facts[tensor.name] = from_tensor(tensor)
    for value in model.graph.sparse_initializer:
        facts[value.values.name] = Fact(vague=True)
    for node in model.graph.node:
        domain, op = ALIASES.get(node.domain, node.domain), node.op_type
        a, x = {v.name: helper.get_attribute_value(v) for v in node.attribute}, [facts.get(n) for n in node.input]
        counts, attributes = OTHERS.get((domain, op), ((), ""))
        known = domain == "" and op in (HARMLESS | LAYERS.keys()) and (domain, op)
        known = known or len(x) in counts and not set(a) - set(attributes.split()) and None not in x[7:]
        if not known or len(a) < len(node.attribute):
            if f"{domain}:{op}" not in assumed:
                findings.append(f"{domain}:{op} '{node.name or node.output[0]}' is not known and may hide a layer")
            facts.update((name, Fact(vague=True)) for name in node.output)
            continue
        for name in set(node.input):
            readers.setdefault(name, []).append(node)
        if op in LAYERS:
            layers.append(Layer(node, a, x))
            zero = LAYERS[op][4]
            element = x[zero].element if zero and len(x) > zero else INT32 if "Integer" in op else FLOAT
            facts[node.output[0]] = x[zero] if zero and len(x) > zero and x[zero].vague else of_type(element)
            continue
        data = [f for f in (x[:1] if op in PASSES - {"Concat", "Where"} or op == "Clip" else x) if f]
        vague = any(f.vague or f.element != FLOAT or f.q is not None and op in ON_GRID for f in data)
        try:
            fact = result(op, a, x)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            fact = Fact(vague=True)
        for i, name in enumerate(node.output):
            given = fact and (i == 0 or op == "Split" or op == "DynamicQuantizeLinear" and i == 2)
            facts[name] = fact if given else Fact(vague=vague or i > 0)
    for layer in layers:
        try:
            if not layer.reasons and layer.op[0] != "Q":
                layer.follow(readers, facts, layer.output, layer.axis, layer.first)
        except ValueError as error:
            layer.reasons.append(str(error))
    if model.functions or not layers:
        findings.append("it has functions, which may hide layers" if model.functions else "it has no layer")
    return layers, findings


def annotations(model):
    """What the file states of each layer's accumulator: entries, and widths by the names of outputs."""
    def once(pairs):
        if len(dict(pairs)) < len(pairs):
            raise ValueError("the file repeats a key")
        return dict(pairs)

    stated = {p.value for p in [*model.metadata_props, *getattr(model.graph, "metadata_props", [])]
              if p.key == "snug.accumulators"}
    entries = [entry for text in stated for entry in json.loads(text, object_pairs_hook=once)]
    once([("layer", entry["layer"]) for entry in entries][:0])
    for key in ("layer", "output"):
        once([(entry[key], entry) for entry in entries])
    finn = once([(v.tensor_name, once([(p.key, p.value) for p in v.quant_parameter_tensor_names]))
                 for v in model.graph.quantization_annotation])
    finn = {name: pairs.get("finn_datatype", "") for name, pairs in finn.items()}
    return entries, {name: int(v[10:-1]) for name, v in finn.items() if v.startswith("SCALEDINT<")}


def certify(path, width=None, strict=False, assumed=()):
    """The layers with their verdicts, and what else stands against a certificate."""
    model = onnx.load(path)
    for value in [v for v in model.graph.output if not v.type.tensor_type.HasField("shape")]:
        model.graph.output.remove(value)  # which ONNX demands, and nothing here reads
    checker.check_model(model)
    layers, findings = analyse(model, assumed)
    try:
        if not findings:
            shape_inference.infer_shapes(model, check_type=True, strict_mode=True)
    except Exception as error:
        findings.append(f"the types or shapes that it states are not those that follow: {error}")
    entries, finn = annotations(model)
    replaceable = {v.name for v in model.graph.input} & {t.name for t in model.graph.initializer}
    if replaceable and strict:
        findings.append("a caller can replace its initializers " + ", ".join(sorted(replaceable)))
    for layer in layers:
        entry = next((e for key, name in (("output", layer.output), ("layer", layer.name))
                      for e in entries if e[key] == name), {})
        layer.target = width or entry.get("target_bits") or finn.get(layer.output)
        if layer.reasons:
            continue
        layer.required, outer = layer.widths(entry.get("tile_size"))
        if layer.target is None or layer.required > layer.target:
            layer.reasons.append(f"it can overflow {layer.target} bits" if layer.target else "no width is given")
        if outer and outer > entry["outer_bits"]:
            layer.reasons.append(f"the sum of its tiles can overflow {entry['outer_bits']} bits")
        if entry.get("required_bits", layer.required) != layer.required:
            layer.reasons.append(f"the file states {entry['required_bits']} required bits")
    return layers, findings, "for the weights in the file" if replaceable else ""


def main():
    parser = argparse.ArgumentParser(description="Certify that no accumulator of a quantized network can overflow.")
    parser.add_argument("model")
    parser.add_argument("--accumulator-bits", type=int, metavar="P", help="instead of the widths that the file states")
    parser.add_argument("--strict", action="store_true", help="refuse weights that a caller can replace")
    parser.add_argument("--assume-no-layers-in", action="append", default=[], metavar="DOMAIN:TYPE")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    try:
        layers, findings, remark = certify(
            options.model, options.accumulator_bits, options.strict, options.assume_no_layers_in)
    except Exception as error:
        print(f"error: {options.model}: {error}", file=sys.stderr)
        return 2
    certified = not findings and not any(layer.reasons for layer in layers)
    if options.json:
        print(json.dumps({"certified": certified, "findings": findings, "layers": [
            {"name": v.name, "target_bits": v.target, "required_bits": v.required, "certified": not v.reasons,
             "reasons": v.reasons} for v in layers]}))
        return 0 if certified else 1
    for v in layers:
        print(v.name, v.op, f"target {v.target}", f"required {v.required}", "; ".join(v.reasons) or "certified", sep="  ")
    for finding in findings:
        print(finding)
    print("certified" if certified else "not certified", remark)
    return 0 if certified else 1


if __name__ == "__main__":
    sys.exit(main())
