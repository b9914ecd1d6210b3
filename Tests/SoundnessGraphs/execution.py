"""Executes graphs outside of Snug and observes the integers that each sum of products adds.

QONNX operators are replaced by the standard operators that their definitions name, and onnxruntime runs the
whole; what it can't run, onnx's reference evaluator does. `matches_qonnx` compares that with qonnx itself.
"""

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

from graph import FLOAT, GENERAL, LAST, Graph

onnxruntime.set_default_logger_severity(4)
REAL = 999  # the observed width of a sum whose operands are no integers of their steps


class NotExecutable(Exception):
    """No executor runs the graph."""


class Expansion:
    """Standard nodes in the place of one QONNX node."""

    def __init__(self, node):
        self.node, self.nodes, self.tensors = node, [], []

    def const(self, value):
        name = f"{self.node.output[0]}_c{len(self.tensors)}"
        self.tensors.append(onnx.numpy_helper.from_array(np.asarray(value), name))
        return name

    def op(self, op, *inputs, output=None, **attributes):
        output = output or f"{self.node.output[0]}_t{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [output], **attributes))
        return output

    def rounded(self, x, mode):
        if mode in ("CEIL", "FLOOR"):
            return self.op({"CEIL": "Ceil", "FLOOR": "Floor"}[mode], x)
        if mode == "ROUND":
            return self.op("Round", x)
        magnitude, sign = self.op("Abs", x), self.op("Sign", x)
        if mode == "UP":
            magnitude = self.op("Ceil", magnitude)
        elif mode == "DOWN":
            magnitude = self.op("Floor", magnitude)
        elif mode == "HALF_UP":
            magnitude = self.op("Floor", self.op("Add", magnitude, self.const(np.float32(0.5))))
        else:
            magnitude = self.op("Ceil", self.op("Sub", magnitude, self.const(np.float32(0.5))))
        return self.op("Mul", sign, magnitude)

    def clipped(self, x, low, high):
        return self.op("Max", self.op("Min", x, self.const(np.float32(high))), self.const(np.float32(low)))


def limits(bits, signed, narrow):
    if signed:
        return -(2.0 ** (bits - 1)) + (1 if narrow else 0), 2.0 ** (bits - 1) - 1
    return 0.0, 2.0**bits - (2 if narrow else 1)


