#!/usr/bin/env python3
"""What onnxruntime computes in the registers of this processor, for scripts/demo-registers.

  registers.py cpu                                  what this processor multiplies bytes with
  registers.py pairs                                which products share a 16-bit register, by experiment
  registers.py prepare DATA OUT.npz COUNT [NHWC] [MEAN STD]
                                                    samples of an image folder or .npz, normalised
  registers.py quantize FLOAT OUT DATA.npz [--reduce-range]    onnxruntime's own quantize_static
  registers.py fuse QCDQ OUT                        the same layers in the form that onnxruntime joins to QLinearConv
  registers.py recount MODEL                        pairs of weights that can leave 16 bits, by numpy alone
  registers.py run MODEL DATA.npz OUT.npy [--exact] the outputs; --exact widens every product first
  registers.py compare A.npy B.npy DATA.npz         differing bytes, and the share of right answers

--exact is onnxruntime's option session.x64quantprecision, with which results are those of a processor with VNNI.
"""
import itertools
import os
import sys

import numpy as np


def cpu():
    with open("/proc/cpuinfo", encoding="ascii") as file:
        flags = next(line for line in file if line.startswith("flags")).split()
    vnni = {"avx512_vnni", "avx_vnni"} & set(flags)
    return "with VNNI" if vnni else "without VNNI"


def session(model, exact=False):
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    if exact:
        options.add_session_config_entry("session.x64quantprecision", "1")
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def run(model, data, out, exact):
    runner = session(model, exact)
    x = np.load(data)["x"]
    name = runner.get_inputs()[0].name
    batch = runner.get_inputs()[0].shape[0]
    step = batch if isinstance(batch, int) else 16
    parts = [runner.run(None, {name: x[i : i + step]})[0] for i in range(0, len(x), step)]
    np.save(out, np.concatenate(parts))


def compare(first, second, data):
    a, b = np.load(first), np.load(second)
    labels = np.load(data)["y"]
    differing = int((a.view(np.uint8) != b.view(np.uint8)).reshape(a.nbytes).sum())
    moved = float(abs(a - b).max() / max(float(abs(b).max()), 1e-30))
    right = [100 * float((v.reshape(len(v), -1).argmax(1) == labels).mean()) for v in (a, b)]
    print(
        f"{differing} of {a.nbytes} bytes differ, by {100 * moved:.1f} % of the largest output at most; "
        f"top-1 {right[0]:.2f} % and {right[1]:.2f} % of {len(a)}"
    )
    return 0 if differing == 0 else 1


