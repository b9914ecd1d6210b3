#!/usr/bin/env python3
"""Certifies that no accumulator of a quantized ONNX network can overflow, or says why it can't be certified.

A second implementation of docs/certificate.md, for those who don't want to trust `snug verify` alone. It
shares no code with it, needs the packages onnx and numpy, and refuses what it has no rule for. One pass
over the nodes finds the integers q that each tensor can hold, where its elements are scale x q, from the
constants of the file and the definitions of its operators; types and shapes that the file states are never
relied on.

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
FLOAT, ONE = TensorProto.FLOAT, np.float32(1)
RANGES = {getattr(TensorProto, f"INT{b}"): (-(1 << b - 1), (1 << b - 1) - 1) for b in (4, 8, 16, 32)}
RANGES |= {getattr(TensorProto, f"UINT{b}"): (0, (1 << b) - 1) for b in (4, 8, 16, 32)}
GENERAL, LAST, MICROSOFT = "qonnx.custom_op.general", "qonnx.custom_op.channels_last", "com.microsoft"
# Sums of products: the inputs with the right operand, the zero points of both, bias, and result's zero point.
LAYERS = {"Conv": (1, 0, 0, 2, 0), "ConvTranspose": (1, 0, 0, 2, 0), "Gemm": (1, 0, 0, 2, 0),
          "MatMul": (1, 0, 0, 0, 0), "ConvInteger": (1, 2, 3, 0, 0), "MatMulInteger": (1, 2, 3, 0, 0),
          "QLinearConv": (3, 2, 5, 8, 7), "QLinearMatMul": (3, 2, 5, 0, 7), "QGemm": (3, 2, 5, 6, 8)}
# Operators of other domains, with the numbers of inputs and the attributes that they may have.
OTHERS = {(GENERAL, "Quant"): ((4,), "signed narrow rounding_mode"), (GENERAL, "BipolarQuant"): ((2,), ""),
          (GENERAL, "MultiThreshold"): ((2,), "data_layout out_bias out_dtype out_scale"),
          (LAST, "Conv"): ((2, 3), "dilations group kernel_shape pads strides"),
          (LAST, "MaxPool"): ((1,), "ceil_mode dilations kernel_shape pads storage_order strides"),
          (LAST, "BatchNormalization"): ((5,), "epsilon momentum training_mode"),
          (MICROSOFT, "QGemm"): ((6, 7, 9), "alpha transA transB"), (MICROSOFT, "QLinearAdd"): ((8,), ""),
          (MICROSOFT, "QLinearAveragePool"): ((5,), "ceil_mode count_include_pad kernel_shape pads strides")}
# Operators of ONNX whose results are elements of their first input, so that they hold the same integers;
MOVES = set("""DepthToSpace Expand Flatten Gather GlobalMaxPool Identity MaxPool Reshape Resize Slice
    SpaceToDepth Split Squeeze Tile Transpose Unsqueeze Upsample""".split())
# those that hand a sum of products on to what is added behind them;
PASSES = MOVES | set("""Add Cast CastLike Compress Concat Dropout GatherElements GatherND Pad ReverseSequence
    Sub Sum Where""".split())
# those whose results may be integers in steps of a scale where their inputs are;
ON_GRID = PASSES - {"Add", "Sub", "Sum"} | set("""BipolarQuant Clip DequantizeLinear Div Max Min Mul
    MultiThreshold Neg Quant QuantizeLinear ReduceMax ReduceMin Relu ScatterElements ScatterND TopK
    Trilu""".split())
# and those that hide no sum of products.
HARMLESS = PASSES | ON_GRID | set("""Abs And ArgMax ArgMin AveragePool BatchNormalization Ceil Constant
    ConstantOfShape Cos CumSum DynamicQuantizeLinear Elu Equal Erf Exp Floor Gelu GlobalAveragePool Greater
    GreaterOrEqual GroupNormalization HardSigmoid HardSwish InstanceNormalization LRN LayerNormalization
    LeakyRelu Less LessOrEqual Log LogSoftmax Mean Mod Not Or PRelu Pow Range Reciprocal ReduceL1 ReduceL2
    ReduceMean ReduceProd ReduceSum Round Selu Shape Sigmoid Sign Sin Size Softmax Softplus Softsign Sqrt Tanh
    Xor""".split())
ROUNDING = {b"ROUND": np.rint, b"CEIL": np.ceil, b"FLOOR": np.floor, b"DOWN": np.trunc}
MALFORMED = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


@dataclass
class Fact:
    """What is known of a tensor: its elements are scale x integers where `q` is given, else real numbers."""
    element: int = FLOAT  # the element type
    q: np.ndarray = None  # the integers of a constant, or the least and the greatest one
    scale: np.ndarray = ONE  # one number, or of a constant one for each element
    fixed: bool = False  # whether the tensor is a constant
    floats: np.ndarray = None  # elements of a constant that isn't quantized
    vague: bool = False  # whether it may be or hold integers that no rule here finds
    length: int = 0  # the size of the last dimension, of an input of the graph

    is_real = property(lambda self: self.q is None and not self.vague)


def on_grid(q, scale, fixed, element=FLOAT):
    """Elements scale x q; nothing is known where single precision doesn't hold them."""
    q, scale = np.asarray(q), np.asarray(np.nan if scale is None else scale, np.float32)
    exact = q.size and abs(q).max() <= (2**53 if fixed else 2**24)
    if not exact or not np.all(np.isfinite(scale)) or not np.all(scale) or not fixed and scale.size > 1:
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
    floats = numpy_helper.to_array(tensor) if tensor.data_type == FLOAT else None
    return replace(of_type(tensor.data_type), floats=floats)


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