def expand(node, version, arrays):
    """The standard operators of a QONNX node, as its definition states them."""
    e, a = Expansion(node), {v.name: helper.get_attribute_value(v) for v in node.attribute}
    x, result = node.input[0], node.output[0]
    if node.domain == LAST:
        rank = {"Conv": len(a["kernel_shape"]) + 2, "MaxPool": len(a["kernel_shape"]) + 2}[node.op_type]
        first = [0, rank - 1, *range(1, rank - 1)]
        inputs = [e.op("Transpose", x, perm=first)]
        if node.op_type == "Conv":
            inputs += [e.op("Transpose", node.input[1], perm=first), *node.input[2:]]
        e.op("Transpose", e.op(node.op_type, *inputs, **a), perm=[0, *range(2, rank), 1], output=result)
    elif node.op_type == "Quant":
        scale, zero, bits = node.input[1], node.input[2], float(arrays[node.input[3]].reshape(()))
        zero = e.op("Cast", zero, to=FLOAT)
        if arrays[node.input[1]].dtype != np.float32:
            x, scale, zero = (
                e.op("Cast", x, to=TensorProto.DOUBLE),
                scale,
                e.op("Cast", zero, to=TensorProto.DOUBLE),
            )
            scale = e.op("Cast", scale, to=TensorProto.DOUBLE)
        codes = e.op("Add", e.op("Div", x, scale), zero)
        if bits == 1 and a["signed"]:
            one = e.const(np.float32(1))
            codes = e.op(
                "Where", e.op("GreaterOrEqual", codes, e.const(np.float32(0))), one, e.op("Neg", one)
            )
        else:
            low, high = limits(bits, a["signed"], a["narrow"])
            if arrays[node.input[1]].dtype != np.float32:
                codes = e.op("Max", e.op("Min", codes, e.const(high)), e.const(low))
            else:
                codes = e.clipped(codes, low, high)
            codes = e.rounded(codes, a.get("rounding_mode", b"ROUND").decode())
        e.op("Cast", e.op("Mul", e.op("Sub", codes, zero), scale), to=FLOAT, output=result)
    elif node.op_type == "BipolarQuant":
        one = e.const(np.float32(1))
        sign = e.op("Where", e.op("GreaterOrEqual", x, e.const(np.float32(0))), one, e.op("Neg", one))
        e.op("Mul", sign, node.input[1], output=result)
    elif node.op_type == "Trunc":
        scale, zero = node.input[1], node.input[2]
        codes = e.op("Round", e.op("Add", e.op("Div", x, scale), zero))
        if version == 1:
            bits = [float(arrays[n].reshape(())) for n in node.input[3:5]]
            codes = e.rounded(
                e.op("Div", codes, e.const(np.float32(2.0 ** (bits[0] - bits[1])))),
                a["rounding_mode"].decode(),
            )
            e.op("Mul", e.op("Sub", codes, zero), scale, output=result)
        else:
            out_scale, out_bits = node.input[4], float(arrays[node.input[5]].reshape(()))
            ratio = np.float32(2.0 ** np.round(np.log2(arrays[out_scale] / arrays[scale])))
            codes = e.clipped(e.op("Div", codes, e.const(ratio)), *limits(out_bits, a["signed"], a["narrow"]))
            codes = e.rounded(codes, a["rounding_mode"].decode())
            shifted = e.op("Sub", codes, e.op("Div", zero, e.const(ratio)))
            e.op("Mul", shifted, out_scale, output=result)
    elif node.op_type == "MultiThreshold":
        last = e.op(
            "Unsqueeze", e.op("Transpose", x, perm=[0, *range(2, a["rank"]), 1]), e.const(np.int64([-1]))
        )
        reached = e.op("Cast", e.op("GreaterOrEqual", last, node.input[1]), to=FLOAT)
        count = e.op("ReduceSum", reached, e.const(np.int64([-1])), keepdims=0)
        count = e.op("Transpose", count, perm=[0, a["rank"] - 1, *range(1, a["rank"] - 1)])
        scaled = e.op("Mul", count, e.const(np.float32(a.get("out_scale", 1.0))))
        e.op("Add", scaled, e.const(np.float32(a.get("out_bias", 0.0))), output=result)
    elif node.op_type == "Im2Col":
        n, h, w, c = eval(a["input_shape"].decode(), {"__builtins__": {}})
        top, left, bottom, right = a["pad_amount"]
        kernel, stride, dilation = a["kernel_size"], a["stride"], a["dilations"]
        padded = e.op(
            "Pad",
            x,
            e.const(np.int64([0, top, left, 0, 0, bottom, right, 0])),
            e.const(np.float32(a["pad_value"])),
        )
        height, width = h + top + bottom, w + left + right
        rows = [
            range(0, height - dilation[0] * (kernel[0] - 1), stride[0]),
            range(0, width - dilation[1] * (kernel[1] - 1), stride[1]),
        ]
        index = [
            [
                (i + dilation[0] * p) * width + j + dilation[1] * q
                for p in range(kernel[0])
                for q in range(kernel[1])
            ]
            for i in rows[0]
            for j in rows[1]
        ]
        flat = e.op("Reshape", padded, e.const(np.int64([n, height * width, c])))
        patches = e.op("Gather", flat, e.const(np.int64(index)), axis=1)
        e.op(
            "Reshape",
            patches,
            e.const(np.int64([n, len(rows[0]), len(rows[1]), kernel[0] * kernel[1] * c])),
            output=result,
        )
    else:
        raise NotExecutable(f"{node.domain}:{node.op_type}")
    return e.nodes, e.tensors


