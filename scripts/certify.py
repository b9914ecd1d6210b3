#!/usr/bin/env python3
"""Certifies that no accumulator of a quantized ONNX network can overflow, or says why it can't be certified.

A second implementation of docs/certificate.md that shares no code with `snug verify`, and refuses what it has
no rule for. It finds the integers q that each tensor can hold, where its elements are scale x q, from
constants and the definitions of operators alone. Exit status: 0 certified, 1 not, 2 an unusable file.
"""
import argparse
import json
from dataclasses import dataclass, replace
import numpy as np
import onnx
from onnx import TensorProto, checker, helper, numpy_helper
FLOAT = TensorProto.FLOAT
RANGES = {getattr(TensorProto, f"INT{b}"): (-(1 << b - 1), (1 << b - 1) - 1) for b in (4, 8, 16, 32)}
RANGES |= {getattr(TensorProto, f"UINT{b}"): (0, (1 << b) - 1) for b in (4, 8, 16, 32)}
# Sums of products: the inputs with the right operand, the zero points of both, bias, and result's zero point.
LAYERS = {"Conv": (1, 0, 0, 2, 0), "ConvTranspose": (1, 0, 0, 2, 0), "Gemm": (1, 0, 0, 2, 0),
          "MatMul": (1, 0, 0, 0, 0), "ConvInteger": (1, 2, 3, 0, 0), "MatMulInteger": (1, 2, 3, 0, 0),
          "QLinearConv": (3, 2, 5, 8, 7), "QLinearMatMul": (3, 2, 5, 0, 7), "QGemm": (3, 2, 5, 6, 8)}
# Other operators of ONNX that hide no sum of products, first those that give elements of their first input.
MOVES = set("DepthToSpace Flatten GlobalMaxPool Identity MaxPool Reshape Squeeze Transpose Unsqueeze".split())
ADDS, JOINS = {"Add", "Sub", "Sum"}, {"Cast", "Concat", "Gather", "Pad", "Slice", "Split"}
KNOWN = MOVES | ADDS | JOINS | LAYERS.keys() | set("""AveragePool BatchNormalization Clip Constant Div Relu
    Mul DequantizeLinear DynamicQuantizeLinear GlobalAveragePool QuantizeLinear
    LeakyRelu Shape Sigmoid Softmax Tanh""".split())
# Operators of other domains with the numbers of inputs, and the attributes, that they may have.
LAST = "qonnx.custom_op.channels_last"
OTHERS = {"qonnx.custom_op.general": {"Quant": (4,), "BipolarQuant": (2,), "MultiThreshold": (2,)},
          LAST: {"Conv": (2, 3), "MaxPool": (1,), "BatchNormalization": (5,)},
          "com.microsoft": {"QGemm": (9,), "QLinearAdd": (8,), "QLinearAveragePool": (5,)}}
ATTRIBUTES = set("""alpha ceil_mode count_include_pad data_layout dilations epsilon group kernel_shape narrow
    momentum out_bias out_dtype out_scale pads rounding_mode signed strides transA transB""".split())

@dataclass
class Fact:
    """What is known of a tensor: its elements are scale x integers where `q` is given, else real numbers."""
    element: int = FLOAT  # the element type
    q: np.ndarray = None  # the integers of a constant, or the least and the greatest one
    scale: np.ndarray = np.float32(1)  # one number, or of a constant one for each element
    fixed: bool = False  # whether the tensor is a constant
    floats: np.ndarray = None  # elements of a constant that isn't quantized
    vague: bool = False  # whether it may be or hold integers that no rule here finds
    length: int = 0  # the size of the last dimension, of an input of the graph
    is_real = property(lambda self: self.q is None and not self.vague)

def on_grid(q, scale, fixed, element=FLOAT):
    """Elements scale x q; nothing is known where single precision doesn't hold them."""
    q, scale = np.asarray(q), np.asarray(scale, np.float32)  # a scale of None is not a number
    exact = q.size and abs(q).max() <= (2**53 if fixed else 2**24) and (fixed or scale.size == 1)
    if not exact or not np.all(np.isfinite(scale)) or not np.all(scale):
        return Fact(element, vague=True)
    scale = scale.reshape(()) if scale.size == 1 else np.broadcast_to(scale, q.shape)
    return Fact(element, q.astype(np.int64), scale, fixed)