def quant(x, scale, zero, bits, signed, narrow, rounding_mode=b"ROUND"):
    """Quant of QONNX: (round(clip(x / scale + zero, low, high)) - zero) * scale, in single precision."""
    scale, zero, width = scale.floats, zero.floats, bits.floats.item()
    if width not in range(1, 33) or {signed, narrow} - {0, 1} or np.any(zero % 1) or abs(zero).max() > 2**23:
        return Fact(vague=True)
    bipolar, top = signed and width == 1, 1 << int(width) - signed
    low, high = (-1, 1) if bipolar else (narrow - top if signed else 0, top - 1 - (narrow and not signed))
    if x.floats is None:
        return on_grid([low - int(zero.item()), high - int(zero.item())], scale, False)
    codes = x.floats / scale + zero
    codes = np.where(codes >= 0, ONE, -ONE) if bipolar else ROUNDING[rounding_mode](np.clip(codes, low, high))
    codes = codes - zero
    exact = codes.dtype == np.float32 and codes.shape == x.floats.shape and np.all(np.isfinite(codes))
    return on_grid(codes.astype(np.int64), scale, True) if exact else Fact(vague=True)


def quantize_linear(x, scale, zero=None, axis=1):
    """saturate(round(x / scale) + zero point), halves to even, in single precision."""
    kind = of_type(zero.element if zero else TensorProto.UINT8)
    if x.floats is None or scale.floats is None or zero and not zero.fixed:
        return kind if kind.q is not None else Fact(vague=True)
    codes = np.rint(x.floats / along(scale.floats, x.floats.ndim, axis)).astype(np.float64)
    codes = np.clip(codes + (along(zero.q, x.floats.ndim, axis) if zero else 0), *kind.q)
    return kind if np.any(np.isnan(codes)) else on_grid(codes.astype(np.int64), 1, True, kind.element)


def dequantize_linear(x, scale, zero=None, axis=1):
    """(x - zero point) * scale."""
    codes = less_zero_point(x, zero, axis)
    return on_grid(codes.q, along(scale.floats, codes.q.ndim, axis), codes.fixed)


def moves_alone(op, a):
    """Whether each element of the result is one of the first input."""
    if op == "MaxPool":  # a window that lies in padding alone holds another value
        reach = max(a.get("pads", [0])) + (max(a.get("strides", [1])) - 1 if a.get("ceil_mode", 0) else 0)
        return reach < min(a["kernel_shape"]) and set(a.get("dilations", [1])) == {1}
    crops = a.get("coordinate_transformation_mode") == b"tf_crop_and_resize"
    return op in MOVES and a.get("mode", b"nearest") in (b"nearest", b"DCR", b"CRD") and not crops


