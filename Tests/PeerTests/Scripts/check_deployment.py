"""check_deployment.py JOBS.json RESULTS.json: runs exports of one model on onnxruntime and qonnx.

Each job names a QONNX file, its exports and an input. Reported for each export: activation integers that
differ from those that qonnx computes on the QONNX file, how many of them follow no tie, weights that
differ, sums outside their target width, and the deviation of the outputs.
"""

import json
import os
import sys
import traceback
import warnings

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
warnings.filterwarnings("ignore")

from export_execution import clear_inferred, with_shapes


def constants(model):
    return {i.name: numpy_helper.to_array(i).astype(np.float64) for i in model.graph.initializer}


def reference(path, feed):
    """Codes of every quantizer of a QONNX file, and the values before them, as qonnx computes them."""
    model = onnx.load(path)
    known = constants(model)
    wrapped = clear_inferred(ModelWrapper(with_shapes(model, feed)))
    context = execute_onnx(wrapped, feed, return_full_exec_context=True)
    weights, activations = {}, []
    for node in model.graph.node:
        if node.op_type != "Quant":
            continue
        scale = known[node.input[1]]
        codes = np.rint(context[node.output[0]].astype(np.float64) / scale)
        if node.input[0] in known:
            weights[node.output[0]] = codes
        else:
            units = context[node.input[0]].astype(np.float64) / scale
            activations.append((node.name, node.output[0], float(scale), codes, units))
    outputs = {v.name: context[v.name] for v in model.graph.output}
    return model, weights, activations, outputs