def executable(g: Graph, watched, inlined=None):
    """A copy of the model that shows the watched tensors, in standard operators and those of onnxruntime."""
    nodes, tensors = [], list(g.tensors)
    for node in inlined or g.nodes:
        if node.domain in (GENERAL, LAST):
            if node.op_type == "MultiThreshold":
                copy = onnx.NodeProto()
                copy.CopyFrom(node)
                copy.attribute.append(helper.make_attribute("rank", g.ranks[node.output[0]]))
                node = copy
            new, constants = expand(node, g.domains.get(node.domain, 1), g.arrays)
            nodes += new
            tensors += constants
        else:
            nodes.append(node)
    known = {name for node in nodes for name in node.output} | {t.name for t in tensors}
    inputs = [g.info(name, element, shape) for name, element, shape in g.inputs]
    outputs = [onnx.ValueInfoProto(name=name) for name in watched if name in known]
    graph = helper.make_graph(nodes, "graph", inputs, outputs, tensors)
    imports = [helper.make_opsetid("", g.opset), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=imports, ir_version=g.ir_version)


class Executor:
    """Runs one graph many times; gives the watched tensors by name."""

    def __init__(self, g, watched, optimized, inlined=None):
        self.feeds = {name for name, _, _ in g.inputs}
        self.given = {name: g.arrays[name] for name in watched if name in g.arrays}
        model = executable(g, [w for w in watched if w not in self.feeds and w not in self.given], inlined)
        self.names = [v.name for v in model.graph.output]
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        if not optimized:
            options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        self.session, self.reference = None, None
        if self.names:
            try:
                self.session = onnxruntime.InferenceSession(
                    model.SerializeToString(), options, providers=["CPUExecutionProvider"]
                )
            except Exception as error:
                if optimized or "Type Error" in str(error):  # no executor defines what ONNX doesn't allow
                    raise NotExecutable(str(error)) from error
                try:
                    from onnx.reference import ReferenceEvaluator

                    for output in model.graph.output:
                        output.type.tensor_type.elem_type = FLOAT
                    self.reference = ReferenceEvaluator(model)
                except Exception:
                    raise NotExecutable(str(error)) from error

    def run(self, feeds):
        values = {**self.given, **feeds}
        try:
            if self.session is not None:
                values.update(zip(self.names, self.session.run(self.names, feeds)))
            elif self.reference is not None:
                values.update(zip(self.names, self.reference.run(self.names, feeds)))
        except Exception as error:
            raise NotExecutable(str(error)) from error
        return values


# Products


def whole(values, step):
    """Integers of values in steps, None where they are not."""
    values = np.asarray(values).astype(np.float64) / step
    integers = np.rint(values)
    if not np.all(np.isfinite(values)) or np.any(np.abs(values - integers) > 0.02 + 1e-6 * np.abs(values)):
        return None
    if integers.size and np.abs(integers).max() > 2.0**62:
        return None
    return integers.astype(np.int64)


def products(s, left, right):
    """All products of each element of the result, along a last axis in the order of the stored weight."""
    a = s.attributes
    if s.op in ("Conv", "ConvInteger", "QLinearConv"):
        if s.channels_last:
            left, right = np.moveaxis(left, -1, 1), np.moveaxis(right, -1, 1)
        result = convolution(left, right, a)
        if s.channels_last:
            kernel = right.shape[2:]
            split = result.reshape(result.shape[:-1] + (right.shape[1],) + kernel)
            split = np.moveaxis(split, len(result.shape) - 1, -1)
            result = np.moveaxis(split.reshape(result.shape), 1, -2)
        return result
    if s.op == "ConvTranspose":
        return transposed_convolution(left, right, a)
    if a.get("transA"):
        left = left.T
    if a.get("transB"):
        right = right.T
    row, column = left.ndim == 1, right.ndim == 1
    left = left[None] if row else left
    right = right[:, None] if column else right
    result = left[..., :, None, :] * np.swapaxes(right, -1, -2)[..., None, :, :]
    if column:
        result = result[..., 0, :]
    if row:
        result = result[..., 0, :, :] if not column else result[..., 0, :]
    return result