def result(op, a, x):
    """The fact of a node's first output, None without a rule; x are those of its inputs."""
    first = x[0] if x else None
    if op in ("Quant", "QuantizeLinear", "DequantizeLinear"):
        return {"Quant": quant, "QuantizeLinear": quantize_linear}.get(op, dequantize_linear)(*x, **a)
    if op == "BipolarQuant":
        signs = [-1, 1] if first.floats is None else np.where(first.floats >= 0, 1, -1)
        return on_grid(signs, x[1].floats, first.floats is not None)
    if op == "MultiThreshold" and not a.get("out_bias", 0.0) / a.get("out_scale", 1.0) % 1:
        least, step = int(a.get("out_bias", 0.0) / a.get("out_scale", 1.0)), a.get("out_scale", 1.0)
        return on_grid([least, least + x[1].floats.shape[1]], step, False)
    if op == "Cast" and a["to"] != FLOAT or op == "DynamicQuantizeLinear":
        return of_type(a.get("to", TensorProto.UINT8))
    if op in ("QLinearAdd", "QLinearAveragePool"):
        return of_type(first.element)
    if op in ("ArgMax", "ArgMin", "Shape", "Size", "Constant"):
        return from_tensor(a["value"]) if list(a) == ["value"] else Fact(vague=True)
    if op == "Clip" and first.element in RANGES:
        low, high = (f.q.item() if f else end for f, end in zip((x + [None] * 2)[1:3], RANGES[first.element]))
        return replace(first, q=np.clip(first.q, low, high)) if low <= high else None
    if op == "Transpose" and first.fixed:
        scale = np.broadcast_to(first.scale, first.q.shape).transpose(a.get("perm"))
        return on_grid(first.q.transpose(a.get("perm")), scale, True, first.element)
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
    """A sum of products, with bounds of what biases add to it in each channel."""

    def __init__(self, node):
        self.name, self.op, self.output = node.name or node.output[0], node.op_type, node.output[0]
        self.reasons, self.required, self.target, self.seen = [], None, None, set()

    def read(self, domain, a, x):
        """Finds the integers of both operands and of a bias among the inputs."""
        op, (at, left_zero, right_zero, bias, _) = self.op, LAYERS[self.op]
        given = {i: fact for i, fact in enumerate(x) if fact and i}
        left = less_zero_point(x[0], given.get(left_zero), 0)
        right = less_zero_point(x[at], given.get(right_zero), 0 if "Conv" in op or a.get("transB", 0) else -1)
        if not left.fixed and not right.fixed and op == "MatMulInteger" and x[0].length:
            products = np.outer([left.q.min(), left.q.max()], [right.q.min(), right.q.max()])
            left, ones = replace(left, q=products), np.ones((x[0].length, 1), np.int64)
            right = replace(right, q=ones, fixed=True)
        weight, other = (right, left) if right.fixed else (left, right)
        if not weight.fixed or not right.fixed and "Conv" in op:
            raise ValueError("no operand is a constant of integers that are known")
        codes = {left.element, right.element} != {FLOAT}
        if other.q is None or other.scale.size > 1 or codes and not left_zero:
            raise ValueError("its input holds no integers of one step")
        self.weights = rows(op, weight.q, right.fixed, a)
        self.range = int(other.q.min()), int(other.q.max())
        steps = rows(op, np.broadcast_to(weight.scale, weight.q.shape), right.fixed, a).astype(np.float64)
        self.scale = steps[:, 0] * other.scale.item() * (a.get("alpha", 1.0) if op == "Gemm" else 1)
        if np.any(steps != steps[:, :1]) or float(abs(self.weights).max()) * self.weights.shape[1] > 2**62:
            raise ValueError("the integers of one sum have different steps, or are too large")
        self.axis = -1 if right.fixed else -2
        self.bias = self.first = np.zeros((2, len(self.scale)))
        if bias in given:
            self.first = self.add(self.bias, given[bias], self.axis, a.get("beta", 1.0))
        if "Conv" in op and domain != LAST:
            self.axis = 1 - weight.q.ndim

    def add(self, sums, fact, axis, factor):
        """Least and greatest of what biases add up to with one more, in steps of the accumulator, whatever
        its own step is; axis is that of the channels, counted from the end, 0 where it isn't known."""
        if fact.vague:
            raise ValueError("what is added to its sums is not known")
        if fact.q is None:
            return sums
        values, channels = fact.q * fact.scale.astype(np.float64) * factor, len(self.scale)
        aligned = fact.fixed and axis and values.ndim >= -axis and values.shape[axis] == channels
        values = np.moveaxis(values, axis, 0).reshape(channels, -1) if aligned else values.reshape(1, -1)
        ends = np.stack([values.min(axis=1) / self.scale, values.max(axis=1) / self.scale])
        ends = np.where(abs(ends - np.rint(ends)) <= abs(ends) * 2.0**-22, np.rint(ends), ends)
        low, high = np.floor(np.minimum(ends.min(axis=0), 0)), np.ceil(np.maximum(ends.max(axis=0), 0))
        if not abs(ends).max() <= 2**52:
            raise ValueError("a bias has no useful bounds")
        if not axis:  # any channel may have any of them
            low, high = low.min(), high.max()
        sums = np.stack([sums[0] + low, sums[1] + high])
        self.bias = np.stack([np.minimum(self.bias[0], sums[0]), np.maximum(self.bias[1], sums[1])])
        return sums

    def follow(self, readers, facts, name, axis, sums):
        """Counts what is added to a result, directly or behind operators that move elements."""
        if (name, axis, sums.tobytes()) in self.seen:
            return
        self.seen.add((name, axis, sums.tobytes()))
        for node in readers.get(name, []):
            op, after, others = node.op_type, sums, list(node.input)
            others.remove(name)
            if op == "Sub" and name == node.input[1] and not facts[others[0]].is_real:
                raise ValueError("its sums are subtracted from integers")
            for other in others if op in ("Add", "Sub", "Sum") else []:
                after = self.add(after, facts[other], axis, -1.0 if op == "Sub" else 1.0)
            for output in node.output if op in PASSES else []:
                keeps = op in ("Add", "Cast", "Dropout", "Identity", "Sub", "Sum")
                self.follow(readers, facts, output, axis if keeps else 0, after)

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
    facts, layers, findings, readers = {"": None}, [], [], {}
    for value in model.graph.input:
        kind = value.type.tensor_type
        sizes = [0, *(d.dim_value for d in kind.shape.dim)]
        facts[value.name] = replace(of_type(kind.elem_type), length=sizes[-1])
    facts.update((t.name, from_tensor(t)) for t in model.graph.initializer)
    facts.update((t.values.name, Fact(vague=True)) for t in model.graph.sparse_initializer)
    opsets = {v.version for v in model.opset_import if v.domain in ("", "ai.onnx")}
    if model.functions or not opsets <= set(OPSETS):
        findings.append("it has functions, which may hide layers, or an operator set that is not known")
    for node in model.graph.node:
        domain, op, x = node.domain, node.op_type, [facts[name] for name in node.input]
        a = {v.name: helper.get_attribute_value(v) for v in node.attribute}
        counts, attributes = OTHERS.get((domain, op), ((), ""))
        known = domain in ("", "ai.onnx") and op in HARMLESS | LAYERS.keys()
        known |= len(x) in counts and not set(a) - set(attributes.split()) and None not in x[7:]
        facts.update((name, Fact(vague=True)) for name in node.output)
        if not known or len(a) < len(node.attribute):
            if f"{domain}:{op}" not in assumed:
                findings.append(f"{domain}:{op} '{node.name}' is not known and may hide a layer")
            continue
        for name in set(node.input):
            readers.setdefault(name, []).append(node)
        layer, fact = Layer(node) if op in LAYERS else None, None
        try:
            if layer:
                layers.append(layer)
                zero = x[LAYERS[op][4]] if 0 < LAYERS[op][4] < len(x) else None
                element = TensorProto.INT32 if "Integer" in op else FLOAT
                fact = of_type(element) if not zero else zero if zero.vague else of_type(zero.element)
                layer.read(domain, a, x)
            else:
                fact = result(op, a, x)
        except MALFORMED as error:
            fact = fact or Fact(vague=True)
            if layer:
                layer.reasons.append(str(error))
        if not fact:
            data = [f for f in (x[:1] if op in PASSES - {"Add", "Sub", "Sum", "Concat", "Where"} else x) if f]
            codes = any(f.vague or f.element != FLOAT for f in data)
            fact = Fact(vague=codes or op in ON_GRID and not all(f.is_real for f in data))
        same = {"Split": node.output, "DynamicQuantizeLinear": node.output[::2]}.get(op, node.output[:1])
        facts.update((name, fact) for name in same)
    for layer in layers:
        try:
            if not layer.reasons and layer.op[0] != "Q":
                layer.follow(readers, facts, layer.output, layer.axis, layer.first)
        except ValueError as error:
            layer.reasons.append(str(error))
    return layers, findings + ([] if layers else ["it has no layer to certify"])


