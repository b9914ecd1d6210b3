"""Loads, cleans up and executes an exported file with qonnx."""

import copy

import numpy as np
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.infer_shapes import InferShapes
from qonnx.util.cleanup import cleanup_model


def with_shapes(model, feed):
    """The model with the sizes of one feed in place of symbols, as qonnx's executor needs it."""
    model = copy.deepcopy(model)
    del model.graph.value_info[:]
    for value in model.graph.input:
        if value.name in feed:
            for dim, size in zip(value.type.tensor_type.shape.dim, feed[value.name].shape):
                dim.dim_value = size
    for value in model.graph.output:
        for dim in value.type.tensor_type.shape.dim:
            if not dim.HasField("dim_value"):
                dim.Clear()
    return model


def clear_inferred(wrapped):
    """Shape inference merges into what a value states, so open sizes of outputs are filled in place."""
    return wrapped.transform(InferShapes())


def execute(model, feed, folder):
    """Saves outputs and the two sides of each activation quantizer; returns names and violations."""
    found = []
    wrapped = clear_inferred(ModelWrapper(with_shapes(model, feed)))
    context = execute_onnx(wrapped, feed, return_full_exec_context=True)
    constants = {i.name for i in model.graph.initializer}

    saved = []
    def save(name):
        saved.append(name)
        np.save(f"{folder}/{len(saved) - 1}.npy", np.ascontiguousarray(context[name], np.float32))

    quantizers = [n for n in model.graph.node if n.op_type == "Quant"]
    weights = [n for n in quantizers if n.input[0] in constants]
    for node in weights:
        if not np.array_equal(context[node.output[0]], context[node.input[0]]):
            found.append(f"qonnx changes the integers of {node.input[0]}")
    pairs = []
    for node in quantizers:
        if node.input[0] not in constants:
            pairs.append({"input": len(saved), "output": len(saved) + 1,
                          "scale": float(context[node.input[1]])})  # fmt: skip
            save(node.input[0])
            save(node.output[0])
    outputs = []
    for value in model.graph.output:
        outputs.append(len(saved))
        save(value.name)

    clean = cleanup_model(clear_inferred(ModelWrapper(with_shapes(model, feed))))
    kept = [n for n in clean.graph.node
            if n.op_type == "Quant" and clean.get_initializer(n.input[0]) is not None]  # fmt: skip
    if len(kept) != len(weights):
        found.append(f"cleanup keeps {len(kept)} of {len(weights)} weight quantizers")
    names = [i.name for i in clean.graph.input]
    results = execute_onnx(clean, dict(zip(names, feed.values())))
    for value, result in zip(model.graph.output, results.values()):
        if not np.allclose(result, context[value.name], rtol=0, atol=1e-5 * np.abs(result).max()):
            found.append(f"cleanup changes output {value.name}")
    return {"names": saved, "quantizers": pairs, "outputs": outputs}, found