def geometry(a, spatial):
    pads = a.get("pads") or [0] * 2 * spatial
    return (
        pads[:spatial],
        pads[spatial:],
        a.get("strides") or [1] * spatial,
        a.get("dilations") or [1] * spatial,
    )


def convolution(x, w, a):
    spatial, group = x.ndim - 2, a.get("group", 1)
    begin, end, stride, dilation = geometry(a, spatial)
    padded = np.pad(x, [(0, 0), (0, 0), *zip(begin, end)])
    kernel = w.shape[2:]
    sizes = [
        (padded.shape[i + 2] - dilation[i] * (kernel[i] - 1) - 1) // stride[i] + 1 for i in range(spatial)
    ]
    result = np.zeros((x.shape[0], w.shape[0], *sizes, w.shape[1], int(np.prod(kernel))), np.int64)
    each = w.shape[0] // group
    for t, tap in enumerate(np.ndindex(*kernel)):
        index = tuple(
            slice(tap[i] * dilation[i], tap[i] * dilation[i] + (sizes[i] - 1) * stride[i] + 1, stride[i])
            for i in range(spatial)
        )
        window = padded[(slice(None), slice(None), *index)]
        for o in range(w.shape[0]):
            inputs = slice(o // each * w.shape[1], (o // each + 1) * w.shape[1])
            taken = np.moveaxis(window[:, inputs], 1, -1)
            result[:, o, ..., t] = taken * w[(o, slice(None), *tap)]
    return result.reshape(result.shape[:-2] + (-1,))


def transposed_convolution(x, w, a):
    spatial, group = x.ndim - 2, a.get("group", 1)
    begin, end, stride, dilation = geometry(a, spatial)
    extra = a.get("output_padding") or [0] * spatial
    kernel, inputs, outputs = w.shape[2:], w.shape[0] // group, w.shape[1]
    full = [
        stride[i] * (x.shape[i + 2] - 1) + dilation[i] * (kernel[i] - 1) + 1 + extra[i]
        for i in range(spatial)
    ]
    result = np.zeros((x.shape[0], group * outputs, *full, inputs, int(np.prod(kernel))), np.int64)
    for t, tap in enumerate(np.ndindex(*kernel)):
        index = tuple(
            slice(
                tap[i] * dilation[i], tap[i] * dilation[i] + (x.shape[i + 2] - 1) * stride[i] + 1, stride[i]
            )
            for i in range(spatial)
        )
        for o in range(group * outputs):
            g = o // outputs
            taken = np.moveaxis(x[:, g * inputs : (g + 1) * inputs], 1, -1)
            weights = w[(slice(g * inputs, (g + 1) * inputs), o % outputs, *tap)]
            result[(slice(None), o, *index, slice(None), t)] = taken * weights
    crop = tuple(slice(begin[i], full[i] - end[i]) for i in range(spatial))
    result = result[(slice(None), slice(None), *crop)]
    return result.reshape(result.shape[:-2] + (-1,))


# Widths


def width(low, high):
    """The least width of a signed register that holds low...high."""
    return max(int(high).bit_length(), (-1 - min(int(low), -1)).bit_length()) + 1


def watched(g):
    names = []
    for s in g.sums:
        names += [s.left, s.right, s.left_zero, s.right_zero, *(b.name for b in s.summands)]
    return list(dict.fromkeys(n for n in names if n))


def observe(s, values):
    """The widths that the sum or its tiles, and the outer register, needed; then the extremes."""
    left, right = whole(values[s.left], s.left_step), whole(values[s.right], s.right_step)
    if left is None or right is None:
        return REAL, REAL, 0, 0
    if s.left_zero:
        zero = values[s.left_zero].astype(np.int64)
        left = left - (
            zero[:, None]
            if zero.ndim == 1 and zero.size > 1
            else zero.reshape(()) if zero.size == 1 else zero
        )
    if s.right_zero:
        zero = values[s.right_zero].astype(np.int64)
        if zero.ndim == 1 and zero.size > 1 and ("Conv" in s.op or s.attributes.get("transB")):
            zero = zero.reshape([-1] + [1] * (right.ndim - 1))
        right = right - (zero.reshape(()) if zero.size == 1 else zero)
    terms = products(s, left, right)
    up, down = np.maximum(terms, 0), np.minimum(terms, 0)
    high, low = up.sum(axis=-1), down.sum(axis=-1)
    inner = outer = None
    if s.tile:
        starts = np.arange(0, terms.shape[-1], s.tile)
        inner = width(
            np.add.reduceat(down, starts, axis=-1).min(), np.add.reduceat(up, starts, axis=-1).max()
        )
        finished = np.add.reduceat(terms, starts, axis=-1)
        high, low = np.maximum(finished, 0).sum(axis=-1), np.minimum(finished, 0).sum(axis=-1)
    for b in s.summands:
        added = whole(values[b.name], b.step)
        if added is None:
            return REAL, REAL, 0, 0
        if b.channels:
            added = added.reshape([-1] + [1] * (high.ndim - 2))
        added = added * b.sign
        high, low = high + np.maximum(added, 0), low + np.minimum(added, 0)
    if not high.size:
        return 1, 1, 0, 0
    outer = width(low.min(), high.max())
    return (inner if s.tile else outer), outer, int(low.min()), int(high.max())


def feeds(g, rng, trial, best):
    """Values for the graph's inputs: extremes, random ones, or changes of the best so far."""
    result = {}
    mode = trial % 6
    for name, element, shape in g.inputs:
        dtype = helper.tensor_dtype_to_np_dtype(element)
        limits = g.limits[name]
        if callable(limits):
            result[name] = limits(rng).astype(dtype)
            continue
        low, high = limits[0], limits[-1]
        if mode == 0:
            values = np.full(shape, high)
        elif mode == 1:
            values = np.full(shape, low)
        elif mode == 2 or best is None:
            values = np.where(rng.random(shape) < 0.5, low, high)
        elif mode == 3:
            values = np.array(limits)[rng.integers(len(limits), size=shape)]
        else:
            flip = rng.random(shape) < 0.25
            values = np.where(flip, np.where(rng.random(shape) < 0.5, low, high), best[name])
        result[name] = np.asarray(values).astype(dtype)
    return result


def widest(g, rng, trials, optimized, inlined=None):
    """The widths that each sum needed over many inputs, the greatest of all executions."""
    names = watched(g)
    executor = Executor(g, names, optimized, inlined)
    results = [(1, 1)] * len(g.sums)
    best, reach = None, -1
    for trial in range(trials):
        given = feeds(g, rng, trial, best)
        values = executor.run(given)
        score = 0
        for i, s in enumerate(g.sums):
            inner, outer, low, high = observe(s, values)
            results[i] = max(results[i][0], inner), max(results[i][1], outer)
            score = max(score, high, -low)
        if score > reach:
            best, reach = given, score
        if any(inner == REAL for inner, _ in results) or not g.inputs:
            break
    return results


def matches_qonnx(g, rng):
    """Whether qonnx computes the same values of the watched tensors."""
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.core.onnx_exec import execute_onnx

    names = [name for node in g.nodes for name in node.output if name]
    given = feeds(g, rng, 2, None)
    ours = Executor(g, names, False).run(given)
    model = ModelWrapper(g.model())
    for name in names:
        model.set_tensor_shape(
            name, list(ours[name].shape), helper.np_dtype_to_tensor_dtype(ours[name].dtype)
        )
    theirs = execute_onnx(model, given, return_full_exec_context=True)
    return all(np.allclose(ours[n], theirs[n], rtol=1e-5, atol=1e-6) for n in names if n in theirs)