ZERO = Fact(q=np.array(0), fixed=True)

def of_type(element):
    """Any element of a type."""
    q = np.array(RANGES[element]) if element in RANGES else None
    return Fact(element, q, vague=q is None and element != FLOAT)

def from_tensor(tensor):
    values, element = numpy_helper.to_array(tensor), tensor.data_type
    if element in RANGES or element == TensorProto.INT64:
        return on_grid(values.astype(np.int64), 1, True, element)
    return replace(of_type(element), floats=values if element == FLOAT else None)

def along(values, rank, axis):
    """A parameter for all elements, or for each index of an axis, against a tensor of some rank."""
    shape = [-1 if i == axis % rank else 1 for i in range(rank)]
    return values if values.ndim > 1 else values.reshape(() if values.size == 1 else shape)

def less_zero_point(x, zero, axis):
    """Codes less their zero point: element by element of constants, else the extremes of both."""
    if x.fixed and zero.fixed:
        return replace(x, q=x.q - along(zero.q, x.q.ndim, axis))
    return replace(x, q=np.array([x.q.min() - zero.q.max(), x.q.max() - zero.q.min()]), fixed=False)

def quant(x, scale, zero, bits, signed, narrow, rounding_mode=b"ROUND"):
    """Quant of QONNX: (round(clip(x / scale + zero, low, high)) - zero) * scale."""
    zero, bits, scale = zero.floats, bits.floats.item(), scale.floats
    plain = rounding_mode == b"ROUND" and not np.any(zero % 1) and abs(zero).max() < 2**23
    if not plain or bits not in range(1 + signed, 33) or {signed, narrow} - {0, 1}:
        raise ValueError
    top = 1 << int(bits) - signed
    low, high = (narrow - top, top - 1) if signed else (0, top - 1 - narrow)
    if x.floats is None:
        return on_grid([low - int(zero.item()), high - int(zero.item())], scale, False)
    codes = np.clip(np.rint(x.floats / scale + zero), np.float32(low), np.float32(high))
    return on_grid(codes.astype(np.float64) - zero, scale, True)

def quantize_linear(x, scale, zero, axis=1):
    """saturate(round(x / scale) + zero point)."""
    if x.floats is None or not zero.fixed:
        return replace(of_type(zero.element), vague=zero.vague)
    codes = np.rint(x.floats / along(scale.floats, x.floats.ndim, axis)).astype(np.float64)
    codes = np.clip(codes + along(zero.q, x.floats.ndim, axis), *RANGES[zero.element])
    return on_grid(codes, 1, True, zero.element)

def result(op, a, x):
    """The fact of a node's first output: by a rule, else real numbers where no input holds integers."""
    element = x[0].element if x else None
    if op in ("Quant", "QuantizeLinear"):
        return (quant if op == "Quant" else quantize_linear)(*x, **a)
    if op == "DequantizeLinear" and not set(a) - {"axis"}:  # (x - zero point) * scale
        codes = less_zero_point(x[0], x[2] if len(x) > 2 else ZERO, a.get("axis", 1))
        return on_grid(codes.q, along(x[1].floats, codes.q.ndim, a.get("axis", 1)), codes.fixed)
    if op == "Constant":
        return from_tensor(*a.values())
    if op == "BipolarQuant":
        signs = [-1, 1] if x[0].floats is None else np.where(x[0].floats >= 0, 1, -1)
        return on_grid(signs, x[1].floats, x[0].floats is not None)
    if op == "MultiThreshold":
        step, least = a.get("out_scale", 1.0), a.get("out_bias", 0.0) / a.get("out_scale", 1.0)
        return on_grid([int(least), int(least) + x[1].floats.shape[1]], None if least % 1 else step, False)
    typed = {"QLinearAdd": element, "QLinearAveragePool": element, "DynamicQuantizeLinear": TensorProto.UINT8}
    if op in typed or op == "Cast" and a["to"] != FLOAT:
        return of_type(typed[op] if op in typed else a["to"])
    if op == "Clip" and element in RANGES:
        low, high = (f.q.item() if f else end for f, end in zip((x + [None] * 2)[1:], RANGES[element]))
        return replace(x[0], q=np.clip(x[0].q, low, high)) if low <= high else Fact(vague=True)
    whole = op != "MaxPool" or not a.get("ceil_mode") and max(a.get("pads", [0])) < min(a["kernel_shape"])
    whole = whole and set(a.get("dilations", [1])) == {1}  # no window of MaxPool lies in padding alone
    sources = x if op == "Concat" else x[:1] if op in MOVES and whole else []
    if sources and all(f.q is not None and f.scale.size == 1 and f.scale == x[0].scale for f in sources):
        return Fact(element, np.array([min(f.q.min() for f in sources), max(f.q.max() for f in sources)]),
                    x[0].scale)
    data = [f for f in (x[:1] if op in MOVES | {"Gather", "Pad", "Slice", "Split"} else x) if f]
    return Fact(vague=not all(f.element == FLOAT and (f.is_real or op in ADDS and not f.vague) for f in data))

