"""Parts that families of graphs are made of: operands, what is done to them, sums of products and biases."""

import numpy as np

from graph import DOUBLE, FLOAT, GENERAL, INT4, INT8, INT32, MICROSOFT, RANGES, UINT8, Sum, Summand

MODES = ("ROUND", "ROUND", "CEIL", "FLOOR", "UP", "DOWN", "HALF_UP", "HALF_DOWN")


def step(g, negative=0.0):
    scale = g.pick(1.0, 1.0, 0.5, 2.0, 0.25, 0.1, 0.037)
    return -scale if g.chance(negative) else scale


def real(g, shape, scale=1.0):
    """An input of real numbers."""
    reach = 4096.0 * abs(scale)
    return g.input(shape, FLOAT, (-reach, reach, 0.0, 3 * scale, -2 * scale, 7.3 * scale))


def activation(g, shape, style=None, negative=0.0, scale=None, bits=None):
    """A run-time operand of integers in steps of a scale."""
    style = style or g.pick("quant", "quant", "qdq", "bipolar", "narrow qdq")
    scale = step(g, negative) if scale is None else scale
    x = real(g, shape, scale)
    if style == "quant":
        signed = g.integer(0, 1)
        zero = float(g.integer(-3, 12)) if g.chance(0.2) else 0.0
        return g.quant(x, scale, zero, bits or g.integer(1, 8), signed, g.integer(0, 1), g.pick(*MODES))
    if style == "bipolar":
        factor = g.constant(np.float32(scale), hint="q")
        return g.op("BipolarQuant", [x, factor], x.shape, step=float(np.float32(scale)), domain=GENERAL)
    scale = abs(scale) if g.chance(0.7) else scale
    element = g.pick(UINT8, INT8)
    zero = g.integer(*RANGES[element]) if g.chance(0.5) else 0
    codes = g.quantize(x, scale, zero, element)
    if style == "narrow qdq":
        codes = clipped(g, codes)
    return g.dequantize(codes, scale, zero)


