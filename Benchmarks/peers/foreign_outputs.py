"""The outputs of quantized files by the executor of their format, for foreign_files.py and read_foreign.py."""

import onnx
import onnxruntime
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.infer_shapes import InferShapes

QONNX = ("qonnx.custom_op", "onnx.brevitas", "finn.custom_op")


def graph_input(model):
    held = {i.name for i in model.graph.initializer}
    return next(i for i in model.graph.input if i.name not in held)


def input_name(path):
    return graph_input(onnx.load(path, load_external_data=False)).name


def expected(path, data):
    """The first output: of qonnx where the file has operators of its domains, else of onnxruntime."""
    model = onnx.load(path)
    value = graph_input(model)
    if any(n.domain.startswith(QONNX) for n in model.graph.node):
        for node in model.graph.node:
            # qonnx no longer registers the domains of older exporters.
            if node.domain == "onnx.brevitas" or node.domain.startswith("finn"):
                node.domain = "qonnx.custom_op.general"
        model.opset_import.append(onnx.helper.make_opsetid("qonnx.custom_op.general", 1))
        for dim, size in zip(value.type.tensor_type.shape.dim, data.shape):
            dim.dim_value = size
        wrapped = ModelWrapper(model).transform(InferShapes())
        return next(iter(execute_onnx(wrapped, {value.name: data}).values()))
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return session.run(None, {value.name: data})[0]