def rows(op, values, a):
    """A constant operand with one row a channel, products in the order in which the file stores them."""
    if op == "ConvTranspose":
        values = values.reshape(a.get("group", 1), -1, *values.shape[1:2], values[0, 0].size)
        return values.swapaxes(1, 2).reshape(values.shape[0] * values.shape[2], -1)
    if "Conv" in op:
        return values.reshape(len(values), -1)
    values = values if a.get("transB", 0) or values.ndim == 1 else values.swapaxes(-1, -2)
    return values.reshape(-1, values.shape[-1])

def width(low, high):
    """The least width of a signed register that holds low...high."""
    return max(int(np.max(high)).bit_length(), int(-1 - min(-1, np.min(low))).bit_length()) + 1

class Layer:
    """A sum of products, with bounds of what biases add to it in each channel."""
    def __init__(self, node):
        self.name, self.op, self.output = node.name or node.output[0], node.op_type, node.output[0]
        self.reasons, self.required, self.target = [], None, None

    def read(self, domain, a, x):
        """Finds the integers of both operands and of a bias among the inputs."""
        op, (at, left_zero, right_zero, bias, _) = self.op, LAYERS[self.op]
        given = {i: fact for i, fact in enumerate(x) if fact and i}
        left = less_zero_point(x[0], given.get(left_zero, ZERO), -2)
        axis = 0 if "Conv" in op or a.get("transB", 0) else -1
        right = less_zero_point(x[at], given.get(right_zero, ZERO), axis)
        if not left.fixed and not right.fixed and op == "MatMulInteger" and x[0].length:
            products = np.outer([left.q.min(), left.q.max()], [right.q.min(), right.q.max()])
            left, right = replace(left, q=products), on_grid(np.ones((x[0].length, 1), np.int64), 1, True)
        codes = {left.element, right.element} != {FLOAT}
        if left.q is None or left.scale.size > 1 or not right.fixed or codes and not left_zero:
            raise ValueError("its operands are not integers of one step and a constant of integers")
        self.weights, self.range = rows(op, right.q, a), (int(left.q.min()), int(left.q.max()))
        shape, self.last = right.q.shape, domain == LAST
        inputs = shape[0] // a.get("group", 1) if op == "ConvTranspose" else shape[-1] if self.last else shape[1 % len(shape)]
        inputs = inputs if "Conv" in op else self.weights.shape[1]
        self.kernel = inputs, self.weights.shape[1] // max(inputs, 1)
        steps = rows(op, np.broadcast_to(right.scale, right.q.shape), a).astype(np.float64)
        self.scale = steps[:, 0] * left.scale.item() * (a.get("alpha", 1.0) if op == "Gemm" else 1)
        if np.any(steps != steps[:, :1]) or float(abs(self.weights).max()) * self.weights.shape[1] > 2**62:
            raise ValueError("the integers of one sum have different steps, or are too large")
        # The axis of the channels in the result, counted from the end, 0 where it isn't known.
        plain = domain == LAST or right.q.ndim < 3
        self.axis = -1 if plain else 1 - right.q.ndim if "Conv" in op else 0
        self.bias = np.zeros((2, len(self.scale)))
        if bias in given:
            self.add(self.bias, given[bias], -1, a.get("beta", 1.0))

    def add(self, sums, fact, axis, factor):
        """Bounds of what biases add up to with one more, in steps of the accumulator whatever its own are."""
        if fact.is_real:
            return sums
        values = np.nan * self.scale if fact.vague else fact.q * fact.scale.astype(np.float64) * factor
        aligned = fact.fixed and axis and values.ndim >= -axis and values.shape[axis] == len(self.scale)
        values = np.moveaxis(values, axis, 0) if aligned else values.reshape(1, -1)
        ends = values.reshape(len(values), -1) / self.scale[:, None]
        ends = np.where(abs(ends - np.rint(ends)) <= abs(ends) * 2.0**-22, np.rint(ends), ends)
        low, high = np.floor(ends.min(axis=1, initial=0)), np.ceil(ends.max(axis=1, initial=0))
        if not abs(ends).max() <= 2**52:
            self.reasons.append("what is added to its sums has no known bounds")
        sums = sums + (np.stack([low, high]) if axis else [[low.min()], [high.max()]])
        self.bias = np.stack([np.minimum(self.bias[0], sums[0]), np.maximum(self.bias[1], sums[1])])
        return sums

    def tiles(self, size, order):
        """The products of each tile as places in a row."""
        channels, places = self.kernel[0], np.arange(self.weights.shape[1])
        if order != "stored" and not self.last:
            places = places.reshape(self.kernel).T.ravel()
        end = channels if order == "within-position" else len(places)
        return [places[i:i + end][j:j + size] for i in range(0, len(places), end) for j in range(0, end, size)]

    def widths(self, tile, orders=("stored",)):
        """The least widths of the register of a tile, or of the whole sum, and of the one that adds tiles."""
        if tile and "any" in orders:
            return self.widths_of_any(tile)
        both = [self.widths_in(tile, order) for order in orders]
        return max(inner for inner, _ in both), max(outer for _, outer in both)

    def widths_of_any(self, tile):
        """The same where a tile is any so many products."""
        a, b = max(self.range[1], 0), max(-self.range[0], 0)
        above, below = (np.sort(np.where(self.weights > 0, u * self.weights, -v * self.weights), axis=1)[:, -tile:].sum(axis=1)
                        for u, v in ((a, b), (b, a)))
        return width(-below, above), self.widths_in(None, "stored")[0]

    def widths_in(self, tile, order):
        low, high = (bias.astype(np.int64).astype(object) for bias in self.bias)
        runs = self.tiles(tile, order) if tile else [np.arange(self.weights.shape[1])]
        up, down = (np.stack([np.maximum(w[:, run], 0).sum(axis=1) for run in runs], axis=1).astype(object)
                    for w in (self.weights, -self.weights))
        a, b = max(self.range[1], 0), max(-self.range[0], 0)
        above, below = a * up + b * down, a * down + b * up
        if not tile:
            return width(low - below[:, 0], high + above[:, 0]), 0
        # A tile of a convolution may miss products; one of another layer is finished with all of them.
        end, start = (a, b) if "Conv" in self.op else (self.range[1], -self.range[0])
        reach = [np.maximum(end * v + start * w, 0).sum(axis=1) for v, w in ((down, up), (up, down))]
        return width(-below, above), width(low - reach[0], high + reach[1])