def once(pairs):
    """A dictionary of pairs whose keys don't repeat."""
    if len(dict(pairs)) < len(pairs):
        raise ValueError("an annotation of the file repeats a key or names a layer twice")
    return dict(pairs)


def certify(path, width=None, strict=False, assumed=()):
    """The layers with their verdicts, what else stands against a certificate, and what it depends on."""
    model = onnx.load(path)
    for value in [v for v in model.graph.output if not v.type.tensor_type.HasField("shape")]:
        model.graph.output.remove(value)  # onnx demands a shape, and nothing here reads it
    checker.check_model(model)
    layers, findings = analyse(model, assumed)
    try:
        if not findings:
            shape_inference.infer_shapes(model, check_type=True, strict_mode=True)
    except Exception as error:
        findings.append(f"the types or shapes that it states are not those that follow: {error}")
    replaceable = {v.name for v in model.graph.input} & {t.name for t in model.graph.initializer}
    if replaceable and strict:
        findings.append("a caller can replace its initializers " + ", ".join(sorted(replaceable)))
    texts = {p.value for p in [*model.metadata_props, *getattr(model.graph, "metadata_props", [])]
             if p.key == "snug.accumulators"}
    entries = [entry for text in texts for entry in json.loads(text, object_pairs_hook=once)]
    entries = [once([(e["output"], e) for e in entries]), once([(e["layer"], e) for e in entries])]
    finn = once([(v.tensor_name, once([(p.key, p.value) for p in v.quant_parameter_tensor_names]).get(
        "finn_datatype", "")) for v in model.graph.quantization_annotation])
    for layer in layers:
        entry = entries[0].get(layer.output) or entries[1].get(layer.name) or {}
        stated = finn.get(layer.output, "")
        stated = int(stated[10:-1]) if stated[:10] == "SCALEDINT<" else None
        layer.target = width or entry.get("target_bits") or stated
        if layer.reasons:
            continue
        layer.required, outer = layer.widths(entry.get("tile_size"))
        if layer.target is None or layer.required > layer.target:
            stated = f"it can overflow {layer.target} bits" if layer.target else "no width is stated"
            layer.reasons.append(stated)
        if outer and outer > entry["outer_bits"]:
            layer.reasons.append(f"the sum of its tiles can overflow {entry['outer_bits']} bits")
        if entry.get("required_bits", layer.required) != layer.required:
            layer.reasons.append(f"the file states that {entry['required_bits']} bits are required")
    return layers, findings, "for the weights in the file" if replaceable else ""


def main():
    parser = argparse.ArgumentParser(description="Certify that the accumulators of a network can't overflow.")
    parser.add_argument("model")
    parser.add_argument("--accumulator-bits", type=int, metavar="P", help="instead of what the file states")
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
        verdict = "; ".join(v.reasons) or "certified"
        print(v.name, v.op, f"target {v.target}", f"required {v.required}", verdict, sep="  ")
    print(*findings, "certified" if certified else "not certified", sep="\n", end=f" {remark}\n")
    return 0 if certified else 1


if __name__ == "__main__":
    sys.exit(main())
