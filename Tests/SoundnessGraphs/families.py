"""Families of random graphs, each an attack on one kind of reasoning about integers."""

import json

import numpy as np
import onnx
from onnx import helper

from graph import (
    DOUBLE,
    FLOAT,
    FLOAT16,
    GENERAL,
    INT4,
    INT8,
    INT16,
    INT32,
    INT64,
    LAST,
    MICROSOFT,
    RANGES,
    UINT4,
    UINT8,
    UINT16,
    Sum,
    Summand,
)
from parts import (
    MODES,
    activation,
    arithmetic,
    chain,
    clipped,
    codes,
    dot,
    integer_bias,
    integer_dot,
    integers,
    movement,
    pooled,
    random_shape,
    real,
    same,
    step,
    sum_of,
    weight,
)


def signs(g):
    """Negative steps and the operators that limit values."""
    zero = g.chance(0.05)
    v = activation(
        g,
        random_shape(g),
        g.pick("quant", "qdq") if zero else None,
        negative=0.5,
        scale=0.0 if zero else None,
    )
    v.step = v.step or 1.0
    if g.chance(0.5) and not zero:
        factor = g.pick(-1.0, -0.5, 2.0, 1.0)
        v = g.op("Mul", [v, g.constant(np.float32(factor))], v.shape, step=v.step * factor)
        low, high = sorted(g.integer(-12, 12) * abs(v.step) for _ in range(2))
        limits = [g.constant(np.float32(value)) for value in (low, high)]
        op, inputs = g.pick(("Relu", []), ("Clip", limits), ("Max", limits[:1]), ("Min", limits[1:]))
        dot(g, same(g, v, op, [v, *inputs]), negative=0.3)
        return
    dot(g, chain(g, v, arithmetic, g.integer(1, 3)), negative=0.3)


def initializers(g):
    """Arithmetic on integer initializers before they become weights."""
    g.opset = 14
    length, out = g.integer(2, 8), g.integer(1, 3)
    element = g.pick(INT8, UINT8, INT8, INT32)
    low, high = (-128, 127) if element == INT8 else (0, 255) if element == UINT8 else (-300, 300)
    w = g.constant(
        integers(g, (length, out), low, high) if low else g.rng.integers(0, 256, (length, out)), element
    )
    w = chain(
        g, w, arithmetic if g.chance(0.7) else lambda g, v: same(g, v, "Identity", [v]), g.integer(1, 2)
    )
    if element == INT32 or g.chance(0.6):
        w = g.dequantize(w, step(g), None)
        v = activation(g, (2, length))
        sum_of(g, "MatMul", v, w, {}, [v, w], (2, out))
    else:
        v = codes(g, (2, length))
        integer_dot(g, "MatMulInteger", v, w, {}, (2, out), out)


def lies(g):
    """Element types and shapes that the file states of values, and that are not theirs."""
    kind = g.pick("type", "shape", "input", "length", "sparse", "output")
    if kind == "sparse":
        v = activation(g, (2, 6))
        w = g.constant(np.float32(g.rng.integers(-900, 900, (6, 2))), hint="w")
        g.sparse += [t.name for t in g.tensors if t.name == w.name]
        g.value_info.append(g.info(w.name, g.pick(INT4, INT8), (6, 2)))
        sum_of(g, "MatMul", v, w, {}, [v, w], (2, 2))
        return
    if kind == "output":
        v = real(g, (2, 5)) if g.chance(0.5) else activation(g, (2, 5))
        m = movement(g, v)
        y = dot(g, m)
        g.outputs += [
            g.info(m.name, g.pick(INT4, UINT4, INT8), m.shape),
            g.info(y.name, FLOAT, (1,) * len(y.shape)),
        ]
        return
    if kind == "length":
        length = g.integer(4, 40)
        x = [g.input((length,), UINT8, (0, 255)) for _ in range(2)]
        shapes = []
        for shape in ((1, length), (length, 1)):
            shapes.append(g.input((2,), INT64, lambda rng, shape=shape: np.array(shape)))
        left = g.op("Reshape", [x[0], shapes[0]], (1, length), UINT8)
        right = g.op("Reshape", [x[1], shapes[1]], (length, 1), UINT8)
        for value, shape in ((left, (1, 1)), (right, (1, 1))):
            g.value_info.append(g.info(value.name, UINT8, shape))
        sum_of(g, "MatMulInteger", left, right, {}, [left, right], (1, 1), INT32)
        return
    if kind == "input":
        v = real(g, (2, 5))
        if g.chance(0.5):
            v = movement(g, v)
        g.value_info.append(g.info(v.name, g.pick(INT4, INT8, UINT4), v.shape))
        dot(g, v, style="dq")
        return
    v = activation(g, random_shape(g))
    v = movement(g, v)
    if kind == "type":
        g.value_info.append(g.info(v.name, g.pick(INT4, UINT4, INT8, UINT8), v.shape))
    else:
        g.value_info.append(g.info(v.name, FLOAT, tuple(1 for _ in v.shape)))
    if g.chance(0.5):
        dot(g, v)
    else:
        codes_of = g.op("Cast", [v], v.shape, g.pick(INT32, INT8), to=INT32)
        g.value_info.append(g.info(codes_of.name, g.pick(INT4, UINT4), v.shape))
        codes_of.element = INT32
        w = g.constant(integers(g, (v.shape[-1], 2), -9, 9), INT32)
        sum_of(g, "MatMul", codes_of, w, {}, [codes_of, w], (*v.shape[:-1], 2), INT32)