def pass_on(node, x, carried):
    """Counts what additions add to the sums of layers, and finds the layers whose sums the result carries."""
    found, op = {}, node.op_type
    for i, name in enumerate(node.input if op in MOVES | ADDS | JOINS else []):
        for layer, (axis, sums) in carried.get(name, {}).items():
            others = x[:i] + x[i + 1:] if op in ADDS else []
            if layer in found or op == "Sub" and i == 1 and not others[0].is_real:
                layer.reasons.append("its sums are subtracted from integers, or reach a node by two ways")
            for other in others:
                sums = layer.add(sums, other, axis, -1.0 if op == "Sub" else 1.0)
            found[layer] = axis if op in ADDS | {"Cast", "Identity"} else 0, sums
    carried.update(dict.fromkeys(node.output, found))

def analyse(model):
    """The layers of a model, and what else stands against its certificate."""
    facts, layers, findings, carried = {"": None}, [], [], {}
    for value in model.graph.input:
        sizes = [0, *(d.dim_value for d in value.type.tensor_type.shape.dim)]
        facts[value.name] = replace(of_type(value.type.tensor_type.elem_type), length=sizes[-1])
    facts.update((t.name, from_tensor(t)) for t in model.graph.initializer)
    for node in model.graph.node:
        domain, op, x, layer = node.domain, node.op_type, [facts[name] for name in node.input], None
        a = {v.name: helper.get_attribute_value(v) for v in node.attribute}
        known = len(x) in OTHERS.get(domain, {}).get(op, ()) and set(a) <= ATTRIBUTES and None not in x[7:]
        facts.update((name, Fact(vague=True)) for name in node.output)
        if not (known or not domain and op in KNOWN) or len(a) < len(node.attribute):
            findings.append(f"{domain}:{op} '{node.name}' is not known and may hide a layer")
            continue
        pass_on(node, x, carried)
        try:
            if op in LAYERS:
                layer, at = Layer(node), LAYERS[op][4]
                layers.append(layer)
                zero = x[at] if at else of_type(TensorProto.INT32 if "Integer" in op else FLOAT)
                facts[layer.output] = zero if zero.vague else of_type(zero.element)
                layer.read(domain, a, x)
                carried[layer.output] = {layer: (layer.axis, layer.bias)} if not at else {}
                continue
            same = node.output[::2] if op == "DynamicQuantizeLinear" else node.output[:1]
            facts.update(dict.fromkeys(same, result(op, a, x)))
        except Exception as error:  # of a malformed operator: nothing is known of its result
            (layer.reasons if layer else []).append(f"no integers are known ({error})")
    return layers, findings + ([] if layers else ["it has no layer to certify"])