def codes(g, shape, element=UINT8):
    """A run-time tensor of an integer type."""
    style = g.pick("input", "input", "quantized", "clipped", "dynamic")
    if style == "input" or style == "clipped" or element not in (UINT8, INT8):
        low, high = RANGES[element]
        value = g.input(shape, element, (low, high, 0, 1, high // 2))
        return clipped(g, value) if style == "clipped" else value
    x = real(g, shape)
    if style == "dynamic" and element == UINT8:
        value, _, zero = g.op("DynamicQuantizeLinear", [x], [shape, (), ()], UINT8, outputs=3)
        value.zero = zero
        return value
    return g.quantize(x, step(g), g.integer(*RANGES[element]), element)


def clipped(g, codes):
    low, high = sorted(g.integer(*RANGES[codes.element]) for _ in range(2))
    if g.chance(0.1):
        low, high = high, low
    limits = [g.constant(low, codes.element), g.constant(high, codes.element)]
    value = g.op("Clip", [codes, *limits], codes.shape, codes.element, codes.step)
    value.constant = codes.constant
    return value


def integers(g, shape, low=-8, high=7):
    """Weights, of mixed or of one sign."""
    kind = g.pick("mixed", "mixed", "positive", "negative", "extreme", "ternary")
    values = g.rng.integers(low, high + 1, size=shape)
    if kind == "positive":
        values = np.abs(values)
    elif kind == "negative":
        values = -np.abs(values)
    elif kind == "extreme":
        values = np.where(values < 0, low, high)
    elif kind == "ternary":
        values = np.sign(values)
    return np.clip(values, low, high)


def weight(g, shape, style=None, negative=0.0):
    """A constant operand of integers in steps of a scale."""
    style = style or g.pick("quant", "quant", "dq", "dq", "qdq", "dq4", "bipolar")
    scale = step(g, negative)
    if style == "dq4" and g.opset < 21:
        style = "dq"
    if style == "quant":
        bits = g.integer(2, 8)
        low, high = -(2 ** (bits - 1)) + 1, 2 ** (bits - 1) - 1
        values = integers(g, shape, low, high) + g.rng.choice([0, 0.2, -0.3, 0.5], size=shape)
        x = g.constant(np.float32(values) * np.float32(scale), hint="w")
        value = g.quant(x, scale, 0, bits, 1, g.integer(0, 1), g.pick(*MODES))
    elif style == "bipolar":
        factor = g.constant(np.float32(scale), hint="q")
        x = g.constant(np.float32(integers(g, shape)), hint="w")
        value = g.op("BipolarQuant", [x, factor], shape, step=float(np.float32(scale)), domain=GENERAL)
    elif style == "qdq":
        x = g.constant(np.float32(integers(g, shape, -100, 100) * scale), hint="w")
        zero = g.integer(-9, 9)
        value = g.dequantize(g.quantize(x, scale, zero, INT8), scale, zero)
    elif style == "dq4":
        x = g.constant(integers(g, shape), g.pick(INT4), hint="w")
        value = g.dequantize(x, scale, g.pick(None, 0, 1, -2))
    else:
        element = g.pick(INT8, INT8, UINT8)
        values = integers(g, shape, -128, 127) if element == INT8 else np.abs(integers(g, shape, -255, 255))
        x = g.constant(values, element, hint="w")
        value = g.dequantize(x, scale, g.pick(None, 0, 0, g.integer(*RANGES[element])))
    value.constant = True
    return value


def integer_weight(g, shape):
    element = g.pick(INT8, INT8, UINT8)
    low, high = RANGES[element]
    return g.constant(
        integers(g, shape, -high, high) if element == INT8 else g.rng.integers(0, high + 1, shape),
        element,
        hint="w",
    )


# Operators between


def constant_like(g, v, size=None):
    """A constant of the same step."""
    shape = v.shape if size is None else size
    if v.element == FLOAT:
        values = g.rng.integers(-20, 20, size=shape) * np.float32(v.step)
        if g.chance(0.1):
            values = values + np.float32(v.step) / 2
        return g.constant(np.float32(values), hint="k")
    low, high = RANGES[v.element]
    return g.constant(g.rng.integers(low, min(high, 1 << 40), size=shape, endpoint=True), v.element, hint="k")


def same(g, v, op, inputs, **attributes):
    return g.op(op, inputs, v.shape, v.element, v.step, **attributes)


def arithmetic(g, v):
    """Operators that change a value element by element."""
    kind = g.pick(
        "Relu",
        "Clip",
        "Max",
        "Min",
        "Mul",
        "Div",
        "Neg",
        "Abs",
        "LeakyRelu",
        "PRelu",
        "Add",
        "Sub",
        "Sum",
        "Where",
        "Floor",
        "Sign",
        "ThresholdedRelu",
        "Elu",
        "HardSigmoid",
        "Cast",
        "Mean",
    )
    if g.chance(0.6):
        kind = g.pick("Relu", "Clip", "Max", "Min", "Mul", "Div", "Where", "Cast")
    if v.element != FLOAT:
        kind = g.pick(
            "Relu", "Clip", "Max", "Min", "Mul", "Neg", "Abs", "Add", "Sub", "Where", "Div", "Mod", "Sign"
        )
        if kind == "Clip":
            return clipped(g, v)
        if kind in ("Relu", "Neg") and v.element not in (INT8, INT32):
            kind = "Max"
    if kind == "Clip":
        limits = sorted(g.integer(-20, 20) for _ in range(2))
        limits = [np.float32(l * v.step) + (np.float32(v.step) / 2 if g.chance(0.1) else 0) for l in limits]
        if v.step < 0 and g.chance(0.8):
            limits.reverse()
        inputs = [g.constant(np.float32(l)) if g.chance(0.8) else None for l in limits]
        return same(g, v, "Clip", [v, *inputs])
    if kind in ("Max", "Min", "Sub", "Sum", "Add", "Mean"):
        inputs = [v, constant_like(g, v, () if g.chance(0.5) else None)]
        if g.chance(0.5):
            inputs.reverse()
        return same(g, v, kind, inputs)
    if kind == "Where":
        condition = g.constant(g.rng.random(v.shape) < 0.5)
        inputs = [condition, v, constant_like(g, v, ())]
        return same(g, v, "Where", inputs)
    if kind in ("Mul", "Div", "Mod"):
        if v.element != FLOAT:
            return same(g, v, kind, [v, g.constant(g.integer(1, 3), v.element)])
        factor = g.pick(-1.0, -1.0, 2.0, 0.5, -0.25, 3.0)
        changed = v.step * factor if kind == "Mul" else v.step / factor
        return g.op(kind, [v, g.constant(np.float32(factor))], v.shape, FLOAT, changed)
    if kind == "PRelu":
        return same(g, v, "PRelu", [v, g.constant(np.float32(g.pick(-1.0, 2.0, 0.5, -3.0)))])
    if kind == "LeakyRelu":
        return same(g, v, "LeakyRelu", [v], alpha=g.pick(-1.0, 2.0, 0.5, -4.0))
    if kind == "Cast":
        wide = g.op("Cast", [v], v.shape, DOUBLE, v.step, to=DOUBLE)
        return g.op("Cast", [wide], v.shape, FLOAT, v.step, to=FLOAT)
    if kind == "ThresholdedRelu":
        return same(g, v, kind, [v], alpha=g.pick(-3.0, 0.0, 2.0))
    if kind == "Neg":
        # A product with -1: integers of floats stay, and their step changes its sign.
        return g.op("Neg", [v], v.shape, v.element, -v.step if v.element == FLOAT else v.step)
    return same(g, v, kind, [v])


def movement(g, v):
    """Operators that move elements, pick some or add a border."""
    rank = len(v.shape)
    kinds = [
        "Transpose",
        "Reshape",
        "Slice",
        "Gather",
        "Concat",
        "Pad",
        "Split",
        "Tile",
        "Identity",
        "Reverse",
        "TopK",
        "Expand",
        "ScatterND",
        "Squeeze",
        "GatherElements",
        "ReduceMax",
        "Dropout",
        "CumSum",
    ]
    if rank == 4:
        kinds += ["MaxPool", "MaxPool", "Resize", "SpaceToDepth", "GlobalMaxPool", "AveragePool"]
    if rank == 2:
        kinds += ["Trilu"] if g.opset >= 14 else []
    kind, axis = g.pick(*kinds), g.integer(0, rank - 1)
    index = lambda *values: g.constant(np.int64(values))
    sized = lambda size: v.shape[:axis] + (size,) + v.shape[axis + 1 :]
    moved = lambda op, inputs, shape, **a: g.op(op, inputs, shape, v.element, v.step, **a)
    if kind == "Transpose" and rank > 1:
        perm = [int(p) for p in g.rng.permutation(rank)]
        return moved(kind, [v], tuple(v.shape[p] for p in perm), perm=perm)
    if kind == "Reshape":
        flat = moved("Reshape", [v, index(-1)], (int(np.prod(v.shape)),))
        return moved("Reshape", [flat, index(*v.shape)], v.shape)
    if kind == "Slice":
        size = g.integer(1, v.shape[axis])
        return moved(kind, [v, index(0), index(size), index(axis)], sized(size))
    if kind == "Reverse":
        return moved("Slice", [v, index(-1), index(-(1 << 40)), index(axis), index(-1)], v.shape)
    if kind == "Gather":
        return moved(kind, [v, index(*g.rng.integers(0, v.shape[axis], 2))], sized(2), axis=axis)
    if kind == "GatherElements":
        return moved(kind, [v, g.constant(g.rng.integers(0, v.shape[axis], v.shape))], v.shape, axis=axis)
    if kind == "Concat":
        other = constant_like(g, v, sized(1))
        return moved(kind, [v, other] if g.chance(0.5) else [other, v], sized(v.shape[axis] + 1), axis=axis)
    if kind == "Pad":
        pads = np.zeros(2 * rank, np.int64)
        pads[axis], pads[axis + rank] = g.integer(0, 1), g.integer(0, 1)
        mode = g.pick("constant", "constant", "edge", "reflect")
        if mode == "reflect" and v.shape[axis] < 2:
            mode = "edge"
        value = [constant_like(g, v, ())] if mode == "constant" and g.chance(0.7) else []
        return moved(kind, [v, g.constant(pads), *value], sized(v.shape[axis] + int(pads.sum())), mode=mode)
    if kind == "Split" and v.shape[axis] % 2 == 0 and g.opset < 18:
        half = sized(v.shape[axis] // 2)
        return g.op(kind, [v], [half, half], v.element, v.step, outputs=2, axis=axis)[g.integer(0, 1)]
    if kind == "Tile":
        repeats = [1] * rank
        repeats[axis] = 2
        return moved(kind, [v, index(*repeats)], sized(2 * v.shape[axis]))
    if kind == "Expand":
        return moved(kind, [v, index(*v.shape)], v.shape)
    if kind == "TopK":
        return g.op(
            kind, [v, index(v.shape[axis])], [v.shape, v.shape], v.element, v.step, outputs=2, axis=axis
        )[0]
    if kind == "ScatterND":
        return moved(kind, [v, g.constant(np.int64([[0]])), constant_like(g, v, (1,) + v.shape[1:])], v.shape)
    if kind == "Trilu":
        return moved(kind, [v], v.shape, upper=g.integer(0, 1))
    if kind == "ReduceMax" and g.opset < 18:
        return moved(kind, [v], sized(1), axes=[axis], keepdims=1)
    if kind == "CumSum":
        return moved(kind, [v, g.constant(np.int64(axis))], v.shape)
    if kind == "Dropout":
        return moved(kind, [v], v.shape)
    if kind == "MaxPool":
        return pooled(g, v)
    if kind == "AveragePool" and v.element == FLOAT:
        return moved(kind, [v], (*v.shape[:2], v.shape[2], v.shape[3]), kernel_shape=[1, 1])
    if kind == "GlobalMaxPool" and v.element == FLOAT:
        return moved(kind, [v], (*v.shape[:2], 1, 1))
    if kind == "Resize":
        mode = g.pick("nearest", "nearest", "linear")
        return moved(
            kind,
            [v, None, g.constant(np.float32([1, 1, 2, 1]))],
            (*v.shape[:2], 2 * v.shape[2], v.shape[3]),
            mode=mode,
        )
    if kind == "SpaceToDepth" and v.shape[2] % 2 == 0 and v.shape[3] % 2 == 0:
        shape = (v.shape[0], 4 * v.shape[1], v.shape[2] // 2, v.shape[3] // 2)
        deep = moved(kind, [v], shape, blocksize=2)
        return moved("DepthToSpace", [deep], v.shape, blocksize=2) if g.chance(0.5) else deep
    return moved("Identity", [v], v.shape)


def pooled(g, v):
    """MaxPool, with windows that may lie in padding alone."""
    kernel = [g.integer(1, 3) for _ in range(2)]
    stride = [g.integer(1, 3) for _ in range(2)]
    dilation = [g.integer(1, 3) for _ in range(2)] if g.chance(0.4) else [1, 1]
    pads = [g.integer(0, kernel[i % 2] - 1) if g.chance(0.5) else 0 for i in range(4)]
    ceil = g.integer(0, 1) if g.chance(0.3) else 0
    sizes = []
    for i in range(2):
        room = v.shape[i + 2] + pads[i] + pads[i + 2] - dilation[i] * (kernel[i] - 1) - 1
        if room < 0:
            return g.op("Identity", [v], v.shape, v.element, v.step)
        size = (-(-room // stride[i]) if ceil else room // stride[i]) + 1
        if ceil and (size - 1) * stride[i] >= v.shape[i + 2] + pads[i]:
            size -= 1
        sizes.append(size)
    return g.op(
        "MaxPool",
        [v],
        (*v.shape[:2], *sizes),
        v.element,
        v.step,
        kernel_shape=kernel,
        strides=stride,
        dilations=dilation,
        pads=pads,
        ceil_mode=ceil,
    )


# Sums of products


def window(g, v, transposed=False):
    """Kernel, groups and geometry of a convolution over a value."""
    spatial = len(v.shape) - 2
    kernel = [g.integer(1, 3) for _ in range(spatial)]
    pads = [g.integer(0, 1) for _ in range(2 * spatial)]
    stride = [g.integer(1, 2) for _ in range(spatial)]
    dilation = [g.integer(1, 2) for _ in range(spatial)]
    for i in range(spatial):
        if transposed:
            while (
                stride[i] * (v.shape[i + 2] - 1)
                + dilation[i] * (kernel[i] - 1)
                + 1
                - pads[i]
                - pads[i + spatial]
                < 1
            ):
                kernel[i] += 1
        while (
            not transposed
            and v.shape[i + 2] + pads[i] + pads[i + spatial] < dilation[i] * (kernel[i] - 1) + 1
        ):
            kernel[i] -= 1
            dilation[i] = 1
    group = v.shape[1] if g.chance(0.3) else 1
    return (
        kernel,
        group,
        {"pads": pads, "strides": stride, "dilations": dilation, "group": group, "kernel_shape": kernel},
    )


def sum_of(g, op, v, w, attributes, inputs, shape, element=FLOAT, domain="", **fields):
    """Adds a node that sums products, and records what it sums."""
    y = g.op(op, inputs, shape, element, domain=domain, **attributes)
    fields = {"left_step": v.step, "right_step": w.step, **fields}
    s = Sum(op, y.name, v.name, w.name, dict(attributes), **fields)
    g.sums.append(s)
    y.step, y.sum = s.step, s
    return y


def dot(g, v, op=None, style=None, bias=None, negative=0.0):
    """A sum of products of a value and a constant weight."""
    rank = len(v.shape)
    if v.element == FLOAT:
        op = op or (
            g.pick("MatMul", "Gemm")
            if rank == 2
            else g.pick("Conv", "ConvTranspose", "MatMul") if rank in (3, 4) else "MatMul"
        )
        build = lambda shape: weight(g, shape, style, negative)
    else:
        op = op or (
            g.pick("MatMulInteger", "QLinearMatMul", "QGemm")
            if rank == 2
            else g.pick("ConvInteger", "QLinearConv") if rank in (3, 4) else "MatMulInteger"
        )
        build = lambda shape: integer_weight(g, shape)
    if "Conv" in op:
        kernel, group, attributes = window(g, v, op == "ConvTranspose")
        out = group * g.integer(1, 3)
        if op == "ConvTranspose":
            w = build((v.shape[1], out // group, *kernel))
        else:
            w = build((out, v.shape[1] // group, *kernel))
        shape = (v.shape[0], out, *[None] * (rank - 2))
    else:
        length, out = v.shape[-1], g.integer(1, 4)
        attributes, size = {}, (length, out)
        if op in ("Gemm", "QGemm") and g.chance(0.5):
            attributes, size = {"transB": 1}, (out, length)
        if op == "MatMul" and rank > 2 and g.chance(0.3):
            size = (*v.shape[:-2], length, out)
        w, shape = build(size), (*v.shape[:-1], out)
    if v.element == FLOAT:
        return sum_of(g, op, v, w, attributes, [v, w] + ([bias] if bias else []), shape)
    return integer_dot(g, op, v, w, attributes, shape, out)


def integer_dot(g, op, v, w, attributes, shape, out):
    """A sum of products of codes."""
    zero = getattr(v, "zero", None)
    if zero is None and g.chance(0.6) or op[0] == "Q":
        if g.chance(0.3) and zero is None:
            low, high = RANGES[v.element]
            zero = g.input((), v.element, (low, high, 0))
        elif zero is None:
            zero = g.constant(g.integer(*RANGES[v.element]), v.element)
    w_zero = None
    if g.chance(0.6) or op[0] == "Q":
        low, high = RANGES[w.element]
        if g.chance(0.15) and op in ("MatMulInteger", "ConvInteger"):
            w_zero = g.input((), w.element, (low, high, 0))
        elif g.chance(0.3) and not ("Conv" in op and w.element == INT8):
            w_zero = g.constant(g.rng.integers(low, high + 1, out), w.element)
        else:
            w_zero = g.constant(g.integer(low, high) if g.chance(0.5) else 0, w.element)
    zeros = {"left_zero": zero and zero.name, "right_zero": w_zero and w_zero.name}
    if op[0] != "Q":
        inputs = [v, w] + ([zero, w_zero] if w_zero else [zero] if zero else [])
        return sum_of(g, op, v, w, attributes, inputs, shape, INT32, **zeros)
    scale = lambda: g.constant(np.float32(g.pick(1.0, 0.5, 0.1)))
    y_scale, y_zero = g.constant(np.float32(g.pick(1.0, 1000.0, 1e6))), g.constant(
        g.integer(*RANGES[v.element]), v.element
    )
    inputs = [v, scale(), zero, w, scale(), w_zero]
    if op == "QGemm":
        bias = (
            integer_bias(g, (out,) if g.chance(0.5) else g.pick((v.shape[0], out), (1, out)))
            if g.chance(0.7)
            else None
        )
        quantized = g.chance(0.6)
        inputs += [bias] + ([y_scale, y_zero] if quantized else [])
        if not quantized and bias is None:
            inputs.pop()
        y = sum_of(
            g,
            op,
            v,
            w,
            attributes,
            inputs,
            shape,
            v.element if quantized else FLOAT,
            MICROSOFT,
            left_step=1.0,
            right_step=1.0,
            **zeros
        )
    else:
        inputs += [y_scale, y_zero]
        bias = integer_bias(g, (out,)) if op == "QLinearConv" and g.chance(0.6) else None
        y = sum_of(
            g,
            op,
            v,
            w,
            attributes,
            inputs + ([bias] if bias else []),
            shape,
            v.element,
            left_step=1.0,
            right_step=1.0,
            **zeros
        )
    if bias:
        y.sum.summands.append(Summand(bias.name, 1.0, channels="Conv" in op))
    return y


def integer_bias(g, shape, element=INT32):
    reach = g.pick(100, 30000, 1 << 20, 1 << 29)
    if g.chance(0.3):
        return g.input(shape, element, (-reach, reach, 0))
    return g.constant(g.rng.integers(-reach, reach + 1, shape), element, hint="b")


def chain(g, v, operators, length):
    for _ in range(length):
        v = operators(g, v)
        if int(np.prod(v.shape)) > 400:
            break
    return v


def random_shape(g):
    return g.pick(
        (2, 5), (3, 8), (1, 17), (2, 4), (2, 2, 5), (1, 3, 4), (1, 2, 4, 4), (2, 3, 2, 3), (1, 4, 3, 3)
    )