def prepare(data, out, count, channels_last, mean, std):
    if os.path.isdir(data):
        from PIL import Image

        classes = sorted(os.listdir(data))
        files = [(os.path.join(data, c, f), i) for i, c in enumerate(classes) for f in sorted(os.listdir(os.path.join(data, c)))]
        files = files[:: max(1, len(files) // count)][:count]
        x = np.stack([np.asarray(Image.open(f).convert("RGB"), np.float32) for f, _ in files])
        y = np.array([i for _, i in files])
        if mean is not None:
            x = (x / 255 - np.array(mean, np.float32)) / np.array(std, np.float32)
        x = x if channels_last else x.transpose(0, 3, 1, 2)
    else:
        arrays = np.load(data)
        x, y = arrays["x"][:count].astype(np.float32), arrays["y"][:count]
    np.savez(out, x=np.ascontiguousarray(x, np.float32), y=y)


def quantize(model, out, data, reduce_range):
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    name = session(model).get_inputs()[0].name
    x = np.load(data)["x"]

    class Reader(CalibrationDataReader):
        def __init__(self):
            self.batches = iter([x[i : i + 1] for i in range(min(len(x), 256))])

        def get_next(self):
            batch = next(self.batches, None)
            return None if batch is None else {name: batch}

    prepared = out + ".prepared.onnx"
    quant_pre_process(model, prepared)
    quantize_static(
        prepared, out, Reader(), quant_format=QuantFormat.QDQ, per_channel=True, reduce_range=reduce_range,
        activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
    )
    os.remove(prepared)


def fuse(path, out):
    """Weights as signed bytes behind nothing but DequantizeLinear, biases as 32-bit codes inside the convolutions."""
    import onnx
    from onnx import helper, numpy_helper

    model = onnx.load(path)
    graph = model.graph
    constants = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    producers = {name: node for node in graph.node for name in node.output}
    readers = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    drop, new = set(), []

    def constant(name, value):
        graph.initializer.append(numpy_helper.from_array(value, name))
        return name

    def dequantized(name):
        """The scale behind a DequantizeLinear, through operators that move values."""
        while name in producers and producers[name].op_type in ("Transpose", "Reshape", "Flatten", "MaxPool", "Squeeze"):
            name = producers[name].input[0]
        node = producers.get(name)
        return constants[node.input[1]] if node is not None and node.op_type == "DequantizeLinear" else None

    for node in graph.node:
        if node.op_type == "Clip" and node.input[0] in constants and constants[node.input[0]].dtype == np.int8:
            low, high = (constants[name] for name in node.input[1:])
            codes = np.clip(constants[node.input[0]], low, high)
            for reader in readers[node.output[0]]:
                reader.input[0] = constant(node.output[0] + "_folded", codes)
            constants[node.output[0] + "_folded"] = codes
            drop.add(id(node))
    for node in graph.node:
        if node.op_type not in ("Conv", "MatMul") or len(node.input) > 2:
            continue
        weight = producers.get(node.input[1])
        step, after = dequantized(node.input[0]), readers.get(node.output[0], [])
        if weight is None or weight.op_type != "DequantizeLinear" or step is None or len(after) != 1:
            continue
        add = after[0]
        values = [constants[name] for name in add.input if name in constants] if add.op_type == "Add" else []
        if not values or node.op_type == "MatMul":
            continue
        scale = np.broadcast_to((constants[weight.input[1]] * step).astype(np.float32).reshape(-1), values[0].size)
        codes = np.rint(values[0].reshape(-1) / scale).astype(np.int32)
        name = node.output[0] + "_bias"
        attributes = {"axis": 0}
        new.append(helper.make_node("DequantizeLinear", [constant(name + "_codes", codes), constant(name + "_scale", np.array(scale))], [name], **attributes))
        node.input.append(name)
        node.output[0] = add.output[0]
        drop.add(id(add))
    nodes = new + [node for node in graph.node if id(node) not in drop]
    del graph.node[:]
    graph.node.extend(nodes)
    del graph.value_info[:]
    del model.metadata_props[:]
    used = {name for node in graph.node for name in node.input}
    kept = [t for t in graph.initializer if t.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    onnx.checker.check_model(model)
    onnx.save(model, out)


def recount(path):
    """Pairs of bytes by the file's own signed weights, in the orders of im2col and of padded positions."""
    import onnx
    from onnx import numpy_helper

    model = onnx.load(path)
    constants = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    producers = {name: node for node in model.graph.node for name in node.output}
    total = leaving = 0
    for node in model.graph.node:
        at = {"Conv": 1, "ConvInteger": 1, "QLinearConv": 3, "MatMul": 1, "Gemm": 1, "MatMulInteger": 1,
              "QLinearMatMul": 3, "QGemm": 3}.get(node.op_type)
        if at is None:
            continue
        name = node.input[at]
        source = producers.get(name)
        if source is not None and source.op_type == "DequantizeLinear":
            name = source.input[0]
        weight = constants.get(name)
        if weight is None or weight.dtype != np.int8:
            continue
        w = weight.astype(np.int64)
        if "Conv" in node.op_type:
            last = np.moveaxis(w.reshape(*w.shape[:2], -1), 1, 2)  # output channel, position, input channel
            orders = [last.reshape(len(w), -1), last.reshape(-1, last.shape[-1])]
        else:
            transposed = {a.name: a.i for a in node.attribute}.get("transB", 0)
            rows = w if transposed else np.swapaxes(w, -1, -2)
            orders = [rows.reshape(-1, rows.shape[-1])]
        found = []
        for rows in orders:
            rows = np.pad(rows, ((0, 0), (0, rows.shape[1] % 2)))
            pairs = rows.reshape(len(rows), -1, 2)
            high = 255 * np.maximum(pairs, 0).sum(-1)
            low = 255 * np.minimum(pairs, 0).sum(-1)
            found.append((int(((high > 32767) | (low < -32768)).sum()), high.size))
        leaving, total = leaving + max(bad for bad, _ in found), total + found[0][1]
    print(f"{leaving} of {total} adjacent pairs of weights can leave 16 bits")
    return 0 if leaving == 0 else 1


def pairs():
    """Two inputs of 255 meet weights of 127 in every pair of places; where the sum is 32767, they shared a register."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    def built(op, inputs, kind, weight, attributes=()):
        constants = {"w": weight, "z": np.uint8(0), "o": np.float32(1), "s": np.float32(256), "v": np.int8(0)}
        node = helper.make_node(op, inputs, ["y"], **dict(attributes))
        graph = helper.make_graph(
            [node], "pairs", [helper.make_tensor_value_info("x", TensorProto.UINT8, None)],
            [helper.make_tensor_value_info("y", kind, None)],
            [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items() if k in inputs])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
        return session(model.SerializeToString())

    def found(runner, shape, factor):
        length = int(np.prod(shape))
        places = list(itertools.combinations(range(length), 2))
        x = np.zeros((len(places), length), np.uint8)
        for row, (i, j) in enumerate(places):
            x[row, [i, j]] = 255
        y = runner.run(None, {"x": x.reshape(len(places), *shape)})[0].astype(np.int64)
        sums = y.reshape(len(places), -1)[:, 0] * factor
        return [p for p, s in zip(places, sums) if s < 64000]

    linear = ["x", "o", "z", "w", "o", "v", "s", "z"]
    full = lambda *shape: np.full(shape, 127, np.int8)
    cases = [
        ("MatMulInteger, K = 7", built("MatMulInteger", ["x", "w"], TensorProto.INT32, full(7, 5)), (7,), 1),
        ("QLinearMatMul, K = 8", built("QLinearMatMul", linear, TensorProto.UINT8, full(8, 5)), (8,), 256),
        ("ConvInteger, 4 channels, 3 x 3", built("ConvInteger", ["x", "w"], TensorProto.INT32, full(4, 4, 3, 3)), (4, 3, 3), 1),
        ("QLinearConv, 4 channels, 2 x 2", built("QLinearConv", linear, TensorProto.UINT8, full(4, 4, 2, 2)), (4, 2, 2), 256),
        ("QLinearConv, 3 channels, 2 x 2", built("QLinearConv", linear, TensorProto.UINT8, full(4, 3, 2, 2)), (3, 2, 2), 256),
        ("QLinearConv, depthwise, 3 x 3", built("QLinearConv", linear, TensorProto.UINT8, full(1, 1, 3, 3)), (1, 3, 3), 256),
    ]
    for name, runner, shape, factor in cases:
        shared = found(runner, shape, factor)
        print(f"{name}: " + (" ".join(f"{i}-{j}" for i, j in shared) or "none"))


def main(arguments):
    command, *rest = arguments or [""]
    flags = {a for a in rest if a.startswith("--")}
    rest = [a for a in rest if a not in flags]
    if command == "cpu":
        print(cpu())
    elif command == "pairs":
        pairs()
    elif command == "prepare":
        numbers = [list(map(float, v.split(","))) for v in rest[3:] if v != "NHWC"] or [None, None]
        prepare(rest[0], rest[1], int(rest[2]), "NHWC" in rest, *numbers)
    elif command == "quantize":
        quantize(*rest, "--reduce-range" in flags)
    elif command == "fuse":
        fuse(*rest)
    elif command == "recount":
        return recount(*rest)
    elif command == "run":
        run(*rest, "--exact" in flags)
    elif command == "compare":
        return compare(*rest)
    else:
        print(__doc__)
        return 64
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