def once(pairs):
    """A dictionary of pairs whose keys don't repeat."""
    if len(dict(pairs)) < len(pairs):
        raise ValueError("an annotation of the file repeats a key or names a layer twice")
    return dict(pairs)

def certify(path, width=None):
    """The layers with their verdicts, what else stands against a certificate, and what it depends on."""
    model = onnx.load(path)
    opsets = {v.version for v in model.opset_import if v.domain in ("", "ai.onnx")}
    if model.functions or not opsets <= set(range(7, 24)):  # onnx's checker can crash on recursive functions
        raise ValueError("it has functions, which may hide layers, or an operator set that is not known")
    for value in [v for v in model.graph.output if not v.type.tensor_type.HasField("shape")]:
        model.graph.output.remove(value)  # onnx demands a shape, and nothing here reads it
    checker.check_model(model, full_check=True)  # types and shapes are those that follow
    layers, findings = analyse(model)
    replaceable = {v.name for v in model.graph.input} & {t.name for t in model.graph.initializer}
    texts = once([(p.key, p.value) for p in model.metadata_props])
    entries = json.loads(texts.get("snug.accumulators", "[]"), object_pairs_hook=once)
    by_output, by_name = (once([(e[key], e) for e in entries]) for key in ("output", "layer"))
    for layer in [v for v in layers if not v.reasons]:
        entry = by_output.get(layer.output) or by_name.get(layer.name) or {}
        layer.target = width or entry.get("target_bits", 0)
        orders = entry.get("products", "stored")
        layer.required, outer = layer.widths(entry.get("tile_size"), [orders] if isinstance(orders, str) else orders)
        if entry.get("operands", "values") != "values":
            layer.reasons.append("sums of bytes, from which no zero point is subtracted, are not known here")
        same = entry.get("required_bits", layer.required) == layer.required
        if layer.required > layer.target or outer > entry.get("outer_bits", 0) or not same:
            layer.reasons.append(f"{layer.target} bits don't hold it, or the file states other widths")
    return layers, findings, "for the weights in the file" if replaceable else ""

def main():
    parser = argparse.ArgumentParser(description="Certify that the accumulators of a network can't overflow.")
    parser.add_argument("model")
    parser.add_argument("--accumulator-bits", type=int, metavar="P", help="instead of what the file states")
    options = parser.parse_args()
    try:
        layers, findings, remark = certify(options.model, options.accumulator_bits)
    except Exception as error:
        parser.error(f"{options.model}: {error}")
    for v in layers:
        print(f"{v.name} ({v.op}): target {v.target}, required {v.required};", *v.reasons or ["certified"])
    refused = findings or any(layer.reasons for layer in layers)
    print(*findings, "not certified" if refused else f"certified {remark}", sep="\n")
    return 1 if refused else 0

if __name__ == "__main__":
    raise SystemExit(main())