def functions(g):
    """Sums of products within functions of the model, whatever their name."""
    v = activation(g, (2, 4), style="quant") if g.chance(0.5) else activation(g, (2, 4), style="qdq")
    start = len(g.nodes)
    first = chain(g, v, arithmetic, g.integer(0, 1))
    w = weight(g, (first.shape[-1], 2), g.pick("quant", "dq"))
    y = sum_of(g, "MatMul", first, w, {}, [first, w], (*first.shape[:-1], 2))
    g.inlined = list(g.nodes)
    inside = g.nodes[start:]
    del g.nodes[start:]
    made = {name for node in inside for name in node.output}
    read = list(dict.fromkeys(n for node in inside for n in node.input if n and n not in made))
    domain, name = g.pick(
        ("evil", "Block"),
        (GENERAL, "Block"),
        (GENERAL, "Quant"),
        ("", "Relu"),
        ("", "Identity"),
        (MICROSOFT, "QLinearAdd"),
        ("ai.onnx.ml", "Scaler"),
        (LAST, "MaxPool"),
        ("", "NewOperator"),
    )
    imports = [helper.make_opsetid("", g.opset), helper.make_opsetid(GENERAL, 1)]
    g.functions.append(helper.make_function(domain, name, read, [y.name], inside, imports))
    g.nodes.append(helper.make_node(name, read, [y.name], name="call", domain=domain))
    if domain:
        g.domains.setdefault(domain, 1)
    if g.chance(0.4):
        relu = g.op("Relu", [y], y.shape, step=y.step)
        dot(g, activation_of(g, relu))
        g.inlined += g.nodes[start + 1 :]


def activation_of(g, v):
    """A quantizer behind a value."""
    return g.quant(v, step(g), 0, g.integer(2, 6), g.integer(0, 1))


def zero_points(g):
    """Zero points that are computed at run time, behind operators that narrow the codes."""
    shape = g.pick((2, 6), (1, 9), (1, 2, 4, 4), (1, 2, 5))
    v = codes(g, shape, g.pick(UINT8, UINT8, INT8))
    if v.element == INT8 and len(shape) > 2:
        v = codes(g, shape, UINT8)
    zero = getattr(v, "zero", None)
    if zero is None:
        low, high = RANGES[v.element]
        zero = g.input((), v.element, (low, high, 0))
        if g.chance(0.3):
            zero = clipped(g, zero)
    for _ in range(g.integer(0, 2)):
        v = clipped(g, v) if g.chance(0.5) else movement(g, v)
    v.zero = zero
    y = dot(g, v)
    if not y.sum.left_zero:
        y.sum.left_zero = zero.name
        node = next(n for n in g.nodes if y.name in n.output)
        while len(node.input) < 3:
            node.input.append("")
        node.input[2] = zero.name


def qgemm(g):
    """QGemm with and without a requantized result, which another layer reads."""
    v = codes(g, (g.integer(1, 3), g.integer(2, 6)))
    y = dot(g, v, "QGemm")
    if g.chance(0.6):
        if y.element == FLOAT:
            y.step = 1.0
            dot(g, y, "MatMul")
        else:
            dot(g, g.dequantize(y, 1.0, g.pick(None, 0)) if g.chance(0.5) else y)


def truncation(g):
    """Trunc of both versions."""
    v = activation(g, (2, 5), "quant", bits=g.integer(4, 8))
    scale, zero = g.constant(np.float32(v.step)), g.constant(np.float32(g.pick(0, 0, 0, 3)))
    in_bits, out_bits = g.integer(4, 8), g.integer(2, 4)
    mode = g.pick("FLOOR", "ROUND", "CEIL", "DOWN")
    if g.chance(0.5):
        g.domains[GENERAL] = 1
        y = g.op(
            "Trunc",
            [v, scale, zero, g.constant(np.float32(in_bits)), g.constant(np.float32(out_bits))],
            v.shape,
            step=v.step,
            domain=GENERAL,
            rounding_mode=mode,
        )
    else:
        g.domains[GENERAL] = 2
        out = v.step * 2.0 ** g.integer(0, 3)
        y = g.op(
            "Trunc",
            [
                v,
                scale,
                zero,
                g.constant(np.float32(in_bits)),
                g.constant(np.float32(out)),
                g.constant(np.float32(out_bits)),
            ],
            v.shape,
            step=out,
            domain=GENERAL,
            rounding_mode=mode,
            signed=g.integer(0, 1),
            narrow=g.integer(0, 1),
        )
    dot(g, y)