def default_deviation(path, feed, plain):
    """How far the outputs of a session as users open it are from those without optimizations."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options)
    names = [v.name for v in session.get_outputs()]
    worst = 0.0
    for name, values in zip(names, session.run(None, feed)):
        largest = float(np.abs(plain[name]).max()) or 1.0
        worst = max(worst, float(np.abs(values - plain[name]).max()) / largest)
    return worst


def run_onnxruntime(model, feed, fetch):
    extended = onnx.ModelProto()
    extended.CopyFrom(model)
    present = {v.name for v in extended.graph.output}
    for name in fetch:
        if name not in present:
            extended.graph.output.append(onnx.ValueInfoProto(name=name))
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(extended.SerializeToString(), options)
    names = [v.name for v in session.get_outputs()]
    return dict(zip(names, session.run(None, feed)))


def code_values(model, activations):
    """For each quantizer, the value of an export that holds its codes, or the dequantized ones."""
    computed = {o for n in model.graph.node for o in n.output}
    found = {}
    for name, output, scale, _, _ in activations:
        if output in computed:
            found[name] = (output, scale)
        else:
            found[name] = next(
                ((v, 1.0) for v in (name + "_clipped", name + "_integers") if v in computed), None)
    return found


def compare(path, job, expected, feed):
    qonnx_model, weights, activations, outputs = expected
    model = onnx.load(path)
    found = {"violations": [], "codes": 0, "different": 0, "unexplained": 0, "weights": 0,
             "default_deviation": 0.0}  # fmt: skip
    try:
        onnx.checker.check_model(model, full_check=True)
    except Exception as error:
        found["violations"].append(f"onnx.checker: {error}")
    places = code_values(model, activations)
    for name, place in places.items():
        if place is None:
            found["violations"].append(f"no value holds the codes of {name}")
    fetch = [p[0] for p in places.values() if p]
    sums = [n for n in model.graph.node if n.op_type in ("ConvInteger", "MatMulInteger")]
    found["integer_layers"] = len(sums)
    biased = [n for n in model.graph.node if n.output[0].endswith("_biased")]
    if any(n.domain == "qonnx.custom_op.general" for n in model.graph.node):
        wrapped = clear_inferred(ModelWrapper(with_shapes(model, feed)))
        values = execute_onnx(wrapped, feed, return_full_exec_context=True)
    else:
        values = run_onnxruntime(model, feed, fetch + [n.output[0] for n in sums + biased])
        found["default_deviation"] = default_deviation(path, feed, values)

    clean = True
    for name, output, scale, codes, units in activations:
        if places[name] is None:
            continue
        value, step = places[name]
        mine = np.rint(values[value].astype(np.float64) / step)
        wrong = mine != codes
        found["codes"] += codes.size
        found["different"] += int(wrong.sum())
        if clean and wrong.any():
            # Before the first difference all integers agree, so that only a tie can explain it.
            distance = np.abs(np.abs(units - np.floor(units)) - 0.5)
            found["unexplained"] += int((wrong & (distance > 1e-3)).sum())
            clean = False
    found["weights"] = weight_differences(model, qonnx_model, weights, found)
    targets = {layer["layer"]: layer["target_bits"] for layer in job["layers"]}
    for node in sums + biased:
        bits = targets.get(node.name.removesuffix("_add_bias"))
        total = values[node.output[0]]
        if bits and (total.min() < -2 ** (bits - 1) or total.max() > 2 ** (bits - 1) - 1):
            found["violations"].append(f"{node.name}: a sum leaves {bits} bits")
    worst = 0.0
    for name, theirs in outputs.items():
        largest = float(np.abs(theirs).max()) or 1.0
        worst = max(worst, float(np.abs(values[name] - theirs).max()) / largest)
    found["deviation"] = worst if found["different"] == 0 else 0.0
    return found


def weight_differences(model, qonnx_model, weights, found):
    """Weights whose integers differ from those of the QONNX file, layer by layer."""
    known = constants(model)
    produced = {o: n for n in model.graph.node for o in n.output}
    layers = {n.name: n for n in model.graph.node}
    wrong = 0
    for node in qonnx_model.graph.node:
        for position, name in enumerate(node.input):
            if name not in weights or node.op_type == "Quant":
                continue
            layer = layers.get(node.name)
            addend = position == 2 or node.op_type == "Add"
            if addend and (layer is None or layer.op_type in ("ConvInteger", "MatMulInteger")):
                # Integers that are added to the sums of the layer, or of that before the addition.
                before = node.name if position == 2 else next(
                    n.name for n in qonnx_model.graph.node if n.output[0] in node.input
                    and n.op_type == "MatMul")  # fmt: skip
                codes = known[layers[before + "_add_bias"].input[1]]
                wrong += int((codes.reshape(-1) != weights[name].reshape(-1)).sum())
                continue
            if layer is None:
                found["violations"].append(f"layer {node.name} is gone")
                continue
            if layer.op_type in ("ConvInteger", "MatMulInteger"):
                codes = known[layer.input[1]] - known[layer.input[3]]
                attributes = {a.name: a.i for a in node.attribute}
                # A weight on the left, and Gemm's transposed one, stand the other way round.
                if position == 0 or attributes.get("transB"):
                    codes = codes.T
            else:
                source = produced[layer.input[position]]
                if source.op_type == "Quant":
                    codes = np.rint(known[source.input[0]] / known[source.input[1]])
                else:
                    value = source.input[0]
                    if value not in known:
                        value = produced[value].input[0]
                    codes = known[value]
            wrong += int((codes != weights[name]).sum())
    return wrong


def main():
    with open(sys.argv[1]) as file:
        jobs = json.load(file)
    results = []
    for job in jobs:
        model = onnx.load(job["qonnx"])
        held = {i.name for i in model.graph.initializer}
        names = [i.name for i in model.graph.input if i.name not in held]
        feed = {names[0]: np.load(job["input"])}
        expected = reference(job["qonnx"], feed)
        reports = []
        for path in job["exports"]:
            try:
                reports.append(compare(path, job, expected, feed))
            except Exception:
                reports.append({"violations": [traceback.format_exc()], "codes": 0, "different": 0,
                                "unexplained": 0, "weights": 0, "deviation": 0,
                                "default_deviation": 0, "integer_layers": 0})  # fmt: skip
        results.append(reports)
    with open(sys.argv[2], "w") as file:
        json.dump(results, file)


if __name__ == "__main__":
    main()
