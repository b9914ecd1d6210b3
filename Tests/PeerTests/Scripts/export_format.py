"""Checks what an exported QONNX file holds, from the file alone and in exact integers.

Uses the onnx package and NumPy only. Every check appends one line to a list of violations.
"""

import json
import re

import numpy as np
from onnx import TensorProto, numpy_helper

QONNX = "qonnx.custom_op.general"
LINEAR = {"Conv", "ConvTranspose", "Gemm", "MatMul"}
# Operators that an import removes, or writes as others.
DISSOLVED = {"Identity", "Dropout", "GRU", "LSTM", "RNN"}
MOVES = {
    "Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze", "MaxPool", "DepthToSpace", "Identity",
    "Dropout", "Slice", "Split", "Concat",
}  # fmt: skip


class File:
    """A model with its initializers as arrays and its nodes by what they make."""

    def __init__(self, model):
        self.model = model
        graph = model.graph
        self.nodes = list(graph.node)
        self.constants = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
        self.producer = {o: n for n in self.nodes for o in n.output if o}
        self.readers = {}
        for node in self.nodes:
            for name in node.input:
                self.readers.setdefault(name, []).append(node)
        self.inputs = [i for i in graph.input if i.name not in self.constants]
        self.metadata = {p.key: p.value for p in model.metadata_props}
        self.annotations = {
            a.tensor_name: {p.key: p.value for p in a.quant_parameter_tensor_names}
            for a in graph.quantization_annotation
        }

    def attributes(self, node):
        from onnx import helper

        return {a.name: helper.get_attribute_value(a) for a in node.attribute}

    def quantizers(self):
        return [n for n in self.nodes if "Quant" in n.op_type]

    def is_weight(self, quantizer):
        return quantizer.input[0] in self.constants and not self.is_bias(quantizer)

    def is_bias(self, quantizer):
        """Whether a constant's quantizer is read by nothing but additions to sums."""
        readers = self.readers.get(quantizer.output[0], [])
        return quantizer.input[0] in self.constants and all(
            r.op_type == "Add" or list(r.input).index(quantizer.output[0]) == 2 for r in readers)

    def is_weight_output(self, name):
        node = self.producer.get(name)
        return node is not None and node.op_type == "Quant" and self.is_weight(node)

    def sources(self, name):
        """The quantizers that a value comes from through operators that only move values."""
        node = self.producer.get(name)
        if node is None:
            return [None]
        if node.op_type == "Quant":
            return [node]
        if node.op_type not in MOVES:
            return [None]
        positions = range(len(node.input)) if node.op_type == "Concat" else [0]
        return [q for p in positions for q in self.sources(node.input[p])]


class Quantizer:
    def __init__(self, file, node):
        attributes = file.attributes(node)
        self.scale, self.zero, bits = (file.constants[i] for i in node.input[1:4])
        self.bits = int(bits)
        self.signed = bool(attributes["signed"])
        narrow = int(attributes["narrow"])
        if self.signed:
            self.low, self.high = -(2 ** (self.bits - 1)) + narrow, 2 ** (self.bits - 1) - 1
        else:
            self.low, self.high = 0, 2**self.bits - 1 - narrow