def quantizers(g):
    """QuantizeLinear of constants with parameters of every kind, and Quant with parameters of other types."""
    length, out = g.integer(2, 6), g.integer(1, 3)
    kind = g.pick(
        "precision", "float16", "double", "output_dtype", "block", "axis", "four", "quant", "sixteen"
    )
    values = g.rng.integers(-200, 200, (length, out)) * np.float32(0.05)
    values = np.float32(values + g.pick(0, 0.05 / 2, 1e-6, -1e-6, 0.0499))
    scale, element, attributes, opset = np.float32(0.1), INT8, {}, 13
    if kind == "quant":
        parameters = [
            g.constant(np.asarray(p, g.pick(np.float32, np.float64, np.float16))) for p in (0.1, 0.0, 8.0)
        ]
        w = g.op(
            "Quant",
            [g.constant(np.float32(values)), *parameters],
            values.shape,
            step=0.1,
            domain=GENERAL,
            signed=1,
            narrow=0,
            rounding_mode=g.pick(*MODES),
        )
        w.constant = True
        v = activation(g, (2, length), "quant", scale=1.0)
        sum_of(g, "MatMul", v, w, {}, [v, w], (2, out))
        return
    if kind == "precision":
        opset, attributes = 23, {"precision": g.pick(FLOAT16, FLOAT, 0)}
    elif kind == "float16":
        opset, values, scale = 19, values.astype(np.float16), np.float16(0.1)
    elif kind == "double":
        opset, values, scale = 23, values.astype(np.float32), np.float32(0.1)
        attributes = {"precision": DOUBLE}
    elif kind == "output_dtype":
        opset, attributes = 21, {"output_dtype": g.pick(INT8, UINT8)}
        element = attributes["output_dtype"]
    elif kind == "block":
        opset, attributes = 21, {"block_size": 2, "axis": 0}
        length = 2 * (length // 2)
        values = values[:length]
        scale = np.float32(g.rng.choice([0.1, 0.05, 1.0], (length // 2, out)))
    elif kind == "axis":
        axis = g.integer(0, 1)
        attributes = {"axis": axis}
        scale = np.float32(g.rng.choice([0.1, 0.05, 1.0], (length, out)[axis]))
    elif kind == "four":
        opset, element = 21, g.pick(INT4, UINT4)
    elif kind == "sixteen":
        opset, element = 21, g.pick(INT16, UINT16)
    g.opset, g.ir_version = opset, 10
    zero = np.zeros(scale.shape, np.int64) + (g.integer(0, 3) if scale.ndim == 0 else 0)
    inputs = [g.constant(values), g.constant(scale)]
    if kind != "output_dtype":
        inputs.append(g.constant(zero, element))
    w = g.op("QuantizeLinear", inputs, values.shape, element, **attributes)
    w.constant = True
    if element in (INT8, UINT8) and g.chance(0.5):
        v = codes(g, (2, length))
        integer_dot(g, "MatMulInteger", v, w, {}, (2, out), out)
    else:
        wd = g.dequantize(w, 0.5, g.pick(None, 0))
        v = activation(g, (2, length), "quant")
        sum_of(g, "MatMul", v, wd, {}, [v, wd], (2, out))


def biases(g):
    """Summands of every form."""
    if g.chance(0.35):
        return integer_biases(g)
    negative = g.pick(0.0, 0.4)
    v = activation(g, g.pick((2, 4), (3, 3), (2, 2, 3), (1, 2, 3, 3)), "quant", negative)
    rank = len(v.shape)
    inside = g.chance(0.4) and rank in (2, 4)
    op = (
        g.pick("Gemm", "Gemm")
        if inside and rank == 2
        else g.pick("Conv", "ConvTranspose") if inside else None
    )
    y = dot(g, v, op, style=g.pick("quant", "dq"), negative=negative)
    s, out = y.sum, y.shape[1] if "Conv" in y.sum.op else y.shape[-1]
    if inside:
        node = next(n for n in g.nodes if y.name in n.output)
        shape = (out,) if op != "Gemm" else g.pick((out,), (v.shape[0], out), (1, out), (v.shape[0], 1), (1,))
        alpha = beta = 1.0
        if op == "Gemm" and g.chance(0.4):
            alpha, beta = g.pick(1.0, 2.0, -1.0, 0.5), g.pick(1.0, 2.0, -1.0, 0.5)
            node.attribute.extend(
                [helper.make_attribute("alpha", alpha), helper.make_attribute("beta", beta)]
            )
        factor = alpha / beta
        position = g.nodes.index(node)
        rest = g.nodes[position:]
        del g.nodes[position:]
        bias, counts = grid_bias(g, shape, s.step * factor)
        g.nodes += rest
        node.input.append(bias.name)
        if counts:
            s.summands.append(Summand(bias.name, s.step * factor, channels="Conv" in op))
        if g.chance(0.5):
            return
        y.step = s.step * alpha
    for _ in range(g.integer(1, 2)):
        y = summand(g, y, s, out)


def grid_bias(g, shape, acc_step):
    """Integers in steps of a sum, or values that do not count; the latter by their second element."""
    form = g.pick("quant", "quant", "dq", "run-time", "real", "input", "other step", "cast", "multiple")
    values = g.rng.integers(-30000, 30001, shape)
    if form == "real":
        return g.constant(np.float32(values * 0.013 * acc_step)), False
    if form == "input":
        return real(g, shape, acc_step), False
    if form == "other step":
        return g.quant(g.constant(np.float32(values * acc_step * 0.3)), acc_step * 0.3, 0, 16), False
    if form == "multiple":
        values = values // 16
        return g.quant(g.constant(np.float32(values * acc_step * 2)), acc_step * 2, 0, 16), True
    if form == "dq":
        return g.dequantize(g.constant(values, INT32), acc_step, None), True
    if form == "cast":
        return (
            g.dequantize(g.op("Cast", [g.constant(values, INT64)], shape, INT32, to=INT32), acc_step, None),
            True,
        )
    if form == "run-time":
        return g.quant(real(g, shape, acc_step * 1000), acc_step, 0, g.integer(4, 16)), True
    return g.quant(g.constant(np.float32(values) * np.float32(acc_step)), acc_step, 0, g.integer(8, 16)), True


def summand(g, y, s, out):
    """Something that is added to a result, behind operators that move it."""
    acc_step = getattr(y, "step", s.step)
    sign = getattr(y, "sign", 1)
    if g.chance(0.25) and None not in y.shape and len(y.shape) == 2:
        perm = [1, 0]
        moved = g.op("Transpose", [y], (y.shape[1], y.shape[0]), step=acc_step, perm=perm)
        back = g.op("Transpose", [moved], y.shape, step=acc_step, perm=perm) if g.chance(0.5) else None
        if back is None:
            bias, counts = grid_bias(g, (moved.shape[0], 1), acc_step)
            z = g.op("Add", [moved, bias], moved.shape, step=acc_step)
            if counts:
                flat = g.op("Reshape", [bias, g.constant(np.int64([1, -1]))], (1, moved.shape[0]))
                s.summands.append(Summand(flat.name, acc_step, sign))
            final = g.op("Transpose", [z], y.shape, step=acc_step, perm=perm)
            return final
        y = back
    elif g.chance(0.1) and None not in y.shape:
        flat = g.op("Reshape", [y, g.constant(np.int64([-1]))], (int(np.prod(y.shape)),), step=acc_step)
        y = g.op("Reshape", [flat, g.constant(np.int64(y.shape))], y.shape, step=acc_step)
    elif g.chance(0.15):
        y = g.op("Identity", [y], y.shape, step=acc_step)
    rank = len(y.shape)
    if "Conv" in s.op:
        shape = (out, *[1] * (rank - 2))
    else:
        rows = 1 if None in y.shape else y.shape[-2] if rank > 1 else 1
        shape = g.pick((out,), (1, out), (rows, out), (rows, 1), ())
    bias, counts = grid_bias(g, shape, acc_step)
    op = g.pick("Add", "Add", "Sub", "Sum", "Rsub") if sign == 1 else "Add"
    inputs = [y, bias] if op in ("Sub",) or g.chance(0.5) else [bias, y]
    if op == "Rsub":
        inputs, op = [bias, y], "Sub"
        z = g.op("Sub", inputs, y.shape, step=acc_step)
        z.sign = -1
        if counts:
            s.summands.append(Summand(bias.name, acc_step, -1))
        return z
    if op == "Sub":
        inputs = [y, bias]
    if op == "Sum" and g.chance(0.4):
        inputs.append(g.constant(np.float32(0.3)))
    z = g.op(op, inputs, y.shape, step=acc_step)
    z.sign = sign
    if counts:
        s.summands.append(Summand(bias.name, acc_step, (-1 if op == "Sub" else 1) * sign))
    return z


def integer_biases(g):
    v = codes(g, g.pick((2, 5), (1, 8), (1, 2, 3, 3)))
    y = dot(g, v, "MatMulInteger" if len(v.shape) == 2 else "ConvInteger")
    s, out = y.sum, y.shape[1]
    for _ in range(g.integer(1, 2)):
        if len(v.shape) == 2:
            shape = g.pick((out,), (v.shape[0], out), (v.shape[0], 1), (), (1, out))
        else:
            shape = (1, out, 1, 1)
        bias = integer_bias(g, shape)
        if g.chance(0.3):
            wide = g.constant(g.rng.integers(-1000, 1000, shape), INT64)
            bias = g.op("Cast", [wide], shape, INT32, to=INT32)
        op = g.pick("Add", "Add", "Sub")
        inputs = [y, bias] if op == "Sub" or g.chance(0.5) else [bias, y]
        y = g.op(op, inputs, y.shape, INT32)
        s.summands.append(Summand(bias.name, 1.0, -1 if op == "Sub" else 1))
    if g.chance(0.3):
        g.op("Mul", [g.op("Cast", [y], y.shape, FLOAT, to=FLOAT), g.constant(np.float32(0.1))], y.shape)


def tiles(g):
    """Sums in tiles, with padding, strides, dilations and ranges that exclude zero."""
    v = activation(
        g,
        g.pick((2, 6), (1, 9), (1, 2, 3, 3), (1, 3, 2, 4), (1, 2, 6)),
        "quant",
        scale=g.pick(1.0, 0.5),
        bits=g.integer(2, 5),
    )
    if g.chance(0.6):
        low, high = sorted(g.integer(*g.pick((-10, 20), (1, 15))) for _ in range(2))
        limits = [g.constant(np.float32(n * v.step)) for n in (low, high)]
        v = g.op("Clip", [v, *limits], v.shape, step=v.step)
    y = dot(g, v, style=g.pick("quant", "dq"))
    s = y.sum
    if g.chance(0.3):
        shape = (y.shape[1], *[1] * (len(y.shape) - 2)) if "Conv" in s.op else (y.shape[-1],)
        bias = g.quant(g.constant(np.float32(g.rng.integers(-200, 200, shape) * s.step)), s.step, 0, 10)
        g.op("Add", [y, bias], y.shape)
        s.summands.append(Summand(bias.name, s.step))
    s.tile = g.integer(1, 6)


def operands(g):
    """Constant images and left operands, transposed operands, groups, two operands at run time."""
    kind = g.pick("left", "left", "image", "runtime", "group", "transA")
    if kind == "group":
        v = activation(g, (1, g.pick(2, 4), 3, 3))
        dot(g, v, g.pick("Conv", "ConvTranspose"))
    elif kind == "transA":
        v = activation(g, (4, 2))
        w = weight(g, (4, 3))
        sum_of(g, "Gemm", v, w, {"transA": 1}, [v, w], (2, 3))
    elif kind == "left":
        v = activation(g, g.pick((4, 3), (4,), (2, 4, 3)))
        if len(v.shape) == 2 and g.chance(0.4):
            w = weight(g, (4, 2))
            sum_of(g, "Gemm", w, v, {"transA": 1}, [w, v], (2, 3))
        else:
            w = weight(g, (2, 4))
            sum_of(g, "MatMul", w, v, {}, [w, v], (2, 3))
    elif kind == "image":
        w = weight(g, (1, g.pick(1, 4, 16), 2, 2))
        channels = w.shape[1]
        if g.chance(0.5):
            v = activation(g, (2, channels, 1, 2))
            sum_of(g, "Conv", w, v, {"pads": [0, 0, 0, 1]}, [w, v], (1, 2, 2, 2))
        else:
            v = activation(g, (channels, 2, 1, 2))
            sum_of(g, "ConvTranspose", w, v, {}, [w, v], (1, 2, 2, 3))
    elif g.chance(0.5):
        left, right = activation(g, (2, 3, 4)), activation(g, g.pick((2, 4, 3), (4, 2), (4,)))
        sum_of(g, "MatMul", left, right, {}, [left, right], (2, 3, right.shape[-1]))
    else:
        x = activation(g, (1, 2, 3, 3))
        kernel = activation(g, (2, 2, 2, 2))
        sum_of(g, "Conv", x, kernel, {}, [x, kernel], (1, 2, 2, 2))


def borders(g):
    """Pad, MaxPool and Im2Col."""
    kind = g.pick("pad", "pool", "pool codes", "im2col", "channels last")
    if kind == "im2col":
        v = activation(g, (1, 3, 3, g.integer(1, 2)), "quant", scale=g.pick(1.0, 0.5))
        kernel, pad = [g.integer(1, 3) for _ in range(2)], [g.integer(0, 2) for _ in range(4)]
        stride, dilation = [g.integer(1, 2)] * 2, [1, 1]
        sizes = [(3 + pad[i] + pad[i + 2] - kernel[i]) // stride[i] + 1 for i in range(2)]
        channels = kernel[0] * kernel[1] * v.shape[3]
        border = g.pick(0, 0, 7, 1000, -50)
        c = g.op(
            "Im2Col",
            [v],
            (1, *sizes, channels),
            step=v.step,
            domain=GENERAL,
            kernel_size=kernel,
            stride=stride,
            pad_amount=pad,
            pad_value=border,
            dilations=dilation,
            depthwise=g.integer(0, 1),
            input_shape=str(v.shape).replace(" ", ""),
        )
        dot(g, c, "MatMul", "quant")
        return
    if kind == "channels last":
        v = activation(g, (1, 3, 3, 2), "quant")
        if g.chance(0.5):
            v = g.op(
                "MaxPool",
                [v],
                (1, 3, 3, 2),
                step=v.step,
                domain=LAST,
                kernel_shape=[2, 2],
                strides=[1, 1],
                pads=g.pick([0, 0, 1, 1], [1, 1, 0, 0]),
            )
        w = weight(g, (2, 2, 2, 2), "quant")
        sum_of(
            g,
            "Conv",
            v,
            w,
            {
                "kernel_shape": [2, 2],
                "strides": [1, 1],
                "pads": [0, 1, 1, 0],
                "dilations": [1, 1],
                "group": 1,
            },
            [v, w],
            (1, 3, 3, 2),
            domain=LAST,
            channels_last=True,
        )
        return
    shape = (1, 2, g.integer(1, 3), g.integer(1, 3))
    if kind == "pool codes":
        v = clipped(g, g.input(shape, UINT8, (0, 255, 7)))
        if g.chance(0.5):
            v = clipped(g, g.input(shape, INT8, (-128, 127, 7)))
        p = pooled(g, v)
        if p.element == INT8:
            p = g.dequantize(p, 1.0, g.pick(None, 0, 3))
        dot(g, p)
    else:
        v = activation(g, shape)
        dot(g, pooled(g, v) if kind == "pool" else chain(g, v, movement, 2))


def moves(g):
    """Operators that move elements or add some."""
    if g.chance(0.3):
        v = codes(g, random_shape(g))
        dot(g, chain(g, v, movement, g.integer(1, 3)))
    else:
        v = activation(g, random_shape(g))
        dot(g, chain(g, v, movement, g.integer(1, 3)))


def thresholds(g):
    """MultiThreshold with scales and biases of every sign."""
    shape = g.pick((2, 4), (1, 3, 2, 2))
    x = real(g, shape)
    count = g.integer(1, 15)
    levels = np.sort(g.rng.normal(0, 3, (g.pick(1, shape[1]), count)).astype(np.float32), axis=1)
    scale = g.pick(1.0, 0.5, -1.0, 2.0, -0.25)
    bias = g.pick(0.0, -float(count), scale * g.integer(-9, 9), 0.5 * scale, 100 * scale)
    y = g.op(
        "MultiThreshold",
        [x, g.constant(levels)],
        shape,
        step=scale,
        domain=GENERAL,
        out_scale=scale,
        out_bias=bias,
        out_dtype=g.pick("UINT4", "INT8", "INT2"),
        data_layout="NC" if len(shape) == 2 else "NCHW",
    )
    g.ranks = {y.name: len(shape)}
    dot(g, y if g.chance(0.7) else arithmetic(g, y))


OPAQUE = (
    ("", "Einsum", 13),
    ("", "STFT", 17),
    ("", "DFT", 17),
    ("", "LSTM", 13),
    ("", "GRU", 13),
    ("", "RNN", 13),
    ("", "If", 13),
    ("", "Loop", 13),
    ("", "Scan", 13),
    ("", "DeformConv", 19),
    ("", "Attention", 23),
    ("", "MelWeightMatrix", 17),
    ("ai.onnx.ml", "LinearRegressor", 13),
    ("ai.onnx.ml", "SVMRegressor", 13),
    ("ai.onnx.ml", "LinearClassifier", 13),
    ("ai.onnx.ml", "TreeEnsembleRegressor", 13),
    (MICROSOFT, "FusedConv", 13),
    (MICROSOFT, "FusedMatMul", 13),
    (MICROSOFT, "GemmFastGelu", 13),
    (MICROSOFT, "MatMulNBits", 13),
    (MICROSOFT, "QAttention", 13),
    (MICROSOFT, "QLinearConv", 13),
    (MICROSOFT, "QLinearReduceSumSquare", 13),
    (MICROSOFT, "QLinearFoo", 13),
    ("evil", "BigDot", 13),
    ("evil", "QLinearFoo", 13),
    ("evil", "Quant", 13),
    ("evil", "Relu", 13),
    (GENERAL, "XnorPopcountMatMul", 13),
    (GENERAL, "QuantAvgPool2d", 13),
    (GENERAL, "Dot", 13),
    (GENERAL, "FloatQuant", 13),
    (GENERAL, "GenericPartition", 13),
    (LAST, "MatMul", 13),
    (LAST, "Gemm", 13),
    ("finn.custom_op.general", "Conv", 13),
    ("onnx.brevitas", "MatMul", 13),
    ("ai.onnx.training", "Adam", 13),
    ("com.ms.internal.nhwc", "Conv", 13),
    ("", "FancyDot", 13),
    ("", "Conv2", 13),
    ("", "SwiGLU", 13),
)


def opaque(g):
    """Operators that may sum products in a way that no rule says; the file must not be certified."""
    v = activation(g, (2, 4), g.pick("quant", "qdq"))
    y = dot(g, v, "MatMul")
    g.sums.clear()
    domain, op, g.opset = g.pick(*OPAQUE)
    kind = g.integer(0, 3)
    w = g.constant(np.float32(g.rng.integers(-1000, 1000, (y.shape[-1], 2))))
    if op in ("If", "Loop", "Scan"):
        body = helper.make_graph(
            [helper.make_node("MatMul", [y.name, w.name], ["inner"])],
            "body",
            [],
            [helper.make_tensor_value_info("inner", FLOAT, None)],
        )
        if op == "If":
            g.op(op, [g.constant(np.bool_(True))], (2, 2), then_branch=body, else_branch=body)
        else:
            g.op(op, [y, w], (2, 2), body=body)
    elif kind == 3 and domain == "":
        condition = {"zzz": 1} if g.chance(0.5) else {"body_of_products": [1.0, 2.0]}
        g.opset = 13
        g.op(g.pick("Relu", "Identity", "Flatten", "Softmax"), [y], y.shape, **condition)
    else:
        g.op(op, [y, w], (2, 2), domain=domain, **({"equation": "ij,jk->ik"} if op == "Einsum" else {}))
    g.hidden = True


def replaceable(g):
    """Initializers that a caller can replace; `--strict` must refuse."""
    v = activation(g, (2, 4), "quant")
    dot(g, v, g.pick("MatMul", "Gemm"), g.pick("quant", "dq"))
    names = [t.name for t in g.tensors]
    g.replaceable.append(names[g.integer(0, len(names) - 1)])
    g.hidden, g.strict = True, True
    g.sums.clear()


def annotations(g):
    """Statements that repeat or contradict each other; the file must not be certified by them."""
    v = activation(g, (1, 6), "quant", scale=1.0, bits=4)
    y = dot(g, v, "MatMul", "quant")
    node = next(n for n in g.nodes if y.name in n.output)
    entry = {
        "layer": node.name,
        "output": y.name,
        "weight": y.sum.right,
        "target_bits": 32,
        "required_bits": 12,
        "input_bits": 4,
        "input_signed": True,
        "method": "exact",
    }
    kind = g.pick("entry", "output", "key", "finn", "narrow", "two keys", "wrong required", "text")
    text = None
    entries = [entry]
    if kind == "entry":
        entries = [entry, {**entry, "target_bits": 3}]
    elif kind == "output":
        entries = [entry, {**entry, "layer": "other", "target_bits": 3}]
    elif kind == "key":
        text = json.dumps(entries).replace('"target_bits": 32', '"target_bits": 3, "target_bits": 32')
    elif kind == "narrow":
        entries = [{**entry, "target_bits": 1}]
    elif kind == "wrong required":
        entries = [{**entry, "required_bits": 99}]
    elif kind == "text":
        text = g.pick("[{", "{}", '"a"', "[1]", '[{"layer": "a"}]', "null")
    g.metadata["snug.accumulators"] = text or json.dumps(entries)
    if kind in ("finn", "two keys"):
        g.metadata.clear()
        for bits in (32, 2):
            annotation = onnx.TensorAnnotation(tensor_name=y.name)
            for other in ((32, 2) if kind == "two keys" else (bits,)):
                pair = annotation.quant_parameter_tensor_names.add()
                pair.key, pair.value = "finn_datatype", f"SCALEDINT<{other}>"
            g.annotations.append(annotation)
            if kind == "two keys":
                break
    g.hidden, g.stated = True, True
    g.sums.clear()


def mixed(g):
    """Several layers, with any of the other families' parts between."""
    v = activation(g, g.pick((2, 5), (1, 2, 4, 4), (2, 3, 4)))
    for _ in range(g.integer(2, 3)):
        y = dot(g, chain(g, v, g.pick(movement, arithmetic), g.integer(0, 2)), negative=0.1)
        if None in y.shape:
            y = g.op("GlobalMaxPool", [y], (*y.shape[:2], *[1] * (len(y.shape) - 2)))
        if g.chance(0.5):
            y = g.op(g.pick("Relu", "Sigmoid", "Tanh", "Erf"), [y], y.shape)
        v = activation_of(g, y) if g.chance(0.6) else g.dequantize(g.quantize(y, 0.5, 3), 0.5, 3)


def snug(g):
    """Layers as Snug writes them; these have to be certified at the width that they need."""
    form = g.pick("qonnx", "qcdq", "int4", "integer", "bias", "tiles")
    bits, in_bits = g.integer(2, 8 if form != "int4" else 4), g.integer(2, 8 if form != "int4" else 4)
    signed = g.integer(0, 1)
    shape = g.pick((2, 5), (1, 2, 3, 3))
    length, out = 5, g.integer(1, 3)
    kernel, attributes = (2, 2), {"kernel_shape": [2, 2], "pads": [1, 1, 1, 1]}
    size = (length, out) if len(shape) == 2 else (out, 2, *kernel)
    q = integers(g, size, -(2 ** (bits - 1)) + 1, 2 ** (bits - 1) - 1)
    scales = np.float32(g.rng.uniform(0.01, 1.0, out))
    along = scales if len(shape) == 2 else scales.reshape(-1, 1, 1, 1)
    low, high = (-(2 ** (in_bits - 1)), 2 ** (in_bits - 1) - 1) if signed else (0, 2**in_bits - 1)
    input_scale = np.float32(g.rng.uniform(0.01, 1.0))
    x = real(g, shape, input_scale)
    op = "MatMul" if len(shape) == 2 else "Conv"
    attributes = attributes if op == "Conv" else {}
    if form in ("qonnx", "bias", "tiles"):
        v = g.quant(x, input_scale, 0, in_bits, signed, 0)
        w = g.op(
            "Quant",
            [
                g.constant(np.float32(q * along)),
                g.constant(along),
                g.constant(np.float32(0)),
                g.constant(np.float32(bits)),
            ],
            size,
            step=1.0,
            domain=GENERAL,
            signed=1,
            narrow=1,
            rounding_mode="ROUND",
        )
    elif form == "int4":
        g.opset, g.ir_version = 21, 10
        v = g.dequantize(g.quantize(x, input_scale, 0, INT4 if signed else UINT4), input_scale, 0)
        low, high = RANGES[INT4] if signed else RANGES[UINT4]
        axis = 1 if op == "MatMul" else 0
        w = g.op(
            "DequantizeLinear",
            [g.constant(q, INT4), g.constant(scales), g.constant(np.zeros(out), INT4)],
            size,
            axis=axis,
        )
    else:
        element = INT8 if signed else UINT8
        v = g.quantize(x, input_scale, 0, element)
        v = g.op("Clip", [v, g.constant(low, element), g.constant(high, element)], shape, element)
        if form == "qcdq":
            v = g.dequantize(v, input_scale, 0)
            w = g.op(
                "DequantizeLinear",
                [g.constant(q, INT8), g.constant(scales), g.constant(np.zeros(out), INT8)],
                size,
                axis=1 if op == "MatMul" else 0,
            )
        else:
            w, op = g.constant(q, INT8), op + "Integer"
    w.constant = True
    result_shape = (*shape[:-1], out) if len(shape) == 2 else (1, out, None, None)
    g.sums.append(s := Sum(op, "", v.name, w.name, attributes, v.step, 1.0))
    y = g.op(op, [v, w], result_shape, INT32 if form == "integer" else FLOAT, **attributes)
    s.output = y.name
    rows = q.T if len(shape) == 2 else q.reshape(out, -1)
    bias = np.zeros(out, np.int64)
    if form == "bias":
        bias = g.rng.integers(-100, 101, out)
        bias_scale = scales * input_scale
        places = (lambda v: v) if len(shape) == 2 else (lambda v: v.reshape(-1, 1, 1))
        b = g.op(
            "Quant",
            [
                g.constant(places(np.float32(bias) * bias_scale)),
                g.constant(places(bias_scale)),
                g.constant(np.float32(0)),
                g.constant(np.float32(9)),
            ],
            (out,),
            domain=GENERAL,
            signed=1,
            narrow=1,
            rounding_mode="ROUND",
        )
        y = g.op("Add", [y, b], y.shape)
    a, b = max(high, 0), max(-low, 0)
    up, down = np.maximum(rows, 0), np.maximum(-rows, 0)
    most = np.maximum(bias, 0) + a * up.sum(1) + b * down.sum(1)
    least = np.minimum(bias, 0) - a * down.sum(1) - b * up.sum(1)
    need = lambda low, high: max(int(high).bit_length(), (-1 - min(int(low), -1)).bit_length()) + 1
    g.expected = need(least.min(), most.max())
    if form == "tiles":
        tile = g.integer(1, 4)
        starts = np.arange(0, rows.shape[1], tile)
        tile_up, tile_down = (np.add.reduceat(t, starts, axis=1) for t in (up, down))
        inner = need(-(a * tile_down + b * tile_up).max(), (a * tile_up + b * tile_down).max())
        g.metadata["snug.accumulators"] = json.dumps(
            [
                {
                    "layer": g.nodes[-1].name,
                    "output": y.name,
                    "weight": w.name,
                    "target_bits": inner,
                    "required_bits": inner,
                    "input_bits": in_bits,
                    "input_signed": bool(signed),
                    "method": "exact",
                    "tile_size": tile,
                    "outer_bits": g.expected,
                }
            ]
        )
        g.expected = inner
    g.sums.clear()
    g.exact = True


FAMILIES = {
    f.__name__.replace("_", "-"): f
    for f in (
        signs,
        initializers,
        lies,
        functions,
        zero_points,
        qgemm,
        truncation,
        quantizers,
        biases,
        tiles,
        operands,
        borders,
        moves,
        thresholds,
        opaque,
        replaceable,
        annotations,
        mixed,
        snug,
    )
}
