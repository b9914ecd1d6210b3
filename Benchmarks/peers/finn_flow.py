"""finn_flow.py MODEL.onnx...: takes QONNX files through FINN's transformations and prints the accumulator types.

Needs finn-plus 1.6.1 with qonnx 1.0.0 in an environment of its own; no vendor tools. Prints one JSON object
a model: how far it got, and for each matrix-vector unit its accumulator type beside the width that the file's
metadata holds the layer to, and FINN's estimate of its LUTs with one product a cycle, products and memories in LUTs.
"""

import json
import sys
import traceback
import warnings

import onnx

warnings.filterwarnings("ignore")

from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp
from qonnx.transformation.general import GiveReadableTensorNames, GiveUniqueNodeNames
from qonnx.transformation.infer_data_layouts import InferDataLayouts
from qonnx.transformation.infer_datatypes import InferDataTypes
from qonnx.transformation.infer_shapes import InferShapes
from qonnx.transformation.lower_convs_to_matmul import LowerConvsToMatMul
from qonnx.util.cleanup import cleanup_model

import finn.transformation.streamline.absorb as absorb
from finn.transformation.fpgadataflow.convert_to_hw.quantized_matrix_vector_activation import (
    InferQuantizedMatrixVectorActivation,
)
from finn.transformation.fpgadataflow.convert_to_hw.vector_vector_activation import (
    InferVectorVectorActivation,
)
from finn.transformation.fpgadataflow.minimize_accumulator_width import MinimizeAccumulatorWidth
from finn.transformation.fpgadataflow.specialize_layers import SpecializeLayers
from finn.transformation.qonnx.convert_qonnx_to_finn import ConvertQONNXtoFINN
from finn.transformation.streamline import Streamline
from finn.transformation.streamline.reorder import (
    MakeMaxPoolNHWC,
    MoveLinearPastEltwiseAdd,
    MoveLinearPastFork,
)

PART = "xc7z020clg400-1"
UNITS = ("MVAU", "VVAU", "MVAU_hls", "VVAU_hls", "MatrixVectorActivation", "VectorVectorActivation")


def steps():
    yield "clean-up", lambda m: cleanup_model(m)
    yield "ConvertQONNXtoFINN", lambda m: m.transform(ConvertQONNXtoFINN())
    yield "Streamline", lambda m: m.transform(Streamline())
    # Scales in front of a shortcut go along both branches, and meet behind their addition.
    for _ in range(4):
        yield "shortcuts", lambda m: (
            m.transform(MoveLinearPastFork()).transform(MoveLinearPastEltwiseAdd())
            .transform(Streamline())
        )
    yield "LowerConvsToMatMul", lambda m: m.transform(LowerConvsToMatMul())
    yield "AbsorbTransposeIntoMultiThreshold", lambda m: (
        m.transform(absorb.AbsorbTransposeIntoMultiThreshold())
        .transform(MakeMaxPoolNHWC())
        .transform(absorb.AbsorbConsecutiveTransposes())
    )
    yield "Streamline again", lambda m: m.transform(Streamline())
    yield "types", lambda m: (
        m.transform(InferShapes()).transform(InferDataTypes()).transform(InferDataLayouts())
    )
    yield "InferVectorVectorActivation", lambda m: m.transform(InferVectorVectorActivation())
    yield "InferQuantizedMatrixVectorActivation", lambda m: (
        m.transform(InferQuantizedMatrixVectorActivation())
    )
    yield "MinimizeAccumulatorWidth", lambda m: (
        m.transform(GiveUniqueNodeNames()).transform(MinimizeAccumulatorWidth())
    )


def luts(model):
    """FINN's estimate for each unit, by its name, as HLS code in LUTs alone."""
    for node in model.graph.node:
        if node.op_type in UNITS:
            getCustomOp(node).set_nodeattr("preferred_impl_style", "hls")
    model = model.transform(SpecializeLayers(PART))
    found = {}
    for node in model.graph.node:
        if node.op_type not in UNITS:
            continue
        unit = getCustomOp(node)
        for name, value in (("resType", "lut"), ("mem_mode", "internal_decoupled"), ("ram_style", "distributed"),
                            ("ram_style_thresholds", "distributed"), ("PE", 1), ("SIMD", 1)):  # fmt: skip
            if name in unit.get_nodeattr_types():
                unit.set_nodeattr(name, value)
        found[node.name] = {
            "luts": int(unit.lut_estimation(PART)), "thresholds": unit.get_nodeattr("noActivation") == 0,
            "output_bits": unit.get_output_datatype().bitwidth()}  # fmt: skip
    return list(found.values())


def run(path):
    proto = onnx.load(path)
    for value in list(proto.graph.input) + list(proto.graph.output):
        dim = value.type.tensor_type.shape.dim
        if len(dim) and not dim[0].HasField("dim_value"):
            dim[0].Clear()
            dim[0].dim_value = 1
    del proto.graph.value_info[:]
    targets = []
    for entry in proto.metadata_props:
        if entry.key == "snug.accumulators":
            targets = [(a["layer"], a["target_bits"], a["required_bits"])
                       for a in json.loads(entry.value)]  # fmt: skip
    result = {"model": path, "reached": None, "error": None, "layers": targets}
    model = ModelWrapper(proto).transform(InferShapes())
    try:
        for name, step in steps():
            model = step(model)
            result["reached"] = name
    except Exception as error:
        last = traceback.format_exc().strip().splitlines()[-1]
        result["error"] = f"{type(error).__name__}: {last[:300]}"
    result["units"] = [
        {"node": n.name, "op": n.op_type,
         "accumulator": getCustomOp(n).get_nodeattr("accDataType"),
         "weight": getCustomOp(n).get_nodeattr("weightDataType"),
         "input": getCustomOp(n).get_nodeattr("inputDataType")}
        for n in model.graph.node if n.op_type.split("_")[0] in UNITS or n.op_type in UNITS]  # fmt: skip
    try:
        for unit, estimate in zip(result["units"], luts(model)):
            unit.update(estimate)
    except Exception as error:
        result["luts_error"] = f"{type(error).__name__}: {error}"
    result["left"] = sorted({n.op_type for n in model.graph.node} - set(UNITS))
    return result


if __name__ == "__main__":
    for path in sys.argv[1:]:
        print(json.dumps(run(path), indent=1), flush=True)