class Layer:
    """A dot-product node with the integers of its weight as channels x K."""

    def __init__(self, file, node):
        self.file, self.node = file, node
        position = next(i for i, name in enumerate(node.input[:2]) if file.is_weight_output(name))
        self.weight = file.producer[node.input[position]]
        self.values = file.constants[self.weight.input[0]]
        quantizer = Quantizer(file, self.weight)
        self.bits = quantizer.bits
        scale = quantizer.scale.astype(np.float32)
        self.integers = np.rint(self.values / scale).astype(np.int64)
        self.is_exact = np.array_equal(
            (self.integers.astype(np.float32) * scale).view(np.int32), self.values.view(np.int32))
        self.low, self.high = quantizer.low, quantizer.high
        self.data = [q for q in file.sources(node.input[1 - position])]
        attributes = file.attributes(node)
        w = self.integers
        if node.op_type == "Conv":
            self.rows = w.reshape(w.shape[0], -1)
        elif node.op_type == "ConvTranspose":
            groups = attributes.get("group", 1)
            parts = w.reshape(groups, w.shape[0] // groups, *w.shape[1:])
            self.rows = np.moveaxis(parts, 2, 1).reshape(groups * w.shape[1], -1)
        elif node.op_type == "Gemm" and attributes.get("transB", 0):
            self.rows = w
        else:
            self.rows = (w if position == 0 else w.T).reshape(-1, w.shape[0 if position else 1])

        self.bias = self.bias_quantizer()
        self.biases = np.zeros(len(self.rows), dtype=np.int64)
        if self.bias is not None:
            steps = file.constants[self.bias.input[1]].astype(np.float64)
            codes = np.rint(file.constants[self.bias.input[0]].astype(np.float64) / steps)
            self.biases = self.biases + codes.reshape(-1).astype(np.int64)

    def bias_quantizer(self):
        """The quantizer of the constant that the node, or an Add that alone reads it, adds; None without."""
        if self.node.op_type != "MatMul":
            return self.file.producer.get(self.node.input[2]) if len(self.node.input) > 2 else None
        readers = self.file.readers.get(self.node.output[0], [])
        if len(readers) != 1 or readers[0].op_type != "Add":
            return None
        other = next(i for i in readers[0].input if i != self.node.output[0])
        found = self.file.producer.get(other)
        return found if found is not None and found.op_type == "Quant" and self.file.is_bias(
            found) else None  # fmt: skip

    def required_bits(self):
        """The least signed width for every partial sum, in Python's unbounded integers; a bias may come first or
        last."""
        low = min(Quantizer(self.file, q).low for q in self.data)
        high = max(Quantizer(self.file, q).high for q in self.data)
        most = least = 0
        for row, bias in zip(self.rows, self.biases.tolist()):
            up, down = int(row[row > 0].sum()), -int(row[row < 0].sum())
            most = max(most, max(bias, 0) + max(high, 0) * up - min(low, 0) * down)
            least = min(least, min(bias, 0) + min(low, 0) * up - max(high, 0) * down)
        return width(least, most)

    def tiled_bits(self, size):
        """The least widths of a register for each run of `size` products, and of one that adds the runs and a bias."""
        low = min(min(Quantizer(self.file, q).low for q in self.data), 0)
        high = max(max(Quantizer(self.file, q).high for q in self.data), 0)
        inner, outer = [0], [0]
        for row, bias in zip(self.rows.tolist(), self.biases.tolist()):
            tiles = [row[i:i + size] for i in range(0, len(row), size)]
            # Inputs may be 0, so that each product, and with it each tile, ends at its own extreme.
            most = [sum(max(w * low, w * high) for w in tile) for tile in tiles]
            least = [sum(min(w * low, w * high) for w in tile) for tile in tiles]
            inner += most + least
            outer += [max(bias, 0) + sum(most), min(bias, 0) + sum(least)]
        return width(min(inner), max(inner)), width(min(outer), max(outer))


def width(least, most):
    bits = 1
    while not (-(1 << (bits - 1)) <= least and most <= (1 << (bits - 1)) - 1):
        bits += 1
    return bits


def layers(file):
    return [Layer(file, n) for n in file.nodes
            if n.op_type in LINEAR and any(map(file.is_weight_output, n.input))]  # fmt: skip


def check_quantizers(file, report):
    imports = [o.version for o in file.model.opset_import if o.domain == QONNX]
    if imports != [1]:
        report(f"domain imported at {imports}")
    for node in file.quantizers():
        name = node.name
        if node.op_type != "Quant" or node.domain != QONNX:
            report(f"{name} is {node.domain} {node.op_type}")
        attributes = file.attributes(node)
        if sorted(attributes) != ["narrow", "rounding_mode", "signed"]:
            report(f"{name} has attributes {sorted(attributes)}")
        if attributes.get("rounding_mode") != b"ROUND":
            report(f"{name} rounds by {attributes.get('rounding_mode')}")
        if len(node.input) != 4 or any(i not in file.constants for i in node.input[1:]):
            report(f"{name} has parameters that are no initializers")
            continue
        scale, zero, bits = (file.constants[i] for i in node.input[1:])
        if any(p.dtype != np.float32 for p in (scale, zero, bits)):
            report(f"{name} has parameters that are not float32")
        if bits.shape != () or bits != np.rint(bits):
            report(f"{name} has bit width {bits!r}")
        if np.any(zero != 0) or not np.all(np.isfinite(scale) & (scale > 0)):
            report(f"{name} has a zero point or a scale that is not positive")
        datatype = file.annotations.get(node.output[0], {}).get("finn_datatype")
        if datatype != f"SCALEDINT<{int(bits)}>":
            report(f"{name} is annotated {datatype}")
        if file.is_bias(node):
            check_bias(file, node, attributes, scale, report)
        elif file.is_weight(node):
            check_weight(file, node, attributes, scale, zero, report)
        else:
            check_activation(file, node, attributes, scale, zero, int(bits), report)


def check_weight(file, node, attributes, scale, zero, report):
    x = file.constants[node.input[0]]
    if (attributes.get("signed"), attributes.get("narrow")) != (1, 1):
        report(f"{node.name}: a weight that is not signed and narrow")
    for parameter in (scale, zero):
        if parameter.shape != () and parameter.ndim != x.ndim:
            report(f"{node.name}: parameter of shape {parameter.shape} for a weight of {x.shape}")
    if x.dtype != np.float32:
        report(f"{node.name}: a weight of type {x.dtype}")
    if len(file.readers.get(node.output[0], [])) != 1:
        report(f"{node.name}: shared by several consumers")
    # Layers may share a weight, as the steps of a recurrent layer do, each behind a quantizer of its own.
    if {r.op_type for r in file.readers.get(node.input[0], [])} != {"Quant"}:
        report(f"{node.name}: its weight has other readers than quantizers")


def check_bias(file, node, attributes, scale, report):
    x = file.constants[node.input[0]]
    if (attributes.get("signed"), attributes.get("narrow")) != (1, 0):
        report(f"{node.name}: a bias that is not signed, or narrow")
    if x.dtype != np.float32 or scale.shape != x.shape:
        report(f"{node.name}: a bias of type {x.dtype} {x.shape} with scales {scale.shape}")
    codes = np.rint(x / scale)
    if not np.array_equal((codes * scale).astype(np.float32), x):
        report(f"{node.name}: a bias that is not integer x scale")
    if len(file.readers.get(node.output[0], [])) != 1:
        report(f"{node.name}: shared by several consumers")


def check_layer_bias(file, layer, job, entry, report):
    """A bias inside the accumulator: on its scale, within its width, and stated."""
    name = layer.node.name
    if layer.bias is None:
        if "bias_bits" in entry:
            report(f"{name}: annotated with a bias of {entry['bias_bits']} bits, and has none")
        if job.get("bias_bits") and len(layer.node.input) > 2:
            report(f"{name}: its bias is not quantized")
        return
    quantizer = Quantizer(file, layer.bias)
    if (quantizer.bits, entry.get("bias_bits")) != (job.get("bias_bits"),) * 2:
        report(f"{name}: a bias of {quantizer.bits} bits, annotated {entry.get('bias_bits')}")
    if layer.biases.min() < quantizer.low or layer.biases.max() > quantizer.high:
        report(f"{name}: biases {layer.biases.min()}...{layer.biases.max()}")
    data = Quantizer(file, layer.data[0]).scale.astype(np.float64)
    weight = Quantizer(file, layer.weight).scale.astype(np.float64)
    if layer.node.op_type == "ConvTranspose" and weight.shape[0] > 1:
        weight = weight[:: weight.shape[0] // file.attributes(layer.node).get("group", 1)]
    alpha = file.attributes(layer.node).get("alpha", 1.0)
    wanted = np.broadcast_to(weight.reshape(-1) * data * alpha, quantizer.scale.size)
    if np.max(np.abs(quantizer.scale.reshape(-1) / wanted - 1)) > 1e-6:
        report(f"{name}: its bias is on another scale than its accumulator")


def check_activation(file, node, attributes, scale, zero, bits, report):
    if scale.shape != () or zero.shape != ():
        report(f"{node.name}: activation scale of shape {scale.shape}")
    if bits > 8:
        report(f"{node.name}: {bits}-bit activations")
    non_negative = never_negative(file, node.input[0])
    if not non_negative and not attributes.get("signed"):
        report(f"{node.name}: unsigned, but its input may be negative")
    if not attributes.get("signed") and attributes.get("narrow"):
        report(f"{node.name}: unsigned and narrow")
    if non_negative and attributes.get("signed") and not joins_signed(file, node.output[0]):
        report(f"{node.name}: signed, but its input is never negative")


KEEPS_SIGN = {"AveragePool", "GlobalAveragePool", "MaxPool", "GlobalMaxPool", "ReduceMean", "Add"}


def never_negative(file, name):
    """Whether operators of which that is known give a value."""
    node = file.producer.get(name)
    if node is None:
        return name in file.constants and bool(np.all(file.constants[name] >= 0))
    if node.op_type in {"Relu", "Clip", "Sigmoid", "Softmax"}:
        return True
    if node.op_type == "Quant":
        return never_negative(file, node.input[0])
    if node.op_type in {"Add", "Concat"}:
        return all(never_negative(file, i) for i in node.input)
    return node.op_type in KEEPS_SIGN | set(MOVES) and never_negative(file, node.input[0])


def joins_signed(file, name):
    """Whether a quantized value meets, in Add or Concat, one that is not behind a ReLU."""
    for reader in file.readers.get(name, []):
        if reader.op_type in {"Add", "Concat"}:
            for source in (q for i in reader.input for q in file.sources(i) if q is not None):
                if not never_negative(file, source.input[0]):
                    return True
        if reader.op_type in MOVES and joins_signed(file, reader.output[0]):
            return True
    return False


def check_layers(file, job, report):
    found = {layer.node.name: layer for layer in layers(file)}
    for node in file.nodes:
        if node.op_type in LINEAR and node.name not in found:
            report(f"{node.name} has no quantized weight")
    try:
        entries = json.loads(file.metadata["snug.accumulators"])
    except (KeyError, ValueError) as error:
        report(f"snug.accumulators: {error!r}")
        return
    keys = {"layer", "output", "weight", "target_bits", "required_bits", "input_bits",
            "input_signed", "method"}  # fmt: skip
    more = {"bias_bits", "tile_size", "outer_bits"}
    if [e["layer"] for e in entries if set(e) - more == keys] != list(found):
        report(f"snug.accumulators has entries {[e.get('layer') for e in entries]}")
        return
    widths = []
    for entry in entries:
        layer = found[entry["layer"]]
        name = layer.node.name
        if not layer.is_exact:
            report(f"{name}: a weight that is not integer x scale")
        if layer.integers.min() < layer.low or layer.integers.max() > layer.high:
            report(f"{name}: integers outside of {layer.low}...{layer.high}")
        if any(q is None for q in layer.data):
            report(f"{name}: its input has no quantizer")
            continue
        inputs = {(Quantizer(file, q).bits, Quantizer(file, q).signed,
                   float(Quantizer(file, q).scale)) for q in layer.data}  # fmt: skip
        if len(inputs) != 1 or next(iter(inputs))[:2] != (entry["input_bits"], entry["input_signed"]):
            report(f"{name}: its input is {inputs}, annotated {entry}")
        if entry["weight"] != layer.weight.input[0] or entry["output"] != layer.node.output[0]:
            report(f"{name}: annotated as {entry}")
        check_layer_bias(file, layer, job, entry, report)
        required = layer.required_bits()
        stated = entry["target_bits"]
        if "tile_size" in entry:
            required, outer = layer.tiled_bits(entry["tile_size"])
            stated = entry["outer_bits"]
            if outer > stated or stated != (job.get("outer_bits") or stated):
                report(f"{name}: tiles need {outer} bits in all, {stated} are stated")
            tiles = -(-layer.rows.shape[1] // entry["tile_size"])
            bias = (1 << (entry["bias_bits"] - 1)) if "bias_bits" in entry else 0
            if not job.get("outer_bits") and stated != width(
                    -tiles * (1 << (entry["target_bits"] - 1)) - bias, 0):  # fmt: skip
                report(f"{name}: {tiles} tiles are stated to need {stated} bits")
        if entry.get("tile_size") != (job.get("tile_size") if entry["target_bits"] < 32 else None):
            report(f"{name}: tiles of {entry.get('tile_size')}")
        if required != entry["required_bits"]:
            report(f"{name}: needs {required} bits, annotated {entry['required_bits']}")
        if entry["target_bits"] is None or required > entry["target_bits"]:
            report(f"{name}: needs {required} bits, target {entry['target_bits']}")
        has_bias = len(layer.node.input) > 2 and layer.node.input[2] != ""
        datatype = file.annotations.get(layer.node.output[0], {}).get("finn_datatype")
        expected = None if has_bias else f"SCALEDINT<{stated}>"
        if datatype != expected:
            report(f"{name}: output annotated {datatype} instead of {expected}")
        widths.append((layer.bits, entry["input_bits"], entry["target_bits"]))
    hidden = (job["weight_bits"], job["activation_bits"], job["accumulator_bits"])
    outer = (job["io_bits"], job["io_bits"], 32)
    if any(w not in (hidden, outer) for w in widths) or widths[0] != outer or widths[-1] != outer:
        report(f"widths {widths}")


def check_additions(file, report):
    for node in file.nodes:
        if node.op_type != "Add" or any(i in file.constants for i in node.input):
            continue
        if any(file.producer[i].op_type == "Quant" and file.is_bias(file.producer[i])
               for i in node.input if i in file.producer):  # fmt: skip
            continue
        sources = [q for i in node.input for q in file.sources(i)]
        if any(q is None for q in sources):
            report(f"{node.name}: a branch without a quantizer")
            continue
        kinds = {(Quantizer(file, q).bits, Quantizer(file, q).signed, float(Quantizer(file, q).scale))
                 for q in sources}  # fmt: skip
        if len(kinds) != 1:
            report(f"{node.name}: branches with different quantizers {kinds}")


def check_frame(file, original, report):
    """What stays as it was: inputs, outputs, versions, names of nodes."""

    def element(kind):
        # Half and double precision become float: the exported file computes in float32.
        return TensorProto.FLOAT if kind in {
            TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.DOUBLE} else kind  # fmt: skip

    def signature(values):
        return [(v.name, element(v.type.tensor_type.elem_type), v.type.tensor_type.HasField("shape"),
                 [d.dim_param or d.dim_value for d in v.type.tensor_type.shape.dim])
                for v in values]  # fmt: skip

    for what, mine, theirs in (("inputs", file.inputs, original.inputs),
                               ("outputs", file.model.graph.output, original.model.graph.output)):  # fmt: skip
        if signature(mine) != signature(theirs):
            report(f"{what} {signature(mine)}, originally {signature(theirs)}")
    if file.model.ir_version != original.model.ir_version:
        report(f"IR version {file.model.ir_version}, originally {original.model.ir_version}")
    imports = [(o.domain, o.version) for o in file.model.opset_import if o.domain != QONNX]
    if imports != [(o.domain, o.version) for o in original.model.opset_import]:
        report(f"opsets {imports}")
    constant = set(original.constants)
    names = {n.name for n in file.nodes}
    for node in original.nodes:
        if node.op_type == "Constant" or all(i in constant or not i for i in node.input):
            constant.update(node.output)
        elif node.op_type not in DISSOLVED and node.name and node.name not in names:
            report(f"node {node.name} ({node.op_type}) has lost its name")


def check_metadata(file, job, report):
    if not re.fullmatch(r"\d+\.\d+\.\d+.*", file.metadata.get("snug.version", "")):
        report(f"snug.version {file.metadata.get('snug.version')}")
    try:
        recipe = json.loads(file.metadata["snug.recipe"])
    except (KeyError, ValueError) as error:
        report(f"snug.recipe: {error!r}")
        return
    for key in ("weight-bits", "activation-bits", "accumulator-bits"):
        if recipe.get(key) != job[key.replace("-", "_")]:
            report(f"snug.recipe: {key} is {recipe.get(key)}")


def check_counterexamples(file, examples, report):
    """Each must leave the range of its width when the file's integers are multiplied and added."""
    found = {layer.node.name: layer for layer in layers(file)}
    for example in examples:
        layer = found[example["layer"]]
        row = layer.rows[example["channel"]]
        x = np.array(example["input"], dtype=np.int64)
        low = min(Quantizer(file, q).low for q in layer.data)
        high = max(Quantizer(file, q).high for q in layer.data)
        if x.shape != row.shape or x.min() < low or x.max() > high:
            report(f"{example['layer']}: inputs {x.shape} of {x.min()}...{x.max()} are impossible")
            continue
        products = x * row
        prefix = example.get("prefix")
        total = int(products.sum() if prefix is None else products[prefix].sum())
        bias = example.get("bias") or 0
        if bias not in (0, layer.biases[example["channel"]]) or prefix is None and (
            bias != layer.biases[example["channel"]]):  # fmt: skip
            report(f"{example['layer']}: a bias of {bias}")
        total += bias
        limit = 1 << (example["bits"] - 1)
        if total != example["sum"] or -limit <= total <= limit - 1:
            report(f"{example['layer']}: sums to {total}, stated {example['sum']}, "
                   f"{example['bits']} bits")  # fmt: skip


def violations(model, original, job):
    found = []
    file, source = File(model), File(original)
    check_quantizers(file, found.append)
    check_layers(file, job, found.append)
    check_additions(file, found.append)
    check_frame(file, source, found.append)
    check_metadata(file, job, found.append)
    check_counterexamples(file, job["counterexamples"], found.append)
    return found
